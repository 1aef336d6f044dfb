import { Token } from '@lumino/coreutils';

import type { IAttachment } from './api/types';

/** Ids of our plugins: one concern each, every one can be disabled alone. */
export namespace PluginIDs {
  export const cells = 'ollama-lab:cells';
  export const chat = 'ollama-lab:chat';
  export const errors = 'ollama-lab:errors';
}

/** Ids of our commands. */
export namespace CommandIDs {
  export const askAboutCell = 'ollama-lab:ask-about-cell';
  export const attachSelection = 'ollama-lab:attach-selection';
  export const explainError = 'ollama-lab:explain-error';
  export const newChat = 'ollama-lab:new-chat';
  export const nextCodeBlock = 'ollama-lab:next-code-block';
  export const openChat = 'ollama-lab:open-chat';
  export const previousCodeBlock = 'ollama-lab:previous-code-block';
  export const stop = 'ollama-lab:stop';
}

/** The chat in the sidebar, for whoever has something to ask. */
export interface IOllamaChat {
  /** Show the panel, with these attached to the next message. */
  attach(attachments: readonly IAttachment[]): void;
  /** Ask in a chat of its own, at once. */
  ask(text: string, attachments: readonly IAttachment[]): void;
}

export const IOllamaChat = new Token<IOllamaChat>(
  'ollama-lab:IOllamaChat',
  'The chat with local models in the sidebar.'
);
