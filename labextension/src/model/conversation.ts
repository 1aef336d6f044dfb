import { type ISignal, Signal } from '@lumino/signaling';

import type {
  ChatLine,
  IAttachment,
  IConversation,
  IFailure,
  IMessage,
  IStartLine,
  MessageId
} from '../api/types';
import { MessageModel } from './message';
import { MessageTree } from './tree';

/** A turn that begins: a prompt with an answer to come, or a new answer to a prompt. */
export interface ITurn {
  parentId: MessageId | null;
  /** Null when an answer is made anew: then `parentId` is the prompt. */
  text: string | null;
  attachments?: IAttachment[];
  model?: string;
}

/**
 * A chat: a tree of messages with one branch on show.
 *
 * It takes what the server says, the whole chat by `adopt` and an answer's lines by `apply`, and
 * shows a prompt before the server has seen it.
 */
export class ConversationModel {
  constructor(isPrivate = false) {
    this._isPrivate = isPrivate;
  }

  /** Null until the server stored it; for ever in a private one. */
  get id(): string | null {
    return this._id;
  }

  get title(): string {
    return this._title;
  }

  /** Stored nowhere: gone when the page is. */
  get isPrivate(): boolean {
    return this._isPrivate;
  }

  /** The branch on show. */
  get messages(): readonly MessageModel[] {
    return this._shown;
  }

  /** The last message on show that the server has: what the next prompt answers. */
  get tipId(): MessageId | null {
    return this._shown.findLast(message => message.isSaved)?.id ?? null;
  }

  get isEmpty(): boolean {
    return this._shown.length === 0;
  }

  /** Messages came or went, or the title changed; a message's own changes are its own. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The branches at a message's place, itself included, oldest first. */
  siblings(message: MessageModel): MessageId[] {
    return this._tree.siblings(message.id);
  }

  /** Take the chat as the server has it. */
  adopt(conversation: IConversation): void {
    this._id = conversation.id;
    this._title = conversation.title;
    this._isPrivate = conversation.is_private;
    const last = this._shown.at(-1);
    const ids = new Set(conversation.messages.map(({ id }) => id));
    const isSame =
      [...ids].every(id => this._tree.get(id)) &&
      this._shown.every(({ id, isSaved }) => !isSaved || ids.has(id));
    for (const message of conversation.messages) {
      this._put(message);
    }
    // A prompt that did not reach the server stays on show until something else follows.
    const isOpen = last && !last.isSaved && isSame;
    if (!isOpen) {
      this._forget();
      this._prune(conversation);
    }
    this._show(isOpen ? last.id : conversation.leaf_id);
  }

  /** Show the branch that a message is in; false if the message is not here. */
  select(id: MessageId): boolean {
    if (!this._tree.get(id)) {
      return false;
    }
    this._show(this._tree.newestBelow(id));
    return true;
  }

  /**
   * Take out a message with all that follows it, and show the newest branch at its place; gives
   * what `putBack` takes.
   */
  remove(message: MessageModel): MessageModel[] {
    const gone = this._tree.delete(message.id).map(one => this._modelOf(one));
    gone.forEach(one => this._models.delete(one.id));
    if (this._shown.includes(message)) {
      this._show(this._tree.newestAt(message.parentId));
    }
    return gone;
  }

  /** Put back what was taken out, and show it. */
  putBack(gone: readonly MessageModel[]): void {
    for (const model of gone) {
      this._tree.set(model.data);
      this._models.set(model.id, model);
    }
    const [first] = gone;
    if (first) {
      this.select(first.id);
    }
  }

  /** Show a prompt and the empty answer to it, at once. */
  begin(turn: ITurn): MessageModel {
    this._forget();
    let parentId = turn.parentId;
    if (turn.text !== null) {
      const prompt = Private.blank('user', parentId, turn.text);
      prompt.attachments = turn.attachments ?? [];
      this._tree.set(prompt);
      parentId = prompt.id;
    }
    const answer = Private.blank('assistant', parentId, '');
    answer.state = 'streaming';
    answer.model = turn.model ?? '';
    this._tree.set(answer);
    this._show(answer.id);
    const model = this._modelOf(answer);
    this._answer = model;
    return model;
  }

  /** Take a line of the answer that was begun. */
  apply(line: ChatLine): void {
    const answer = this._answer;
    if (!answer) {
      return;
    }
    switch (line.type) {
      case 'start':
        this._start(answer, line);
        break;
      case 'phase':
        answer.wait({ words: line.words, seconds: line.seconds });
        break;
      case 'delta':
        answer.grow({ text: line.text ?? '', thinking: line.thinking ?? '' });
        break;
      case 'done':
        this._end(line.message);
        break;
      case 'error':
        this._end({
          ...(line.message ?? answer.data),
          state: 'broken',
          error: line.error
        });
        break;
    }
  }

  /** The answer was stopped here; the server keeps what it had by then. */
  stop(): void {
    if (this._answer) {
      this._end({ ...this._answer.data, state: 'stopped' });
    }
  }

