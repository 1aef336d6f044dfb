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
import { ChatPanel } from '../chat/panel';
import { CommandIDs, IOllamaChat, PluginIDs } from '../tokens';

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
    const desk = tracker && new NotebookDesk({ tracker, trans });
    const panel: ChatPanel = new ChatPanel({
      trans,
      load: async () => {
        const { createChat } = await import('../chat/create');
        const made = createChat({
          desk,
          documents,
          isVisible: () => panel.isVisible,
          languages,
          rendermime,
          services: app.serviceManager,
          settings,
          state,
          trans
        });
        made.services.session.savedChanged.connect(() =>
          app.commands.notifyCommandChanged(CommandIDs.stop)
        );
        return made;
      }
    });
    app.shell.add(panel, 'right', { rank: 1000 });
    restorer?.add(panel, panel.id);
    const open = () => app.shell.activateById(panel.id);
    addChatCommands({
      commands: app.commands,
      desk,
      open,
      palette,
      panel,
      trans
    });
    return {
      attach: attachments => {
        open();
        void panel.load().then(({ attacher, view }) => {
          view.show('chat');
          attachments.forEach(each => attacher.add(each));
        });
      },
      ask: (text, attachments) => {
        open();
        void panel.load().then(({ session, view }) => {
          session.startNew();
          view.show('chat');
          const { chat: fresh } = session;
          attachments.forEach(each => fresh.context.add(each));
          fresh.draft = text;
          void fresh.send();
        });
      }
    };
  }
};
