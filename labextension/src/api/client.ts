import { UUID } from '@lumino/coreutils';

import { english, type ITranslate } from '../translation';
import { ApiError, failureOf, noAnswer, streamBroken } from './failure';
import { values } from './ndjson';
import { StreamSlots } from './slots';
import type {
  ChatLine,
  ExportFormat,
  GenerateLine,
  IChatRequest,
  IConversation,
  IConversationChange,
  IConversationPage,
  IDeletion,
  IExport,
  IGenerateRequest,
  IHealth,
  IImported,
  IModel,
  IModelDetails,
  INewConversation,
  IPull,
  MessageId
} from './types';
import { Watchdog } from './watchdog';

/** Asks the Jupyter server; `path` is relative to `ollama-lab/api/`. */
export type Request = (path: string, init: RequestInit) => Promise<Response>;

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * The Jupyter server's side of ollama-lab, as calls.
 *
 * Every call rejects with an `ApiError` when it fails, and with the signal's reason when it was
 * aborted. Streams close their connection when the loop over them is left.
 */
export class Client {
  constructor(options: Client.IOptions) {
    this._request = options.request;
    this._trans = options.trans ?? english;
    this._slots = options.slots ?? new StreamSlots();
    this._quietSeconds = options.quietSeconds ?? 30;
  }

  health(signal?: AbortSignal): Promise<IHealth> {
    return this._call('GET', 'health', undefined, signal);
  }

  async models(signal?: AbortSignal): Promise<IModel[]> {
    const { models } = await this._call<{ models: IModel[] }>(
      'GET',
      'models',
      undefined,
      signal
    );
    return models;
  }

  model(name: string): Promise<IModelDetails> {
    return this._call('GET', `models/${encodeURIComponent(name)}`);
  }

  async loadModel(name: string, signal?: AbortSignal): Promise<void> {
    await this._call('POST', 'models/load', { model: name }, signal);
  }

  async unloadModel(name: string): Promise<void> {
    await this._call('POST', 'models/unload', { model: name });
  }

  async copyModel(source: string, destination: string): Promise<void> {
    await this._call('POST', 'models/copy', { source, destination });
  }

  async deleteModel(name: string): Promise<void> {
    await this._call('POST', 'models/delete', { model: name });
  }

  async pulls(): Promise<IPull[]> {
    const { pulls } = await this._call<{ pulls: IPull[] }>('GET', 'pulls');
    return pulls;
  }

  /** Start a download, or find the one that runs already. */
  pull(model: string): Promise<IPull> {
    return this._call('POST', 'pulls', { model });
  }

  async cancelPull(id: string): Promise<void> {
    await this._call('DELETE', `pulls/${encodeURIComponent(id)}`);
  }

  /** A page of the list of chats; `query` searches titles and texts. */
  conversations(options: Client.IListOptions = {}): Promise<IConversationPage> {
    const { query = '', limit = 50, offset = 0, signal } = options;
    const words = new URLSearchParams({
      q: query,
      limit: String(limit),
      offset: String(offset)
    });
    return this._call('GET', `conversations?${words}`, undefined, signal);
  }

  createConversation(values: INewConversation = {}): Promise<IConversation> {
    return this._call('POST', 'conversations', values);
  }

  conversation(id: string, signal?: AbortSignal): Promise<IConversation> {
    return this._call('GET', place(id), undefined, signal);
  }

  changeConversation(
    id: string,
    change: IConversationChange
  ): Promise<IConversation> {
    return this._call('PATCH', place(id), change);
  }

  /** Delete a chat; gives what `restoreConversation` takes to bring it back. */
  async deleteConversation(id: string): Promise<string> {
    const { undo_token: token } = await this._call<{ undo_token: string }>(
      'DELETE',
      place(id)
    );
    return token;
  }

  restoreConversation(id: string, undoToken: string): Promise<IConversation> {
    return this._call('POST', `${place(id)}/restore`, {
      undo_token: undoToken
    });
  }

  /** Delete a message with all that follows it; gives the chat as it is then. */
  deleteMessage(id: string, message: MessageId): Promise<IDeletion> {
    return this._call('DELETE', `${place(id)}/messages/${message}`);
  }

  /** Bring a deleted message back with what followed it; gives the chat. */
  restoreMessage(id: string, undoToken: MessageId): Promise<IConversation> {
    return this._call('POST', `${place(id)}/messages/${undoToken}/restore`, {});
  }

  /** Delete all chats; gives what `restoreConversation` takes, which are their ids too. */
  async deleteAllConversations(): Promise<string[]> {
    const { undo_tokens: tokens } = await this._call<{
      undo_tokens: string[];
    }>('DELETE', 'conversations');
    return tokens;
  }

  exportConversation(id: string, format: ExportFormat): Promise<IExport> {
    return this._call('GET', `${place(id)}/export?format=${format}`);
  }

  importConversation(content: string): Promise<IImported> {
    return this._call('POST', 'conversations/import', { content });
  }

