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
import { ApiError, asFailure } from '../api/failure';
import { formatBytes } from '../model/format';
import { english, type ITranslate } from '../translation';

/** How many chats are listed at once. */
const PAGE = 50;

/** The page and the request hold a file several times over; Python reads larger ones. */
const LARGEST_IMPORT = 200_000_000;

/** The chats on the server: looked through, renamed, deleted and brought back. */
export class History implements IDisposable {
  constructor(client: Client, trans: ITranslate = english) {
    this._client = client;
    this._trans = trans;
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

  /** What the server says of the file of chats, such as that a damaged one is kept elsewhere. */
  get notice(): string {
    return this._notice;
  }

  get query(): string {
    return this._query;
  }

  get failure(): IFailure | null {
    return this._failure;
  }

  /** The chats that were deleted last and can be brought back. */
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
      this._notice = page.notice;
    });
  }

  async rename(id: string, title: string): Promise<void> {
    await this._try(() => this._client.changeConversation(id, { title }));
    await this.refresh();
  }

  async remove(id: string, title: string): Promise<void> {
    await this.removeSome([{ id, title }]);
  }

  /** Delete several chats; those that went can be brought back together. */
  async removeSome(chats: readonly INamed[]): Promise<void> {
    const gone: INamed[] = [];
    await this._try(async () => {
      for (const chat of chats) {
        await this._client.deleteConversation(chat.id);
        gone.push(chat);
      }
    });
    this._offer(
      gone.map(({ id }) => id),
      gone.length === 1 ? (gone[0]?.title ?? '') : ''
    );
    gone.forEach(({ id }) => this._deleted.emit(id));
    await this.refresh();
  }

  async removeAll(): Promise<void> {
    await this._try(async () => {
      this._offer(await this._client.deleteAllConversations(), '');
      this._allDeleted.emit();
    });
    await this.refresh();
  }

  /** Bring back what was deleted last; gives the chat if it was a single one. */
  async undo(): Promise<string | null> {
    const removed = this._removed;
    if (!removed) {
      return null;
    }
    const left = [...removed.ids];
    await this._try(async () => {
      for (let id = left[0]; id !== undefined; id = left[0]) {
        // The token of a deleted chat is its id.
        await this._client.restoreConversation(id, id);
        left.shift();
      }
    });
    // What could not be brought back is offered again.
    this._removed = left.length > 0 ? { ...removed, ids: left } : null;
    const { failure } = this;
    await this.refresh();
    this._failure ??= failure;
    this._changed.emit();
    return left.length === 0 && removed.ids.length === 1
      ? (removed.ids[0] ?? null)
      : null;
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

  /** Add the chats of an exported file; gives their ids, none when it could not be. */
  async importFile(file: File): Promise<string[]> {
    let ids: string[] = [];
    await this._try(async () => {
      if (file.size > LARGEST_IMPORT) {
        throw this._tooLarge(file.size);
      }
      ids = (await this._client.importConversation(await file.text()))
        .imported_ids;
      this._query = '';
    });
    if (ids.length > 0) {
      await this.refresh();
    }
    return ids;
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

  private _offer(ids: string[], title: string): void {
    if (ids.length > 0) {
      this._removed = { ids, title };
    }
  }

  private _tooLarge(bytes: number): ApiError {
    const trans = this._trans;
    return new ApiError({
      message: trans.__(
        'The file has %1; the sidebar takes %2.',
        formatBytes(bytes, trans),
        formatBytes(LARGEST_IMPORT, trans)
      ),
      hint: trans.__('Import it from Python, with Store.import_json.'),
      kind: 'BadUsage'
    });
  }

  private readonly _client: Client;
  private readonly _trans: ITranslate;
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
  private _notice = '';
}

/** A chat with what it is called on the screen. */
export interface INamed {
  id: string;
  title: string;
}

interface IRemoved {
  ids: readonly string[];
  /** Empty for several. */
  title: string;
}
