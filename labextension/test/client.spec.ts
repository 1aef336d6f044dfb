import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Client } from '../src/api/client';
import { ApiError } from '../src/api/failure';
import type { ChatLine } from '../src/api/types';
import { message, ScriptedServer, start } from './scripted';

let server: ScriptedServer;

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(() => server.close());

const REQUEST = { parent_id: null, text: 'Hello' };
const ANSWER = message({ id: 2, parent_id: 1, role: 'assistant' });

async function all(lines: AsyncIterable<ChatLine>): Promise<string[]> {
  const types: string[] = [];
  for await (const line of lines) {
    types.push(line.type);
  }
  return types;
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason
  );
  if (!(error instanceof ApiError)) {
    throw new Error(`This is no failure: ${String(error)}`);
  }
  return error;
}

describe('a call', () => {
  it('gives what the server says', async () => {
    server.on('GET models', call => call.json({ models: [{ name: 'tiny' }] }));

    expect(await server.client().models()).toEqual([{ name: 'tiny' }]);
  });

  it('sends what it is about as JSON', async () => {
    server.on('POST models/copy', call => call.json({}));
    await server.client().copyModel('a', 'b');

    expect(server.asked[0]?.body).toEqual({ source: 'a', destination: 'b' });
  });

  it('writes names with slashes and colons so that they are one part of the path', async () => {
    server.on('GET models/hf.co%2Fu%2Fx%3AQ4', call =>
      call.json({ name: 'found' })
    );

    expect((await server.client().model('hf.co/u/x:Q4')).name).toBe('found');
  });

  it('searches chats with the words as they are typed', async () => {
    server.on('GET conversations', call =>
      call.json({ conversations: [], total: 0, notice: '' })
    );
    await server.client().conversations({ query: 'a&b c', limit: 5 });

    expect(server.asked[0]?.path).toBe(
      'conversations?q=a%26b+c&limit=5&offset=0'
    );
  });

  it('brings back a deleted chat with what deleting gave', async () => {
    server.on('DELETE conversations/c', call => call.json({ undo_token: 'u' }));
    server.on('POST conversations/c/restore', call => call.json({ id: 'c' }));
    const client = server.client();
    await client.restoreConversation('c', await client.deleteConversation('c'));

    expect(server.asked[1]?.body).toEqual({ undo_token: 'u' });
  });

  it('rejects with the reason of its signal when that aborts', async () => {
    const abort = new AbortController();
    server.on('GET health', () => abort.abort(new Error('enough')));

    await expect(server.client().health(abort.signal)).rejects.toThrow(
      'enough'
    );
  });
});

describe('a failure', () => {
  it('has the words of the server', async () => {
    const said = { message: 'No.', hint: 'Try another.', kind: 'Forbidden' };
    server.on('GET health', call => call.json(said, 403));
    const error = await failure(server.client().health());

    expect(error.toFailure()).toEqual(said);
    expect(error.status).toBe(403);
  });

  it.each([
    [
      'Jupyter knows nobody by this token',
      403,
      '{"message": "Forbidden", "reason": null}',
      'SignedOut'
    ],
    [
      'the extension is not there',
      404,
      '{"message": "Not Found"}',
      'NotInstalled'
    ],
    ['a proxy answers', 502, '<html>Bad gateway</html>', 'Unknown'],
    [
      'Jupyter wants a token',
      403,
      '{"message": "No.", "hint": "", "kind": "Unauthorized"}',
      'SignedOut'
    ],
    ['a page to sign in comes', 200, '<html>Sign in</html>', 'SignedOut'],
    ['no JSON comes', 200, 'Sign in', 'Unknown']
  ])('says so when %s', async (_, status, body, kind) => {
    server.on('GET health', call => call.raw(body, status));
    const error = await failure(server.client().health());

    expect(error.kind).toBe(kind);
    expect(error.message).toMatch(/^[A-Z].*\.$/);
    expect(error.hint).not.toBe('');
  });

  it('says so when nothing answers', async () => {
    const client = server.client();
    await server.close();
    const error = await failure(client.health());

    expect(error.message).toBe('The Jupyter server does not answer.');
  });

  it('can be said in another language', async () => {
    const client = new Client({
      request: () => Promise.reject(new TypeError('fetch failed')),
      trans: { __: text => text.toUpperCase() }
    });

    expect((await failure(client.health())).message).toBe(
      'THE JUPYTER SERVER DOES NOT ANSWER.'
    );
  });
});

