import type { ChatModel } from '../model/chat';
import type { Catalog } from './catalog';

/** The model a chat speaks to: its own, else the server's default; empty if there is none. */
export function chosenModel(chat: ChatModel, catalog: Catalog): string {
  return chat.settings.model ?? catalog.health?.model?.name ?? '';
}
