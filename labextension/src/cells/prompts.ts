import type { ICellModel } from '@jupyterlab/cells';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type {
  INotebookTracker,
  Notebook,
  NotebookPanel
} from '@jupyterlab/notebook';

import { PROMPT_MIME, isPrompt } from './language';

/** Color the prompts of every notebook, the ones opened later as well. */
export function watchNotebooks(
  tracker: INotebookTracker,
  languages: IEditorLanguageRegistry
): void {
  const watch = (panel: NotebookPanel) =>
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) {
        watchNotebook(panel.content, languages);
      }
    });
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_, panel) => watch(panel));
}

function watchNotebook(
  notebook: Notebook,
  languages: IEditorLanguageRegistry
): void {
  const seen = new WeakSet<ICellModel>();
  const watchCells = () => {
    for (const cell of notebook.model?.cells ?? []) {
      if (cell.type === 'code' && !seen.has(cell)) {
        seen.add(cell);
        watchCell(cell, notebook, languages);
      }
    }
  };
  const watchModel = () => {
    notebook.model?.cells.changed.connect(watchCells);
    watchCells();
  };
  notebook.modelChanged.connect(watchModel);
  watchModel();
}

function watchCell(
  cell: ICellModel,
  notebook: Notebook,
  languages: IEditorLanguageRegistry
): void {
  const update = async () => {
    if (cell.mimeType === wantedType(cell, notebook)) {
      return;
    }
    // An editor shows the language that is loaded last, not the one that was set last: with both
    // there already it is the same.
    await Promise.allSettled(
      [notebook.codeMimetype, PROMPT_MIME].map(each =>
        languages.getLanguage(each)
      )
    );
    if (!cell.isDisposed) {
      cell.mimeType = wantedType(cell, notebook);
    }
  };
  const changed = () => void update();
  cell.contentChanged.connect(changed);
  // The notebook sets every code cell anew when the kernel says its language.
  cell.mimeTypeChanged.connect(changed);
  changed();
}

function wantedType(cell: ICellModel, notebook: Notebook): string {
  if (isPrompt(cell.sharedModel.getSource())) {
    return PROMPT_MIME;
  }
  return cell.mimeType === PROMPT_MIME ? notebook.codeMimetype : cell.mimeType;
}
