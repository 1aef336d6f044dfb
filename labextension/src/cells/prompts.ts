import type { LanguageSupport } from '@codemirror/language';
import type { ICellModel } from '@jupyterlab/cells';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type {
  INotebookTracker,
  Notebook,
  NotebookPanel
} from '@jupyterlab/notebook';

/** The mime type of a cell that begins with our magic. */
export const PROMPT_MIME = 'text/x-ollama-prompt';

const MAGIC = /^\s*%%ollama(?:_lab)?(?=\s|$)/;

/** Teach the editor a language for prompts: the magic's line, then Markdown. */
export function addPromptLanguage(languages: IEditorLanguageRegistry): void {
  languages.addLanguage({
    name: 'ollama-prompt',
    displayName: 'Ollama prompt',
    mime: PROMPT_MIME,
    load: () => loadMarkdown(languages)
  });
}

/** Color the prompts of every notebook, the ones opened later as well. */
export function watchNotebooks(tracker: INotebookTracker): void {
  const watch = (panel: NotebookPanel) =>
    void panel.context.ready.then(() => watchNotebook(panel.content));
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_, panel) => watch(panel));
}

async function loadMarkdown(
  languages: IEditorLanguageRegistry
): Promise<LanguageSupport> {
  const found =
    (await languages.getLanguage('ipythongfm')) ??
    (await languages.getLanguage('markdown'));
  if (!found?.support) {
    throw new Error('This JupyterLab has no language for Markdown.');
  }
  return found.support;
}

function watchNotebook(notebook: Notebook): void {
  const seen = new WeakSet<ICellModel>();
  const watchCells = () => {
    for (const cell of notebook.model?.cells ?? []) {
      if (cell.type === 'code' && !seen.has(cell)) {
        seen.add(cell);
        watchCell(cell, notebook);
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

function watchCell(cell: ICellModel, notebook: Notebook): void {
  const update = () => {
    const isPrompt = MAGIC.test(cell.sharedModel.getSource());
    const wanted = isPrompt ? PROMPT_MIME : notebook.codeMimetype;
    if (
      cell.mimeType !== wanted &&
      (isPrompt || cell.mimeType === PROMPT_MIME)
    ) {
      cell.mimeType = wanted;
    }
  };
  cell.contentChanged.connect(update);
  // The notebook sets every code cell anew when the kernel says its language.
  cell.mimeTypeChanged.connect(update);
  update();
}
