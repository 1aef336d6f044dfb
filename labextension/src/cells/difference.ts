import { Widget } from '@lumino/widgets';

/** Code now and code to come, side by side in one column: what goes is struck, what comes is marked. */
export async function difference(
  before: string,
  after: string
): Promise<Widget> {
  // 40 kB that only this question needs.
  const [{ unifiedMergeView }, { EditorState }, { EditorView }] =
    await Promise.all([
      import('@codemirror/merge'),
      import('@codemirror/state'),
      import('@codemirror/view')
    ]);
  const widget = new Widget();
  widget.addClass('jp-OllamaLabChat-difference');
  const view = new EditorView({
    doc: after,
    parent: widget.node,
    extensions: [
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.lineWrapping,
      unifiedMergeView({
        original: before,
        mergeControls: false,
        gutter: false
      })
    ]
  });
  widget.disposed.connect(() => view.destroy());
  return widget;
}
