import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addPromptLanguage } from '../cells/language';
import { CELL_ARGUMENTS, cellUnderMenu } from '../cells/menu';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- (light, and in the chat's first chunk anyway)
import { NotebookDesk } from '../cells/notebook';
import { watchNotebooks } from '../cells/prompts';
import { CommandIDs, IOllamaChat, PluginIDs } from '../tokens';

/** Prompts in cells: their colors, and questions about a cell. */
export const cells: JupyterFrontEndPlugin<void> = {
  id: PluginIDs.cells,
  description: 'Colors %%ollama cells and takes cells into the chat.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [
    IEditorLanguageRegistry,
    IOllamaChat,
    ICommandPalette,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    languages: IEditorLanguageRegistry | null,
    chat: IOllamaChat | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ollama_lab');
    if (languages) {
      addPromptLanguage(languages);
      watchNotebooks(tracker, languages);
    }
    if (!chat) {
      return;
    }
    const desk = new NotebookDesk({ tracker, trans });
    app.commands.addCommand(CommandIDs.askAboutCell, {
      label: trans.__('Ask about This Cell'),
      caption: trans.__('Attach the active cell to the Ollama chat'),
      describedBy: CELL_ARGUMENTS,
      isEnabled: () => desk.isOpen,
      execute: args => {
        const cell = desk.activeCell(cellUnderMenu(app, args));
        if (cell) {
          chat.attach([cell]);
        }
      }
    });
    palette?.addItem({
      command: CommandIDs.askAboutCell,
      category: trans.__('Ollama')
    });
  }
};
