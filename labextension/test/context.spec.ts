import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ContextModel } from '../src/model/context';
import { ScriptedServer, until } from './scripted';

let server: ScriptedServer;
let context: ContextModel;

beforeEach(async () => {
  server = await ScriptedServer.start();
  server.on('POST estimate', call => {
    const { texts } = call.asked.body as { texts: string[] };
    call.json({ tokens: texts.map(text => text.length) });
  });
  context = new ContextModel({ client: server.client() });
});

afterEach(() => server.close());

const FILE = { kind: 'file', name: 'a.csv', text: 'abc' } as const;
const IMAGE = { kind: 'image', name: 'b.png', image: 'aW1hZ2U=' } as const;

describe('what goes along', () => {
  it('is counted by the server', async () => {
    context.add(FILE);
    await until(() => !context.isCounting);

    expect(context.attached[0]?.tokens).toBe(3);
    expect(context.tokens).toBe(3);
  });

  it('is counted in few questions', async () => {
    for (let index = 0; index < 30; index += 1) {
      context.add({ ...FILE, name: `${index}.csv` });
    }
    await until(() => !context.isCounting);

    expect(context.tokens).toBe(90);
    expect(server.asked).toHaveLength(2);
  });

  it('is too much when it alone fills the window', async () => {
    context.contextTokens = 2;
    context.add(FILE);
    await until(() => context.isTooMuch);
    context.contextTokens = 3;

    expect(context.isTooMuch).toBe(false);
  });

  it('is there once, however often it is attached', () => {
    context.add(FILE);
    context.add({ ...FILE });

    expect(context.attached).toHaveLength(1);
  });

  it('can be taken out', () => {
    context.add(FILE);
    context.add(IMAGE);
    context.remove(context.attached[0]?.id ?? '');

    expect(context.attached).toMatchObject([IMAGE]);
    expect(context.hasImages).toBe(true);
  });

  it('is given away as it was attached', () => {
    context.add(FILE);
    context.add(IMAGE);

    expect(context.take()).toEqual([FILE, IMAGE]);
    expect(context.isEmpty).toBe(true);
  });

  it('stays, uncounted, where the server does not count', async () => {
    server.on('POST estimate', call =>
      call.json({ message: 'No.', hint: '', kind: 'Busy' }, 503)
    );
    context.add(FILE);
    await until(() => !context.isCounting);

    expect(context.attached).toMatchObject([{ ...FILE, tokens: null }]);
  });

  it('is not asked about when it is an image', () => {
    context.add(IMAGE);

    expect(server.asked).toEqual([]);
  });

  it('says when it changes', () => {
    let changes = 0;
    context.changed.connect(() => {
      changes += 1;
    });
    context.add(IMAGE);
    context.clear();

    expect(changes).toBeGreaterThanOrEqual(2);
  });
});
