import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { IAttachment } from '../api/types';
import { addErrorRenderer } from '../cells/errors';
import { CELL_ARGUMENTS, cellUnderMenu } from '../cells/menu';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- (light, and in the chat's first chunk anyway)
import { NotebookDesk } from '../cells/notebook';
import { CommandIDs, IOllamaChat, PluginIDs } from '../tokens';

/** A button under every exception in a notebook that has it explained. */
export const errors: JupyterFrontEndPlugin<void> = {
  id: PluginIDs.errors,
  description: 'Puts a button under exceptions that has them explained.',
  autoStart: true,
  requires: [IRenderMimeRegistry, INotebookTracker, IOllamaChat],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker,
    chat: IOllamaChat,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ollama_lab');
    const desk = new NotebookDesk({ tracker, trans });
    const ask = (error: readonly IAttachment[]) =>
      chat.ask(trans.__('Explain this error, and how to fix it.'), error);
    addErrorRenderer({
      rendermime,
      trans,
      explain: (output, traceback) => ask(desk.failure(output, traceback))
    });
    app.commands.addCommand(CommandIDs.explainError, {
      label: trans.__('Explain the Error of This Cell'),
      caption: trans.__('Ask the Ollama chat about the error under this cell'),
      describedBy: CELL_ARGUMENTS,
      isVisible: args =>
        desk.activeFailure(cellUnderMenu(app, args)).length > 0,
      execute: args => {
        const error = desk.activeFailure(cellUnderMenu(app, args));
        if (error.length > 0) {
          ask(error);
        }
      }
    });
    palette?.addItem({
      command: CommandIDs.explainError,
      category: trans.__('Ollama')
    });
  }
};
