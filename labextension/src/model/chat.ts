import { type ISignal, Signal } from '@lumino/signaling';

import type { Client } from '../api/client';
import { asFailure } from '../api/failure';
import type {
  IAttachment,
  IChatRequest,
  IConversation,
  IConversationChange,
  IFailure,
  MessageId,
  Options,
  Think
} from '../api/types';
import { english, type ITranslate } from '../translation';
import { ContextModel } from './context';
import { ConversationModel, type ITurn } from './conversation';
import type { MessageModel } from './message';

/** What a chat asks for; what is left out is the server's default. */
export interface IChatSettings {
  model?: string;
  system?: string;
  options?: Options;
  think?: Think;
}

/** What was deleted last, as it is offered to be brought back. */
export interface IRemoved {
  /** How many messages went. */
  count: number;
  putBack: () => Promise<void>;
}

/** What the chat is at. */
export type ChatState =
  | 'idle'
  /** Too many answers run in this browser; this one begins when another ends. */
  | 'waiting'
  | 'answering';

/**
 * One chat: its messages, the prompt that is being written, and the answer that runs.
 *
 * It knows no page: components show it and call it. A failure of an answer is its message's; any
 * other one is `failure`.
 */
export class ChatModel {
  constructor(options: ChatModel.IOptions) {
    this._client = options.client;
    this._trans = options.trans ?? english;
    this.conversation = new ConversationModel(options.isPrivate ?? false);
    this.context = new ContextModel({ client: options.client });
    this._settings = options.settings ?? {};
    this._keepsRunning = options.keepsRunning ?? (() => false);
  }

  readonly conversation: ConversationModel;
  readonly context: ContextModel;

  get state(): ChatState {
    return this._state;
  }

  get isBusy(): boolean {
    return this._state !== 'idle';
  }

  /** What this chat asks for. */
  get settings(): Readonly<IChatSettings> {
    return this._settings;
  }

  /** The prompt that is being written. */
  get draft(): string {
    return this._draft;
  }

  set draft(text: string) {
    if (text !== this._draft) {
      this._draft = text;
      this._draftChanged.emit();
    }
  }

  /** A prompt that did not reach the server: it failed, or waits for its turn. */
  get unsent(): string {
    const prompt = this.conversation.messages.findLast(
      message => message.role === 'user'
    );
    const isHere = prompt && !prompt.isSaved && this._state !== 'answering';
    return isHere ? prompt.text : '';
  }

  get canSend(): boolean {
    return !this.isBusy && (this._draft.trim() !== '' || !this.context.isEmpty);
  }

  /** What went wrong with something else than an answer; the next success clears it. */
  get failure(): IFailure | null {
    return this._failure;
  }

  /** The messages that were deleted last, until the next prompt is sent. */
  get removed(): IRemoved | null {
    return this._removed;
  }

  /** State, settings, failure or what can be brought back changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get draftChanged(): ISignal<this, void> {
    return this._draftChanged;
  }

  /** Send the draft with what is attached. Resolves when the answer has ended, in whatever way. */
  async send(): Promise<void> {
    if (!this.canSend) {
      return;
    }
    const text = this._draft.trim();
    this.draft = '';
    await this._prompt(this.conversation.tipId, text, this.context.take());
  }

  /** End the answer that runs, at once, whichever page began it; what came of it stays. */
  stop(): void {
    const last = this.conversation.messages.at(-1);
    if (this._abort) {
      this._abort.abort();
    } else if (last?.isStreaming) {
      void this._stopElsewhere(last.id);
    }
  }

  /** Answer a prompt once more: a branch beside the answer given. */
  async regenerate(answer: MessageModel): Promise<void> {
    if (this.isBusy || answer.role !== 'assistant') {
      return;
    }
    const { parentId } = answer;
    await this._run(
      { parentId, text: null },
      { ...this._request(parentId, ''), regenerate: true }
    );
  }

  /** Send a prompt in other words: a branch beside the old one, whose attachments go along. */
  async edit(prompt: MessageModel, text: string): Promise<void> {
    if (this.isBusy || prompt.role !== 'user' || text.trim() === '') {
      return;
    }
    await this._prompt(prompt.parentId, text.trim(), [...prompt.attachments]);
  }

