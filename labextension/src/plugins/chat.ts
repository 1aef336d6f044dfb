import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- (light, and the panel needs it)
import { NotebookDesk } from '../cells/notebook';
import { addChatCommands } from '../chat/commands';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- (the panel stands in the sidebar from the start)
import { createServices } from '../chat/create';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- (the same)
import { ChatPanel } from '../chat/panel';
import { IOllamaChat, PluginIDs } from '../tokens';

/** The chat in the sidebar. */
export const chat: JupyterFrontEndPlugin<IOllamaChat> = {
  id: PluginIDs.chat,
  description: 'Chat with local models in the sidebar.',
  autoStart: true,
  provides: IOllamaChat,
  requires: [IRenderMimeRegistry],
  optional: [
    ILayoutRestorer,
    ICommandPalette,
    INotebookTracker,
    IDocumentManager,
    IEditorLanguageRegistry,
    IStateDB,
    ISettingRegistry,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    tracker: INotebookTracker | null,
    documents: IDocumentManager | null,
    languages: IEditorLanguageRegistry | null,
    state: IStateDB | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): IOllamaChat => {
    const trans = (translator ?? nullTranslator).load('ollama_lab');
    const services = createServices({
      desk: tracker && new NotebookDesk({ tracker, trans }),
      documents,
      isVisible: () => panel.isVisible,
      languages,
      rendermime,
      services: app.serviceManager,
      state,
      trans
    });
    const panel: ChatPanel = new ChatPanel(services);
    app.shell.add(panel, 'right', { rank: 1000 });
    restorer?.add(panel, panel.id);
    const open = () => app.shell.activateById(panel.id);
    addChatCommands({ commands: app.commands, open, palette, services });
    void settings?.load(PluginIDs.chat).then(loaded => {
      const read = () => {
        services.view.isEnterSending =
          loaded.get('sendWith').composite !== 'shift-enter';
      };
      loaded.changed.connect(read);
      read();
    });
    return {
      attach: attachments => {
        services.view.show('chat');
        open();
        attachments.forEach(each => services.attacher.add(each));
      },
      ask: (text, attachments) => {
        services.session.startNew();
        services.view.show('chat');
        open();
        const { chat: fresh } = services.session;
        attachments.forEach(each => fresh.context.add(each));
        fresh.draft = text;
        void fresh.send();
      }
    };
  }
};
