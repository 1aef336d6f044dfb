import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

import type { NotebookDesk } from '../cells/notebook';
import type { StreamingMarkdown } from '../markdown/stream';
import type { ChatModel } from '../model/chat';
import type { Announcer } from './announcer';
import type { Attacher } from './attacher';
import type { Catalog } from './catalog';
import type { History } from './history';
import type { Presets } from './presets';
import type { Session } from './session';
import { useSignal } from './signals';
import type { View } from './view';

/** What the components of one panel share. */
export interface IChatServices {
  announcer: Announcer;
  attacher: Attacher;
  catalog: Catalog;
  /** Ask the server for the first time, once the panel is seen. */
  begin: () => void;
  /** Put a text on the clipboard, and say so. */
  copy: (text: string) => void;
  /** Null where there are no notebooks. */
  desk: NotebookDesk | null;
  history: History;
  /** Let the user choose files of the Jupyter server; null where that cannot be. */
  pickFiles: (() => void) | null;
  presets: Presets;
  /** Load the page again; the chat and its draft are there after it. */
  reload: () => void;
  renderAnswer: () => StreamingMarkdown;
  session: Session;
  trans: TranslationBundle;
  view: View;
}

export const ServicesContext = createContext<IChatServices | null>(null);

/** The services of the panel a component is in. */
export function useServices(): IChatServices {
  const services = useContext(ServicesContext);
  if (!services) {
    throw new Error('A component of the chat stands outside of its panel.');
  }
  return services;
}

/** The chat on show; the component is drawn again when the chat changes. */
export function useChat(): ChatModel {
  const { session } = useServices();
  useSignal(session.changed);
  useSignal(session.chat.changed);
  return session.chat;
}
