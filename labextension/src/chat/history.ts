import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from '../api/client';
import type {
  ExportFormat,
  IConversationSummary,
  IExport,
  IFailure
} from '../api/types';
import { asFailure } from '../api/failure';

/** How many chats are listed at once. */
const PAGE = 50;

/** The chats on the server: looked through, renamed, deleted and brought back. */
export class History implements IDisposable {
  constructor(client: Client) {
    this._client = client;
    this._search = new Debouncer(() => this.refresh(), 200);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when a chat was deleted here. */
  get deleted(): ISignal<this, string> {
    return this._deleted;
  }

  /** Emitted when every chat was deleted here. */
  get allDeleted(): ISignal<this, void> {
    return this._allDeleted;
  }

  get chats(): readonly IConversationSummary[] {
    return this._chats;
  }

  /** How many chats there are that fit the search. */
  get total(): number {
    return this._total;
  }

  get query(): string {
    return this._query;
  }

  get failure(): IFailure | null {
    return this._failure;
  }

  /** The chat that was deleted last and can be brought back. */
  get removed(): IRemoved | null {
    return this._removed;
  }

  get isDisposed(): boolean {
    return this._search.isDisposed;
  }

  /** Search all chats; waits a moment for more letters. */
  search(query: string): void {
    this._query = query;
    this._limit = PAGE;
    this._changed.emit();
    void this._search.invoke();
  }

  async showMore(): Promise<void> {
    this._limit += PAGE;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    await this._try(async () => {
      const page = await this._client.conversations({
        query: this._query,
        limit: this._limit
      });
      this._chats = page.conversations;
      this._total = page.total;
    });
  }

  async rename(id: string, title: string): Promise<void> {
    await this._try(() => this._client.changeConversation(id, { title }));
    await this.refresh();
  }

  async remove(id: string, title: string): Promise<void> {
    await this._try(async () => {
      const token = await this._client.deleteConversation(id);
      this._removed = { id, title, token };
      this._deleted.emit(id);
    });
    await this.refresh();
  }

  async removeAll(): Promise<void> {
    await this._try(async () => {
      await this._client.deleteAllConversations();
      this._removed = null;
      this._allDeleted.emit();
    });
    await this.refresh();
  }

  /** Bring back the chat that was deleted last; its id, or null. */
  async undo(): Promise<string | null> {
    const removed = this._removed;
    if (!removed) {
      return null;
    }
    await this._try(() =>
      this._client.restoreConversation(removed.id, removed.token)
    );
    this._removed = null;
    await this.refresh();
    return removed.id;
  }

  /** Forget that a chat can be brought back. */
  forgetRemoved(): void {
    this._removed = null;
    this._changed.emit();
  }

  async exported(id: string, format: ExportFormat): Promise<IExport | null> {
    let found: IExport | null = null;
    await this._try(async () => {
      found = await this._client.exportConversation(id, format);
    });
    return found;
  }

  dispose(): void {
    this._search.dispose();
    Signal.clearData(this);
  }

  private async _try(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
      this._failure = null;
    } catch (error) {
      this._failure = asFailure(error);
    }
    this._changed.emit();
  }

  private readonly _client: Client;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _deleted = new Signal<this, string>(this);
  private readonly _allDeleted = new Signal<this, void>(this);
  private readonly _search: Debouncer;
  private _chats: IConversationSummary[] = [];
  private _failure: IFailure | null = null;
  private _limit = PAGE;
  private _query = '';
  private _removed: IRemoved | null = null;
  private _total = 0;
}

interface IRemoved {
  id: string;
  title: string;
  token: string;
}
