import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ChatPanel } from '../chat/panel';
import { CommandIDs, PluginIDs } from '../tokens';

/** The chat in the sidebar. */
export const chat: JupyterFrontEndPlugin<void> = {
  id: PluginIDs.chat,
  description: 'Chat with local models in the sidebar.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ollama_lab');
    const panel = new ChatPanel({ rendermime, trans });
    app.shell.add(panel, 'right', { rank: 1000 });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.openChat, {
      label: trans.__('Open Ollama Chat'),
      caption: trans.__('Show the chat with local models'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(panel.id)
    });
    palette?.addItem({
      command: CommandIDs.openChat,
      category: trans.__('Ollama')
    });
  }
};
