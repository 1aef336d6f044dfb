import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { IChatRequest } from '../src/api/types';
import { ChatModel } from '../src/model/chat';
import type { MessageModel } from '../src/model/message';
import {
  type Call,
  conversation,
  message,
  ScriptedServer,
  start,
  until
} from './scripted';

const PROMPT = message({ id: 1, role: 'user', text: 'Why?' });
const ANSWER = message({
  id: 2,
  parent_id: 1,
  role: 'assistant',
  text: 'Because.'
});

let server: ScriptedServer;
let chat: ChatModel;

beforeEach(async () => {
  server = await ScriptedServer.start();
  server.on('POST chat', answered);
  server.on('POST estimate', call => call.json({ tokens: [7] }));
  server.on('GET conversations/chat-1', call =>
    call.json(conversation([PROMPT, ANSWER]))
  );
  server.on('PATCH conversations/chat-1', call =>
    call.json(conversation([PROMPT, ANSWER]))
  );
  chat = new ChatModel({ client: server.client() });
});

afterEach(async () => {
  chat.dispose();
  await server.close();
});

async function begun(call: Call): Promise<void> {
  await call.line(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));
  await call.line({ type: 'delta', text: 'Be' });
}

async function answered(call: Call): Promise<void> {
  await begun(call);
  await call.line({ type: 'delta', text: 'cause.' });
  await call.line({ type: 'done', message: ANSWER });
  call.end();
}

function refused(call: Call): void {
  call.json({ message: 'No.', hint: 'Another.', kind: 'ModelNotFound' }, 404);
}

const texts = () => chat.conversation.messages.map(one => one.text);

/** The answer that ends the branch on show. */
function answer(): MessageModel {
  const last = chat.conversation.messages.at(-1);
  if (!last) {
    throw new Error('The chat is empty.');
  }
  return last;
}

/** The bodies of the prompts that were sent. */
function prompts(): IChatRequest[] {
  return server.asked
    .filter(one => one.path === 'chat')
    .map(one => one.body as IChatRequest);
}

async function send(text: string): Promise<void> {
  chat.draft = text;
  await chat.send();
}

describe('sending', () => {
  it('shows prompt and answer, and empties the draft', async () => {
    await send('  Why?\n');

    expect(texts()).toEqual(['Why?', 'Because.']);
    expect(chat.draft).toBe('');
    expect(chat.state).toBe('idle');
  });

  it('sends the prompt, what the chat asks for, and nothing that it does not know', async () => {
    await chat.configure({ model: 'qwen3:0.6b', options: { seed: 1 } });
    await send('Why?');

    expect(prompts()).toEqual([
      {
        parent_id: null,
        text: 'Why?',
        model: 'qwen3:0.6b',
        options: { seed: 1 },
        images: [],
        attachments: []
      }
    ]);
  });

  it('goes on in the chat that the server made', async () => {
    await send('Why?');
    await send('And?');

    expect(prompts()[1]).toMatchObject({
      conversation_id: 'chat-1',
      parent_id: 2
    });
  });

  it('asks for an answer that goes on without the page only where that is set', async () => {
    let isKept = false;
    chat.dispose();
    chat = new ChatModel({
      client: server.client(),
      keepsRunning: () => isKept
    });
    await send('Why?');
    isKept = true;
    await send('And?');

    expect(prompts().map(one => one.keep_running)).toEqual([undefined, true]);
  });

  it('is not possible with nothing to send', async () => {
    await send(' \n ');

    expect(chat.canSend).toBe(false);
    expect(server.asked).toEqual([]);
  });

  it('is not possible while an answer runs', async () => {
    server.on('POST chat', begun);
    const sending = send('Why?');
    await until(() => answer().text === 'Be');
    chat.draft = 'And?';

    expect(chat.canSend).toBe(false);
    chat.stop();
    await sending;
    expect(chat.canSend).toBe(true);
  });

  it('takes what is attached along, images apart', async () => {
    chat.context.add({ kind: 'file', name: 'a.csv', text: '1,2' });
    chat.context.add({ kind: 'image', name: 'b.png', image: 'aW1hZ2U=' });
    await send('Why?');

    expect(prompts()[0]).toMatchObject({
      attachments: [{ kind: 'file', name: 'a.csv', text: '1,2' }],
      images: ['aW1hZ2U=']
    });
    expect(chat.context.isEmpty).toBe(true);
  });

  it('says when it waits for other answers to end', async () => {
    server.on('POST chat', begun);
    const client = server.client();
    const others = [new ChatModel({ client }), new ChatModel({ client })];
    const running = others.map(other => {
      other.draft = 'Why?';
      return other.send();
    });
    await until(() => prompts().length === 2);
    chat.dispose();
    chat = new ChatModel({ client });
    const sending = send('Why?');
    await until(() => chat.state === 'waiting');
    const words = () => chat.conversation.messages.at(-1)?.phase?.words;
    expect(words()).toBe('waiting for another answer to end');
    others.forEach(other => other.stop());
    await until(() => chat.state === 'answering');
    expect(words()).not.toBe('waiting for another answer to end');
    chat.stop();

    await Promise.all([...running, sending]);
    expect(chat.state).toBe('idle');
  });
});

