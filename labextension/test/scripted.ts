import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from 'node:http';
import type { AddressInfo } from 'node:net';

import { Client } from '../src/api/client';
import type { StreamSlots } from '../src/api/slots';
import type { IConversation, IMessage, IStartLine } from '../src/api/types';

/** One request as the server saw it. */
export interface IAsked {
  method: string;
  /** With its query, after `/ollama-lab/api/`. */
  path: string;
  body: unknown;
}

/** What a script does with one request. */
export type Script = (call: Call) => Promise<void> | void;

/** A request that is being answered. */
export class Call {
  constructor(
    readonly asked: IAsked,
    private readonly _response: ServerResponse
  ) {
    this.hungUp = new Promise(resolve => {
      _response.on('close', () => {
        if (!_response.writableEnded) {
          resolve();
        }
      });
    });
  }

  /** Resolves when the other side left before the end. */
  readonly hungUp: Promise<void>;

  json(value: unknown, status = 200): void {
    this.raw(JSON.stringify(value), status);
  }

  raw(body: string, status = 200): void {
    const type = body.startsWith('<html>') ? 'text/html' : 'application/json';
    this._response.writeHead(status, { 'Content-Type': type });
    this._response.end(body);
  }

  /** Send one line of a stream, and wait until it is on its way. */
  async line(value: unknown): Promise<void> {
    await this.bytes(`${JSON.stringify(value)}\n`);
  }

  async bytes(data: string | Uint8Array): Promise<void> {
    await new Promise(resolve => this._response.write(data, resolve));
  }

  end(): void {
    this._response.end();
  }

  /** Break the connection. */
  cut(): void {
    this._response.destroy();
  }
}

/**
 * The Jupyter server's side on a socket: each path is answered by a script.
 *
 * A path without a script is answered as Jupyter does where ollama-lab is not installed.
 */
export class ScriptedServer {
  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    await new Promise<void>(resolve => {
      scripted._server.listen(0, '127.0.0.1', resolve);
    });
    return scripted;
  }

  /** What was asked, in order. */
  readonly asked: IAsked[] = [];

  get base(): string {
    const { port } = this._server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/ollama-lab/api/`;
  }

  /** Answer `METHOD path`, without query, with a script. */
  on(call: string, script: Script): void {
    this._scripts.set(call, script);
  }

  client(options: { slots?: StreamSlots; quietSeconds?: number } = {}): Client {
    return new Client({
      request: (path, init) => fetch(this.base + path, init),
      ...options
    });
  }

  async close(): Promise<void> {
    this._server.closeAllConnections();
    await new Promise(resolve => this._server.close(resolve));
  }

  private async _answer(
    request: IncomingMessage,
    response: ServerResponse
  ): Promise<void> {
    const path = (request.url ?? '').replace('/ollama-lab/api/', '');
    const text = await textOf(request);
    const asked: IAsked = {
      method: request.method ?? '',
      path,
      body: text ? (JSON.parse(text) as unknown) : null
    };
    this.asked.push(asked);
    const script = this._scripts.get(
      `${asked.method} ${path.split('?')[0] ?? ''}`
    );
    const call = new Call(asked, response);
    if (script) {
      await script(call);
    } else {
      call.json({ message: 'Not Found', reason: null }, 404);
    }
  }

  private readonly _scripts = new Map<string, Script>();
  private readonly _server: Server = createServer((request, response) => {
    void this._answer(request, response);
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** A message as the server has it. */
export function message(values: Partial<IMessage> = {}): IMessage {
  return {
    id: 1,
    parent_id: null,
    role: 'user',
    text: '',
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
    siblings: [values.id ?? 1],
    created_at: '2026-01-01T00:00:00Z',
    ...values
  };
}

/** A chat of some messages as the server has it, the last one on show. */
export function conversation(
  messages: IMessage[],
  values: Partial<IConversation> = {}
): IConversation {
  return {
    id: 'chat-1',
    title: 'A chat',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    model: '',
    system: '',
    options: {},
    is_private: false,
    messages,
    leaf_id: messages.at(-1)?.id ?? null,
    ...values
  };
}

/** The first line of an answer. */
export function start(prompt: IMessage | null, answer: IMessage): IStartLine {
  return {
    type: 'start',
    user_message: prompt,
    message: answer,
    conversation: { id: 'chat-1', title: 'A chat' },
    notes: [],
    context_tokens: 8192,
    model: 'qwen3:0.6b',
    why: 'the newest'
  };
}

/** Wait until something holds; fails after five seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!holds()) {
    if (Date.now() > deadline) {
      throw new Error('It did not come about within 5 s.');
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
