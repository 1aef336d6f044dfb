import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from '../api/client';
import { ChatModel } from '../model/chat';
import type { ITranslate } from '../translation';

/** What is kept of the panel over a reload of the page. */
export interface ISaved {
  /** The stored chat that was open. */
  id: string | null;
  draft: string;
  model: string;
}

/** Which chat is open; an answer that runs in another one goes on until it ends. */
export class Session implements IDisposable {
  constructor(options: Session.IOptions) {
    this._client = options.client;
    this._trans = options.trans;
    this._chat = this._make({});
    this._poll = new Poll({
      name: 'ollama-lab:changes',
      auto: false,
      factory: () => this._look(),
      frequency: { interval: 1000, backoff: true, max: 30_000 },
      standby: () => document.hidden || !options.isVisible()
    });
  }

  /** Whether an answer goes on when its page is closed. */
  keepsRunning = false;

  /** The chat on show. */
  get chat(): ChatModel {
    return this._chat;
  }

  /** Another chat is on show. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Something in `saved` changed. */
  get savedChanged(): ISignal<this, void> {
    return this._savedChanged;
  }

  /** A chat changed on the server, by another tab or a notebook. */
  get serverChanged(): ISignal<this, void> {
    return this._serverChanged;
  }

  get saved(): ISaved {
    const { conversation, draft, settings, unsent } = this._chat;
    return {
      id: conversation.id,
      // A private chat leaves nothing behind, not even a prompt that was not sent.
      draft: conversation.isPrivate ? '' : draft || unsent,
      model: settings.model ?? ''
    };
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look for changes from now on. */
  watch(): void {
    void this._poll.start();
  }

  /** Begin an empty chat, with the model of the one on show. */
  startNew(options: { isPrivate?: boolean } = {}): void {
    const { model } = this._chat.settings;
    this._show(
      this._make({
        isPrivate: options.isPrivate ?? false,
        settings: model ? { model } : {}
      })
    );
  }

  /** Show a stored chat. */
  async open(id: string): Promise<void> {
    if (id === this._chat.conversation.id) {
      return;
    }
    const running = [...this._running].find(
      chat => chat.conversation.id === id
    );
    this._show(running ?? this._make({}));
    await this._chat.open(id);
  }

  /** Bring back what was open before the page was loaded. */
  async restore(saved: ISaved): Promise<void> {
    const { context, conversation, draft, isBusy } = this._chat;
    if (isBusy || draft || !context.isEmpty || !conversation.isEmpty) {
      return;
    }
    const settings = saved.model ? { model: saved.model } : {};
    const chat = this._make({ settings });
    chat.draft = saved.draft;
    this._show(chat);
    if (saved.id !== null) {
      await chat.open(saved.id);
    }
  }

  dispose(): void {
    this._poll.dispose();
    for (const chat of [...this._running, this._chat]) {
      chat.dispose();
    }
    this._running.clear();
    Signal.clearData(this);
  }

  private _make(options: Omit<ChatModel.IOptions, 'client'>): ChatModel {
    const chat = new ChatModel({
      client: this._client,
      trans: this._trans,
      keepsRunning: () => this.keepsRunning,
      ...options
    });
    const save = () => this._savedChanged.emit();
    chat.draftChanged.connect(save);
    chat.changed.connect(save);
    chat.conversation.changed.connect(save);
    return chat;
  }

  private _show(chat: ChatModel): void {
    const before = this._chat;
    if (before.isBusy) {
      this._keepUntilDone(before);
    } else if (before !== chat) {
      before.dispose();
    }
    this._running.delete(chat);
    this._chat = chat;
    this._changed.emit();
    this._savedChanged.emit();
  }

  private _keepUntilDone(chat: ChatModel): void {
    this._running.add(chat);
    const look = () => {
      if (!chat.isBusy) {
        chat.changed.disconnect(look);
        if (this._running.delete(chat)) {
          chat.dispose();
        }
      }
    };
    chat.changed.connect(look);
  }

  private async _look(): Promise<void> {
    const version = await this._client.changes(this._version);
    // An answer that another page began may have ended before this first look.
    const isOpen = this._chat.conversation.messages.at(-1)?.isStreaming;
    const isNews =
      version !== this._version && (this._version !== 0 || isOpen === true);
    this._version = version;
    if (isNews) {
      this._serverChanged.emit();
      await this._chat.refresh();
    }
  }

  private readonly _client: Client;
  private readonly _trans: ITranslate;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _savedChanged = new Signal<this, void>(this);
  private readonly _serverChanged = new Signal<this, void>(this);
  private readonly _poll: Poll;
  private readonly _running = new Set<ChatModel>();
  private _chat: ChatModel;
  private _version = 0;
}

export namespace Session {
  export interface IOptions {
    client: Client;
    trans: ITranslate;
    /** Whether the panel can be seen; nothing is asked while it cannot. */
    isVisible: () => boolean;
  }
}