describe('stopping', () => {
  it('keeps what came, and hangs up', async () => {
    const hungUp = new Promise<void>(resolve => {
      server.on('POST chat', async call => {
        await begun(call);
        await call.hungUp;
        resolve();
      });
    });
    const sending = send('Why?');
    await until(() => answer().text === 'Be');
    chat.stop();
    await sending;
    await hungUp;

    expect(answer().state).toBe('stopped');
    expect(texts()).toEqual(['Why?', 'Be']);
  });

  it('before the server has the prompt gives the words back', async () => {
    const held = new Promise<Call>(resolve => server.on('POST chat', resolve));
    chat.context.add({ kind: 'file', name: 'a.csv', text: '1,2' });
    const sending = send('Why?');
    const call = await held;
    chat.stop();
    await sending;
    await call.hungUp;

    expect(texts()).toEqual([]);
    expect(chat.draft).toBe('Why?');
    expect(chat.context.attached).toMatchObject([{ name: 'a.csv' }]);
  });

  it('stops an answer that another page began', async () => {
    server.on('GET conversations/chat-1', call =>
      call.json(conversation([PROMPT, { ...ANSWER, state: 'streaming' }]))
    );
    server.on('POST chat/stop', call => call.json({ was_running: true }));
    await chat.open('chat-1');
    chat.stop();
    await until(() => server.asked.length === 2);

    expect(server.asked.at(-1)?.body).toEqual({ message_id: 2 });
  });

  it('does nothing when nothing runs', async () => {
    await send('Why?');
    chat.stop();

    expect(answer().state).toBe('done');
  });
});

describe('a failure', () => {
  it('of a refused prompt is that of its answer, in the words of the server', async () => {
    server.on('POST chat', refused);
    await send('Why?');

    expect(answer().error).toEqual({
      message: 'No.',
      hint: 'Another.',
      kind: 'ModelNotFound'
    });
    expect(answer().isSaved).toBe(false);
    expect(chat.state).toBe('idle');
  });

  it('of a refused prompt is gone when it is tried again', async () => {
    server.on('POST chat', refused);
    await send('Why?');
    server.on('POST chat', answered);
    await chat.retry(answer());

    expect(texts()).toEqual(['Why?', 'Because.']);
    expect(prompts()[1]).toMatchObject({ text: 'Why?', parent_id: null });
  });

  it('in the middle of an answer keeps what came, and is tried again from the prompt', async () => {
    server.on('POST chat', async call => {
      await begun(call);
      call.cut();
    });
    await send('Why?');
    expect(answer()).toMatchObject({ text: 'Be', state: 'broken' });
    expect(answer().error?.kind).toBe('StreamBroken');
    server.on('POST chat', async call => {
      const again = message({
        id: 3,
        parent_id: 1,
        role: 'assistant',
        text: 'So.',
        siblings: [2, 3]
      });
      await call.line(start(null, { ...again, text: '' }));
      await call.line({ type: 'done', message: again });
      call.end();
    });
    await chat.retry(answer());

    expect(prompts()[1]).toMatchObject({ regenerate: true, parent_id: 1 });
    expect(texts()).toEqual(['Why?', 'So.']);
    expect(chat.conversation.siblings(answer())).toEqual([2, 3]);
  });

  it('of anything else is the one of the chat, until something works', async () => {
    await send('Why?');
    server.on('PATCH conversations/chat-1', refused);
    await chat.rename('New');
    expect(chat.failure?.message).toBe('No.');
    await chat.refresh();

    expect(chat.failure).toBeNull();
  });
});