  /** Try a broken answer again. */
  async retry(answer: MessageModel): Promise<void> {
    if (answer.isSaved) {
      await this.regenerate(answer);
      return;
    }
    const { messages } = this.conversation;
    const prompt = messages.find(message => message.id === answer.parentId);
    if (!prompt || prompt.isSaved) {
      await this.regenerate(answer);
    } else {
      await this.edit(prompt, prompt.text);
    }
  }

  /** Delete a message with all that follows it. */
  async remove(message: MessageModel): Promise<void> {
    if (this.isBusy) {
      return;
    }
    const chat = this.conversation.id;
    if (chat === null || !message.isSaved) {
      this._removeHere(message);
      return;
    }
    await this._adopt(async () => {
      const {
        undo_token: token,
        deleted_count: count,
        ...left
      } = await this._client.deleteMessage(chat, message.id);
      const back = () => this._client.restoreMessage(chat, token);
      this._removed = { count, putBack: () => this._adopt(back) };
      return left;
    });
  }

  /** Bring back what was deleted last. */
  async undoRemove(): Promise<void> {
    const removed = this._removed;
    if (removed && !this.isBusy) {
      this._removed = null;
      await removed.putBack();
      if (this._failure) {
        // Not there yet: it is offered again.
        this._removed = removed;
      }
      this._changed.emit();
    }
  }

  /** Forget that messages can be brought back. */
  forgetRemoved(): void {
    this._removed = null;
    this._changed.emit();
  }

  /** Show the branch that a message is in. */
  async selectBranch(id: MessageId): Promise<void> {
    if (this.isBusy) {
      return;
    }
    this.conversation.select(id);
    const chat = this.conversation.id;
    if (chat !== null) {
      await this._adopt(() =>
        this._client.changeConversation(chat, { leaf_id: id })
      );
    }
  }

  /** Change what this chat asks for; the server keeps it with a stored chat. */
  async configure(change: IChatSettings): Promise<void> {
    this._settings = { ...this._settings, ...change };
    this._changed.emit();
    const chat = this.conversation.id;
    // How much to think is asked for with each prompt, and not stored.
    const stored: IConversationChange = { ...change };
    delete (stored as IChatSettings).think;
    if (chat !== null && Object.keys(stored).length > 0) {
      await this._adopt(() => this._client.changeConversation(chat, stored));
    }
  }

  async rename(title: string): Promise<void> {
    const chat = this.conversation.id;
    if (chat !== null) {
      await this._adopt(() => this._client.changeConversation(chat, { title }));
    }
  }

  /** Show a stored chat. */
  async open(id: string): Promise<void> {
    await this._adopt(() => this._client.conversation(id));
  }

  /** Read the chat anew: another tab or a notebook wrote into it. */
  async refresh(): Promise<void> {
    const chat = this.conversation.id;
    if (chat !== null && !this.isBusy) {
      await this._adopt(() => this._client.conversation(chat));
    }
  }

  dispose(): void {
    this._abort?.abort();
    this.conversation.dispose();
    this.context.dispose();
    Signal.clearData(this);
  }

  private async _prompt(
    parentId: MessageId | null,
    text: string,
    attachments: IAttachment[]
  ): Promise<void> {
    await this._run(
      { parentId, text, attachments },
      {
        ...this._request(parentId, text),
        images: attachments.flatMap(one => one.image ?? []),
        attachments: attachments.filter(one => one.kind !== 'image')
      }
    );
  }

  private _request(parentId: MessageId | null, text: string): IChatRequest {
    const { id, isPrivate } = this.conversation;
    const request: IChatRequest = {
      parent_id: parentId,
      text,
      ...this._settings
    };
    if (isPrivate) {
      request.private = { messages: this._until(parentId) };
    } else if (id !== null) {
      request.conversation_id = id;
    }
    if (!isPrivate && this._keepsRunning()) {
      request.keep_running = true;
    }
    return request;
  }

  private _until(parentId: MessageId | null) {
    const { messages } = this.conversation;
    const last = messages.findIndex(message => message.id === parentId);
    return messages.slice(0, last + 1).map(message => message.data);
  }

