import { Clipboard } from '@jupyterlab/apputils';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ServiceManager } from '@jupyterlab/services';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';

import { connect } from '../api/connection';
import type { NotebookDesk } from '../cells/notebook';
import { StreamingMarkdown } from '../markdown/stream';
import { PluginIDs } from '../tokens';
import { announceAnswers } from './announce';
import { Announcer } from './announcer';
import { Attacher } from './attacher';
import { Catalog } from './catalog';
import { ChatView } from './ChatView';
import { codeBar } from './codebar';
import { History } from './history';
import { remember } from './memory';
import { Presets } from './presets';
import type { IChatServices } from './services';
import { Session } from './session';
import { View } from './view';

/** What a panel is made from: JupyterLab's services, some of which Notebook 7 lacks. */
export interface IParts {
  desk: NotebookDesk | null;
  documents: IDocumentManager | null;
  isVisible: () => boolean;
  languages: IEditorLanguageRegistry | null;
  rendermime: IRenderMimeRegistry;
  services: ServiceManager.IManager;
  settings: ISettingRegistry | null;
  state: IStateDB | null;
  trans: TranslationBundle;
}

/** Make a chat and its view. */
export function createChat(parts: IParts): {
  services: IChatServices;
  view: ChatView;
} {
  const services = createServices(parts);
  return { services, view: new ChatView(services) };
}

/** Make the services of a panel; nothing is asked of the server before `begin`. */
function createServices(parts: IParts): IChatServices {
  const { desk, documents, isVisible, services, state, trans } = parts;
  const client = connect(services.serverSettings, trans);
  const announcer = new Announcer();
  const catalog = new Catalog(client);
  const history = new History(client, trans);
  const presets = new Presets(trans);
  const session = new Session({ client, trans, isVisible });
  const view = new View();
  const contents = services.contents;
  const attacher = new Attacher({ catalog, contents, session, trans, view });
  const copy = (text: string) => {
    Clipboard.copyToSystem(text);
    announcer.say(trans.__('Copied'));
  };
  history.deleted.connect((_, id) => {
    if (id === session.chat.conversation.id) {
      session.startNew();
    }
  });
  history.allDeleted.connect(() => {
    // A private chat is none of those that were stored.
    if (session.chat.conversation.id !== null) {
      session.startNew();
    }
  });
  session.serverChanged.connect(() => {
    if (view.page === 'chats') {
      void history.refresh();
    }
  });
  announceAnswers({ announcer, catalog, session, trans });
  void parts.settings?.load(PluginIDs.chat).then(loaded => {
    const read = () => {
      view.isEnterSending = loaded.get('sendWith').composite !== 'shift-enter';
      session.keepsRunning = loaded.get('keepRunning').composite === true;
    };
    presets.attach(loaded);
    loaded.changed.connect(read);
    read();
  });
  const { reload, restore } = remember(session, state, services.serverSettings);
  let isBegun = false;
  return {
    announcer,
    attacher,
    begin: () => {
      if (isBegun) {
        catalog.look();
        return;
      }
      isBegun = true;
      catalog.open();
      void restore().then(() => session.watch());
    },
    catalog,
    copy,
    desk,
    history,
    pickFiles: documents && (() => void pickFiles(documents, attacher, trans)),
    renderAnswer: () =>
      new StreamingMarkdown({
        codeBar: code => codeBar(code, { desk, trans, onCopy: copy }),
        languages: parts.languages,
        rendermime: parts.rendermime,
        trans
      }),
    presets,
    reload,
    session,
    trans,
    view
  };
}

async function pickFiles(
  manager: IDocumentManager,
  attacher: Attacher,
  trans: TranslationBundle
): Promise<void> {
  const { value } = await FileDialog.getOpenFiles({
    manager,
    title: trans.__('Attach files')
  });
  // With nothing selected the dialog gives the folder that it shows.
  const files = (value ?? []).filter(file => file.type !== 'directory');
  await attacher.addPaths(files.map(file => file.path));
}