describe('what did not reach the server', () => {
  it('is the prompt that failed, until it is sent', async () => {
    server.on('POST chat', refused);
    await send('Why?');
    const failed = chat.unsent;
    server.on('POST chat', answered);
    await chat.retry(answer());

    expect(failed).toBe('Why?');
    expect(chat.unsent).toBe('');
  });

  it('stays on show when the chat is read again', async () => {
    await send('Why?');
    server.on('POST chat', refused);
    await send('And?');
    await chat.refresh();

    expect(texts()).toEqual(['Why?', 'Because.', 'And?', '']);
  });

  it('goes back into the draft where another page went on', async () => {
    await send('Why?');
    server.on('POST chat', refused);
    await send('And?');
    const other = message({ id: 3, parent_id: 2, role: 'user', text: 'So?' });
    server.on('GET conversations/chat-1', call =>
      call.json(conversation([PROMPT, ANSWER, other]))
    );
    await chat.refresh();

    expect(texts()).toEqual(['Why?', 'Because.', 'So?']);
    expect(chat.draft).toBe('And?');
  });

  it('is no prompt that is answered', async () => {
    server.on('POST chat', begun);
    const sending = send('Why?');
    const asking = chat.unsent;
    await until(() => answer().text === 'Be');
    chat.stop();
    await sending;

    expect(asking + chat.unsent).toBe('');
  });
});

describe('branches', () => {
  it('are made by other words for a prompt, whose attachments go along', async () => {
    const attachments = [{ kind: 'file' as const, name: 'a.csv', text: '1,2' }];
    server.on('GET conversations/chat-1', call =>
      call.json(conversation([{ ...PROMPT, attachments }, ANSWER]))
    );
    await chat.open('chat-1');
    const [prompt] = chat.conversation.messages;
    await chat.edit(prompt ?? answer(), 'Why not?');

    expect(prompts()[0]).toMatchObject({
      text: 'Why not?',
      parent_id: null,
      attachments
    });
  });

  it('are chosen on the server, so that a reload shows the same', async () => {
    await chat.open('chat-1');
    await chat.selectBranch(2);

    expect(server.asked.at(-1)).toMatchObject({
      method: 'PATCH',
      body: { leaf_id: 2 }
    });
  });
});

describe('a stored chat', () => {
  it('is shown when it is opened', async () => {
    await chat.open('chat-1');

    expect(texts()).toEqual(['Why?', 'Because.']);
    expect(chat.conversation.title).toBe('A chat');
  });

  it('keeps what it asks for on the server', async () => {
    await chat.open('chat-1');
    await chat.configure({ system: 'Be short.', think: true });

    expect(server.asked.at(-1)).toMatchObject({
      method: 'PATCH',
      body: { system: 'Be short.' }
    });
    expect(server.asked.at(-1)?.body).not.toHaveProperty('think');
    expect(chat.settings).toMatchObject({ system: 'Be short.', think: true });
  });

  it('brings what it asks for along', async () => {
    server.on('GET conversations/chat-1', call =>
      call.json(conversation([], { model: 'llama3', system: 'Be short.' }))
    );
    await chat.open('chat-1');

    expect(chat.settings).toEqual({ model: 'llama3', system: 'Be short.' });
  });

  it('is not shown as it was before an answer that has ended meanwhile', async () => {
    await send('Why?');
    let reply = (): void => undefined;
    server.on('GET conversations/chat-1', call => {
      reply = () => call.json(conversation([PROMPT]));
    });
    const refreshing = chat.refresh();
    await until(() => server.asked.at(-1)?.method === 'GET');
    await send('And?');
    reply();
    await refreshing;

    expect(texts().at(-1)).toBe('Because.');
  });

  it('is not read again over an answer that runs', async () => {
    server.on('POST chat', begun);
    const sending = send('Why?');
    await until(() => answer().text === 'Be');
    await chat.refresh();

    expect(answer().text).toBe('Be');
    chat.stop();
    await sending;
  });
});

