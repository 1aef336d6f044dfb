import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addErrorRenderer } from '../cells/errors';
import { NotebookDesk } from '../cells/notebook';
import { IOllamaChat, PluginIDs } from '../tokens';

/** A button under every exception in a notebook that has it explained. */
export const errors: JupyterFrontEndPlugin<void> = {
  id: PluginIDs.errors,
  description: 'Puts a button under exceptions that has them explained.',
  autoStart: true,
  requires: [IRenderMimeRegistry, INotebookTracker, IOllamaChat],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker,
    chat: IOllamaChat,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ollama_lab');
    const desk = new NotebookDesk({ tracker, trans });
    addErrorRenderer({
      rendermime,
      trans,
      explain: output => {
        chat.ask(
          trans.__('Explain this error, and how to fix it.'),
          desk.failure(output)
        );
      }
    });
  }
};