  private async _run(turn: ITurn, request: IChatRequest): Promise<void> {
    const abort = new AbortController();
    this._abort = abort;
    this._removed = null;
    this._failure = null;
    this._turns += 1;
    const answer = this.conversation.begin({
      ...turn,
      model: this._settings.model ?? ''
    });
    this._enter('answering');
    try {
      const lines = this._client.chat(request, {
        signal: abort.signal,
        onWait: () => {
          const words = this._trans.__('waiting for another answer to end');
          answer.wait({ words, seconds: 0 });
          this._enter('waiting');
        }
      });
      for await (const line of lines) {
        if (line.type === 'start') {
          answer.wait(null);
          this._enter('answering');
        }
        this.conversation.apply(line);
      }
    } catch (error) {
      this._break(abort.signal.aborted, error, turn, answer);
    } finally {
      this._abort = null;
      this._enter('idle');
    }
  }

  private _break(
    isStopped: boolean,
    error: unknown,
    turn: ITurn,
    answer: MessageModel
  ): void {
    const failure = isStopped ? null : asFailure(error, this._trans);
    if (answer.isSaved) {
      if (failure) {
        this.conversation.fail(failure);
      } else {
        this.conversation.stop();
      }
    } else if (!failure || this._isToBeChanged(failure, turn)) {
      // The server does not have it: the words are still the person's.
      this.conversation.withdraw();
      this.draft ||= turn.text ?? '';
      this.context.restore(turn.attachments ?? []);
      this._failure = failure;
    } else {
      this.conversation.fail(failure);
    }
  }

  /** Whether a prompt was refused for what is in it, and the composer is free to take it back. */
  private _isToBeChanged({ kind }: IFailure, { text }: ITurn): boolean {
    const isItself = kind === 'PromptTooLong' || kind === 'BadUsage';
    return isItself && text !== null && this._draft === '';
  }

  /** Delete what the server does not have: of a private chat, or a prompt that it refused. */
  private _removeHere(message: MessageModel): void {
    const gone = this.conversation.remove(message);
    this._failure = null;
    this._removed = {
      count: gone.length,
      putBack: () => {
        this.conversation.putBack(gone);
        return Promise.resolve();
      }
    };
    this._changed.emit();
  }

  private async _stopElsewhere(id: MessageId): Promise<void> {
    try {
      await this._client.stopAnswer({ message_id: id });
    } catch (error) {
      this._failure = asFailure(error, this._trans);
      this._changed.emit();
    }
  }

  private async _adopt(ask: () => Promise<IConversation>): Promise<void> {
    const turns = this._turns;
    try {
      const conversation = await ask();
      this._failure = null;
      // An answer that began meanwhile, and may have ended, knows more than what was asked for
      // before it.
      if (!this.isBusy && turns === this._turns) {
        this._take(conversation);
      }
    } catch (error) {
      this._failure = asFailure(error, this._trans);
    }
    this._changed.emit();
  }

  private _take(conversation: IConversation): void {
    const { model, system, options } = conversation;
    this._settings = {
      ...this._settings,
      ...(model ? { model } : {}),
      ...(system ? { system } : {}),
      ...(Object.keys(options).length > 0 ? { options } : {})
    };
    const { unsent } = this;
    this.conversation.adopt(conversation);
    if (!this.unsent) {
      this.draft ||= unsent;
    }
  }

  private _enter(state: ChatState): void {
    if (state !== this._state) {
      this._state = state;
      this._changed.emit();
    }
  }

  private readonly _client: ChatModel.Calls;
  private readonly _trans: ITranslate;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _draftChanged = new Signal<this, void>(this);
  private _settings: IChatSettings;
  private _state: ChatState = 'idle';
  private _failure: IFailure | null = null;
  private _removed: IRemoved | null = null;
  private _draft = '';
  private _abort: AbortController | null = null;
  private _turns = 0;
  private readonly _keepsRunning: () => boolean;
}

export namespace ChatModel {
  /** What it asks of the server. */
  export type Calls = Pick<
    Client,
    | 'chat'
    | 'conversation'
    | 'changeConversation'
    | 'deleteMessage'
    | 'estimate'
    | 'restoreMessage'
    | 'stopAnswer'
  >;

  export interface IOptions {
    client: Calls;
    trans?: ITranslate;
    isPrivate?: boolean;
    settings?: IChatSettings;
    /** Whether an answer goes on when its page is closed. */
    keepsRunning?: () => boolean;
  }
}