describe('a message that is deleted', () => {
  beforeEach(async () => {
    server.on('DELETE conversations/chat-1/messages/2', call =>
      call.json({ ...conversation([PROMPT]), undo_token: 2, deleted_count: 3 })
    );
    server.on('POST conversations/chat-1/messages/2/restore', call =>
      call.json(conversation([PROMPT, ANSWER]))
    );
    await chat.open('chat-1');
    await chat.remove(answer());
  });

  it('is gone with what followed it, until it is brought back', async () => {
    expect(texts()).toEqual(['Why?']);
    expect(chat.removed?.count).toBe(3);
    await chat.undoRemove();

    expect(texts()).toEqual(['Why?', 'Because.']);
    expect(chat.removed).toBeNull();
  });

  it('is offered again where it could not be brought back', async () => {
    server.on('POST conversations/chat-1/messages/2/restore', refused);
    await chat.undoRemove();

    expect(chat.failure?.message).toBe('No.');
    expect(chat.removed?.count).toBe(3);
  });

  it('is no longer offered when the next prompt is sent', async () => {
    await send('Why?');

    expect(chat.removed).toBeNull();
  });
});

describe('a prompt that is refused for what is in it', () => {
  beforeEach(() => {
    server.on('POST chat', call =>
      call.json({ message: 'Long.', hint: '', kind: 'PromptTooLong' }, 413)
    );
  });

  it('is a draft again, with what was attached', async () => {
    chat.context.add({ kind: 'file', name: 'a.csv', text: '1,2' });
    await send('Why?');

    expect(chat.draft).toBe('Why?');
    expect(chat.context.attached.map(one => one.name)).toEqual(['a.csv']);
    expect(chat.failure?.message).toBe('Long.');
    expect(texts()).toEqual([]);
  });

  it('stays where it is while another one is written', async () => {
    chat.draft = 'Why?';
    const sending = chat.send();
    chat.draft = 'And';
    await sending;

    expect(texts()).toEqual(['Why?', '']);
    expect(chat.draft).toBe('And');
  });

  it('says so until the next one is sent', async () => {
    await send('Why?');
    server.on('POST chat', answered);
    await chat.send();

    expect(chat.failure).toBeNull();
  });
});

describe('a private chat', () => {
  it('brings back what was deleted, and asks nobody', async () => {
    chat.dispose();
    chat = new ChatModel({ client: server.client(), isPrivate: true });
    await send('Why?');
    const before = server.asked.length;
    const [prompt] = chat.conversation.messages;
    await chat.remove(prompt ?? answer());
    expect(texts()).toEqual([]);
    await chat.undoRemove();
    expect(texts()).toEqual(['Why?', 'Because.']);
    expect(server.asked).toHaveLength(before);
    await send('And?');

    expect(prompts().at(-1)?.private?.messages).toHaveLength(2);
  });

  it('sends its messages along and is stored nowhere', async () => {
    chat.dispose();
    chat = new ChatModel({ client: server.client(), isPrivate: true });
    await send('Why?');
    await send('And?');
    const [first, second] = prompts();

    expect(first?.private?.messages).toEqual([]);
    expect(second?.private?.messages.map(one => one.text)).toEqual([
      'Why?',
      'Because.'
    ]);
    expect(second).not.toHaveProperty('conversation_id');
  });
});

it('keeps what it was told where a server that died kept less', async () => {
  server.on('POST chat', async call => {
    await begun(call);
    await call.line({ type: 'delta', text: 'cause of' });
    await until(() => texts()[1] === 'Because of');
    call.cut();
  });
  server.on('GET conversations/chat-1', call =>
    call.json(
      conversation([PROMPT, { ...ANSWER, text: 'Be', state: 'broken' }])
    )
  );
  chat.draft = 'Why?';
  await chat.send();

  await chat.refresh();

  expect(texts()).toEqual(['Why?', 'Because of']);
});
