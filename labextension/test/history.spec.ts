import { afterEach, beforeEach, expect, it } from 'vitest';

import { History } from '../src/chat/history';
import { ScriptedServer } from './scripted';

let server: ScriptedServer;
let history: History;

beforeEach(async () => {
  server = await ScriptedServer.start();
  server.on('GET conversations', call =>
    call.json({ conversations: [], total: 0, notice: '' })
  );
  history = new History(server.client());
});

afterEach(async () => {
  history.dispose();
  await server.close();
});

function changes(): string[] {
  return server.asked
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);
}

it('passes on what the server says of the file of chats', async () => {
  server.on('GET conversations', call =>
    call.json({ conversations: [], total: 0, notice: 'It is damaged.' })
  );

  await history.refresh();

  expect(history.notice).toBe('It is damaged.');
});

it('brings back all chats that were deleted at once', async () => {
  server.on('DELETE conversations', call =>
    call.json({ undo_tokens: ['a', 'b'] })
  );
  server.on('POST conversations/a/restore', call => call.json({}));
  server.on('POST conversations/b/restore', call => call.json({}));

  await history.removeAll();
  await history.undo();

  expect(changes().slice(1)).toEqual([
    'POST conversations/a/restore',
    'POST conversations/b/restore'
  ]);
  expect(history.removed).toBeNull();
});

it('offers again what could not be brought back', async () => {
  server.on('DELETE conversations', call =>
    call.json({ undo_tokens: ['a', 'b'] })
  );
  server.on('POST conversations/a/restore', call => call.json({}));
  server.on('POST conversations/b/restore', call =>
    call.json({ message: 'It is gone.', hint: '', kind: 'BadUsage' }, 400)
  );

  await history.removeAll();
  await history.undo();

  expect(history.removed?.ids).toEqual(['b']);
  expect(history.failure?.message).toBe('It is gone.');
});

it('does not read a file that is too large', async () => {
  const file = new File([], 'huge.json');
  Object.defineProperty(file, 'size', { value: 300_000_000 });

  expect(await history.importFile(file)).toEqual([]);

  expect(history.failure?.message).toBe(
    'The file has 300 MB; the sidebar takes 200 MB.'
  );
  expect(server.asked).toEqual([]);
});