  /** A number that grows with every change of the stored chats, by whomever. */
  async changes(since: number, signal?: AbortSignal): Promise<number> {
    const { version } = await this._call<{ version: number }>(
      'GET',
      `changes?since=${since}`,
      undefined,
      signal
    );
    return version;
  }

  async embed(model: string, texts: string[]): Promise<number[][]> {
    const { embeddings } = await this._call<{ embeddings: number[][] }>(
      'POST',
      'embed',
      { model, texts }
    );
    return embeddings;
  }

  /** How many tokens each text is about. */
  async estimate(texts: string[], signal?: AbortSignal): Promise<number[]> {
    const { tokens } = await this._call<{ tokens: number[] }>(
      'POST',
      'estimate',
      { texts },
      signal
    );
    return tokens;
  }

  /** Send a prompt; gives the lines of its answer, the last of which is `done` or `error`. */
  async *chat(
    request: IChatRequest,
    options: Client.IStreamOptions = {}
  ): AsyncGenerator<ChatLine, void, undefined> {
    const key = UUID.uuid4();
    const asked = request.keep_running ? { ...request, key } : request;
    try {
      yield* this._stream<ChatLine>('chat', asked, options);
    } finally {
      if (request.keep_running && options.signal?.aborted) {
        // A connection that is closed does not stop this one.
        void this.stopAnswer({ key }).catch(() => undefined);
      }
    }
  }

  /** Stop an answer that another page began, or this one before it was loaded. */
  async stopAnswer(
    which: { message_id: MessageId } | { key: string }
  ): Promise<void> {
    await this._call('POST', 'chat/stop', which);
  }

  /** Complete a text for the editor; nothing is stored. */
  generate(
    request: IGenerateRequest,
    options: Client.IStreamOptions = {}
  ): AsyncGenerator<GenerateLine, void, undefined> {
    return this._stream<GenerateLine>('generate', request, options);
  }

  private async _call<T>(
    method: Method,
    path: string,
    body?: unknown,
    signal?: AbortSignal
  ): Promise<T> {
    const response = await this._answer(method, path, body, signal);
    try {
      return (await response.json()) as T;
    } catch {
      signal?.throwIfAborted();
      // A sign-in page that a proxy put in our place, or an answer that was cut.
      throw failureOf(response.status, '', this._trans);
    }
  }

  private async _answer(
    method: Method,
    path: string,
    body: unknown,
    signal: AbortSignal | undefined
  ): Promise<Response> {
    signal?.throwIfAborted();
    let response: Response;
    try {
      response = await this._request(path, {
        method,
        signal: signal ?? null,
        ...(body === undefined
          ? {}
          : {
              body: JSON.stringify(body),
              headers: { 'Content-Type': 'application/json' }
            })
      });
    } catch {
      // JupyterLab gives an abort as a network error, too.
      signal?.throwIfAborted();
      throw noAnswer(this._trans);
    }
    if (!response.ok || isPage(response)) {
      const text = await response.text().catch(() => '');
      // The sign-in page of a proxy is no answer of ours, whatever its status.
      throw failureOf(response.ok ? 401 : response.status, text, this._trans);
    }
    return response;
  }

  private async *_stream<T extends { type: string }>(
    path: string,
    request: unknown,
    options: Client.IStreamOptions
  ): AsyncGenerator<T, void, undefined> {
    const { signal, onWait } = options;
    const release = await this._slots.take(signal, onWait);
    const watchdog = new Watchdog(this._quietSeconds, signal);
    let hasBegun = false;
    try {
      const { body } = await this._answer(
        'POST',
        path,
        request,
        watchdog.signal
      );
      let isEnded = false;
      if (body) {
        for await (const line of values(body)) {
          watchdog.feed();
          const typed = line as T;
          isEnded = typed.type === 'done' || typed.type === 'error';
          hasBegun ||= typed.type === 'delta';
          yield typed;
        }
      }
      if (!isEnded) {
        throw streamBroken(hasBegun, this._trans);
      }
    } catch (error) {
      signal?.throwIfAborted();
      // A cut connection, a line that is no JSON and a silence all mean the same to a reader.
      throw error instanceof ApiError
        ? error
        : streamBroken(hasBegun, this._trans);
    } finally {
      watchdog.dispose();
      release();
    }
  }

  private readonly _request: Request;
  private readonly _trans: ITranslate;
  private readonly _slots: StreamSlots;
  private readonly _quietSeconds: number;
}

export namespace Client {
  export interface IOptions {
    request: Request;
    trans?: ITranslate;
    slots?: StreamSlots;
    /** A stream without a line for so long is given up; the server sends one every 5 s. */
    quietSeconds?: number;
  }

  export interface IListOptions {
    query?: string;
    limit?: number;
    offset?: number;
    signal?: AbortSignal;
  }

  export interface IStreamOptions {
    /** Stops the model: it closes the connection. */
    signal?: AbortSignal;
    /** Called once if the stream has to wait for another one to end. */
    onWait?: () => void;
  }
}

function isPage(response: Response): boolean {
  return !!response.headers.get('content-type')?.startsWith('text/html');
}

function place(id: string): string {
  return `conversations/${encodeURIComponent(id)}`;
}