  /** The answer failed, and the server has not said so in a line. */
  fail(error: IFailure): void {
    if (this._answer) {
      this._end({ ...this._answer.data, state: 'broken', error });
    }
  }

  /** Take a prompt back that the server has not seen, with its answer. */
  withdraw(): void {
    this._answer = null;
    const tipId = this.tipId;
    this._forget();
    // Beside an earlier version of it, that one is on show again.
    this._show(this._tree.newestAt(tipId));
  }

  dispose(): void {
    for (const model of this._models.values()) {
      model.dispose();
    }
    Signal.clearData(this);
  }

  private _start(answer: MessageModel, line: IStartLine): void {
    if (!this._isPrivate) {
      this._id = line.conversation.id;
      this._title = line.conversation.title;
    }
    const prompt =
      answer.parentId === null ? null : this._models.get(answer.parentId);
    if (prompt && line.user_message) {
      this._rename(prompt, line.user_message);
    }
    this._rename(answer, {
      ...line.message,
      notes: line.notes,
      context_tokens: line.context_tokens,
      model: line.model
    });
    this._show(answer.id);
  }

  private _end(message: IMessage): void {
    const answer = this._answer;
    if (!answer) {
      return;
    }
    this._answer = null;
    if (this._isPrivate || !answer.isSaved) {
      const { id, parent_id: parentId, siblings } = answer.data;
      message = { ...message, id, parent_id: parentId, siblings };
    }
    this._tree.set(message);
    answer.update(message);
    this._changed.emit();
  }

  /** Let a message that was made here be the server's. */
  private _rename(model: MessageModel, message: IMessage): void {
    const mine = model.data;
    // The server knows nothing of a private chat's tree.
    const data = this._isPrivate
      ? {
          ...message,
          id: mine.id,
          parent_id: mine.parent_id,
          siblings: mine.siblings
        }
      : message;
    this._tree.delete(mine.id);
    this._models.delete(mine.id);
    this._tree.set(data);
    this._models.set(data.id, model);
    model.update(data, true);
  }

  private _put(message: IMessage): void {
    const model = this._models.get(message.id);
    if (model && Private.isCutShort(message, model)) {
      const { text, thinking, error } = model.data;
      message = { ...message, text, thinking, error: message.error ?? error };
    }
    this._tree.set(message);
    if (!model) {
      return;
    }
    if (JSON.stringify(model.data) !== JSON.stringify(message)) {
      model.update(message);
    }
  }

  private _show(leafId: MessageId | null): void {
    this._shown = this._tree
      .branch(leafId)
      .map(message => this._modelOf(message));
    this._changed.emit();
  }

  /** A prompt that the server does not have goes when the next one comes. */
  private _forget(): void {
    for (const [id, model] of this._models) {
      if (!model.isSaved) {
        this._tree.delete(id);
        this._models.delete(id);
        model.dispose();
      }
    }
  }

  /** What the server no longer has was deleted, here or elsewhere. */
  private _prune({ messages, leaf_id: leafId }: IConversation): void {
    const gone = [
      ...messages.flatMap(({ parent_id: parentId, siblings }) =>
        this._tree.keepOnly(parentId, siblings)
      ),
      // Nothing follows the last message on show.
      ...this._tree.keepOnly(leafId, [])
    ];
    for (const { id } of gone) {
      this._models.get(id)?.dispose();
      this._models.delete(id);
    }
  }

  private _modelOf(message: IMessage): MessageModel {
    let model = this._models.get(message.id);
    if (!model) {
      model = new MessageModel(
        message,
        Private.newKey(),
        !Private.isMadeHere(message.id)
      );
      this._models.set(message.id, model);
    }
    return model;
  }

  private readonly _tree = new MessageTree();
  private readonly _models = new Map<MessageId, MessageModel>();
  private readonly _changed = new Signal<this, void>(this);
  private _shown: MessageModel[] = [];
  private _answer: MessageModel | null = null;
  private _id: string | null = null;
  private _title = '';
  private _isPrivate: boolean;
}

namespace Private {
  const prefix = 'here-';
  let count = 0;

  /** A key that no other message of this page has. */
  export function newKey(): string {
    count += 1;
    return `${prefix}${count}`;
  }

  /** Whether the server has, or kept when it died, less of an answer than this page was told. */
  export function isCutShort(message: IMessage, model: MessageModel): boolean {
    return (
      model.state !== 'done' &&
      message.state !== 'done' &&
      model.text.startsWith(message.text) &&
      model.thinking.startsWith(message.thinking)
    );
  }

  export function isMadeHere(id: MessageId): boolean {
    return typeof id === 'string' && id.startsWith(prefix);
  }

  export function blank(
    role: 'user' | 'assistant',
    parentId: MessageId | null,
    text: string
  ): IMessage {
    return {
      id: newKey(),
      parent_id: parentId,
      role,
      text,
      thinking: '',
      attachments: [],
      state: 'done',
      model: '',
      stats: null,
      context_tokens: null,
      first_token_seconds: null,
      thought_seconds: null,
      notes: [],
      error: null,
      siblings: [],
      created_at: new Date().toISOString()
    };
  }
}