describe('a stream', () => {
  it('gives its lines as they come', async () => {
    server.on('POST chat', async call => {
      await call.line(start(null, ANSWER));
      await call.line({ type: 'delta', text: 'a' });
      await call.line({ type: 'done', message: ANSWER });
      call.end();
    });

    expect(await all(server.client().chat(REQUEST))).toEqual([
      'start',
      'delta',
      'done'
    ]);
  });

  it('gives the first line while the others are still to come', async () => {
    server.on('POST chat', call => call.line(start(null, ANSWER)));
    const lines = server.client().chat(REQUEST);

    expect((await lines.next()).value).toMatchObject({ type: 'start' });
    await lines.return();
  });

  it('fails before its first line with the words of the server', async () => {
    const said = {
      message: 'No model.',
      hint: 'Pull one.',
      kind: 'ModelNotFound'
    };
    server.on('POST chat', call => call.json(said, 404));
    const error = await failure(all(server.client().chat(REQUEST)));

    expect(error.toFailure()).toEqual(said);
  });

  it.each([
    ['it ends without its last line', (end: () => void) => end()],
    ['the connection is cut', (_: () => void, cut: () => void) => cut()]
  ])('is broken when %s', async (_, how) => {
    server.on('POST chat', async call => {
      await call.line(start(null, ANSWER));
      how(
        () => call.end(),
        () => call.cut()
      );
    });
    const error = await failure(all(server.client().chat(REQUEST)));

    expect(error.kind).toBe('StreamBroken');
  });

  it.each([
    ['before the first word', [], 'before the first word of'],
    ['in the middle', [{ type: 'delta', text: 'Be' }], 'in the middle of']
  ])('that breaks off %s says so', async (_, lines, where) => {
    server.on('POST chat', async call => {
      await call.line(start(null, ANSWER));
      for (const line of lines) {
        await call.line(line);
      }
      call.cut();
    });

    expect((await failure(all(server.client().chat(REQUEST)))).message).toBe(
      `The Jupyter server broke off ${where} the answer.`
    );
  });

  it('is broken when a line is no JSON', async () => {
    server.on('POST chat', async call => {
      await call.bytes('<html>\n');
      call.end();
    });

    expect((await failure(all(server.client().chat(REQUEST)))).kind).toBe(
      'StreamBroken'
    );
  });

  it('is broken when nothing comes any more', async () => {
    server.on('POST chat', call => call.line(start(null, ANSWER)));
    const client = server.client({ quietSeconds: 0.3 });

    expect((await failure(all(client.chat(REQUEST)))).kind).toBe(
      'StreamBroken'
    );
  });

  it('closes its connection when its signal aborts', async () => {
    const abort = new AbortController();
    const hungUp = new Promise<void>(resolve => {
      server.on('POST chat', async call => {
        await call.line(start(null, ANSWER));
        await call.hungUp;
        resolve();
      });
    });
    const reading = (async () => {
      for await (const line of server
        .client()
        .chat(REQUEST, { signal: abort.signal })) {
        expect(line.type).toBe('start');
        abort.abort(new Error('stopped'));
      }
    })();

    await expect(reading).rejects.toThrow('stopped');
    await hungUp;
  });

  it('closes its connection when it is aborted before the first byte', async () => {
    const abort = new AbortController();
    const hungUp = new Promise<void>(resolve => {
      server.on('POST chat', async call => {
        abort.abort(new Error('stopped'));
        await call.hungUp;
        resolve();
      });
    });

    await expect(
      all(server.client().chat(REQUEST, { signal: abort.signal }))
    ).rejects.toThrow('stopped');
    await hungUp;
  });

  it('that goes on without its page is told to stop', async () => {
    const abort = new AbortController();
    server.on('POST chat', () => abort.abort(new Error('stopped')));
    server.on('POST chat/stop', call => call.json({ was_running: true }));
    const request = { ...REQUEST, keep_running: true };
    const reading = all(
      server.client().chat(request, { signal: abort.signal })
    );

    await expect(reading).rejects.toThrow('stopped');
    await vi.waitUntil(() => server.asked.length === 2);
    const [asked, stop] = server.asked.map(one => one.body);
    expect(asked).toMatchObject(stop as object);
  });

  it('closes its connection when the loop over it is left', async () => {
    const hungUp = new Promise<void>(resolve => {
      server.on('POST chat', async call => {
        await call.line(start(null, ANSWER));
        await call.hungUp;
        resolve();
      });
    });
    for await (const line of server.client().chat(REQUEST)) {
      expect(line.type).toBe('start');
      break;
    }

    await hungUp;
  });

  it('is the third of a tab and waits until one of the others ends', async () => {
    server.on('POST chat', call => call.line(start(null, ANSWER)));
    const client = server.client();
    const [first, second] = [client.chat(REQUEST), client.chat(REQUEST)];
    await first.next();
    await second.next();
    let isTold = false;
    const third = client.chat(REQUEST, {
      onWait: () => {
        isTold = true;
      }
    });
    const line = third.next();
    await Promise.resolve();
    expect(isTold).toBe(true);
    expect(server.asked).toHaveLength(2);
    await first.return();

    expect((await line).value).toMatchObject({ type: 'start' });
    await second.return();
    await third.return();
  });
});
