import { describe, expect, it, test } from 'vitest';

import { ConversationModel } from '../src/model/conversation';
import { MessageTree } from '../src/model/tree';
import { conversation, message, start } from './scripted';

const PROMPT = message({ id: 1, role: 'user', text: 'Why?' });
const ANSWER = message({
  id: 2,
  parent_id: 1,
  role: 'assistant',
  text: 'Because.'
});
const OTHER = message({
  id: 3,
  parent_id: 1,
  role: 'assistant',
  text: 'So.',
  siblings: [2, 3]
});

const texts = (model: ConversationModel) => model.messages.map(one => one.text);

/** The message at a place on show. */
function at(model: ConversationModel, place: number) {
  const found = model.messages.at(place);
  if (!found) {
    throw new Error(`There is no message ${place}.`);
  }
  return found;
}

function opened(...messages: (typeof PROMPT)[]): ConversationModel {
  const model = new ConversationModel();
  model.adopt(conversation(messages));
  return model;
}

describe('a tree of messages', () => {
  const tree = new MessageTree();
  const below = message({ id: 4, parent_id: 3, text: 'And?' });
  [PROMPT, ANSWER, OTHER, below].forEach(one => tree.set(one));

  it('gives the branch that ends at a message', () => {
    expect(tree.branch(4).map(one => one.id)).toEqual([1, 3, 4]);
    expect(tree.branch(2).map(one => one.id)).toEqual([1, 2]);
    expect(tree.branch(null)).toEqual([]);
  });

  it('gives the branches at a place, whichever of them is asked', () => {
    expect(tree.siblings(2)).toEqual([2, 3]);
    expect(tree.siblings(3)).toEqual([2, 3]);
  });

  it('finds what was written last below a message', () => {
    expect(tree.newestBelow(1)).toBe(4);
    expect(tree.newestBelow(2)).toBe(2);
  });

  it('names siblings that it has not seen', () => {
    const partial = new MessageTree();
    partial.set(PROMPT);
    partial.set(OTHER);

    expect(partial.siblings(3)).toEqual([2, 3]);
  });

  it('loses what is below a message with the message', () => {
    const cut = new MessageTree();
    [PROMPT, ANSWER, OTHER, below].forEach(one => cut.set(one));
    cut.delete(3);

    expect(cut.get(4)).toBeUndefined();
    expect(cut.newestBelow(1)).toBe(2);
  });
});

test('a branch of 2,000 messages is shown', () => {
  const long = Array.from({ length: 2000 }, (_, index) =>
    message({ id: index + 1, parent_id: index || null, text: String(index) })
  );

  expect(opened(...long).messages).toHaveLength(2000);
});

describe('a turn', () => {
  it('is on show before the server has it', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });

    expect(texts(model)).toEqual(['Why?', '']);
    expect(answer.isStreaming).toBe(true);
    expect(answer.isSaved).toBe(false);
  });

  it('gets the ids of the server, and keeps its messages', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    const keys = model.messages.map(one => one.key);
    model.apply(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));

    expect(model.messages.map(one => one.id)).toEqual([1, 2]);
    expect(model.messages.map(one => one.key)).toEqual(keys);
    expect(model.messages[1]).toBe(answer);
    expect(model.id).toBe('chat-1');
    expect(model.title).toBe('A chat');
    expect(answer.isSaved).toBe(true);
  });

  it('grows piece by piece', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    const pieces: string[] = [];
    answer.grown.connect((_, piece) => pieces.push(piece.text));
    model.apply(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));
    model.apply({ type: 'delta', thinking: 'Hm.' });
    model.apply({ type: 'delta', text: 'Be' });
    model.apply({ type: 'delta', text: 'cause.' });

    expect(pieces).toEqual(['', 'Be', 'cause.']);
    expect(answer.text).toBe('Because.');
    expect(answer.thinking).toBe('Hm.');
    expect(model.messages[1]?.data.text).toBe('Because.');
  });

  it('says what it waits for until something comes', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    model.apply({ type: 'phase', words: 'loading the model', seconds: 3 });
    expect(answer.phase).toEqual({ words: 'loading the model', seconds: 3 });
    model.apply({ type: 'delta', text: 'B' });

    expect(answer.phase).toBeNull();
  });

  it('ends as the server has it', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    model.apply(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));
    model.apply({ type: 'delta', text: 'Because.' });
    let isRewritten = false;
    answer.rewritten.connect(() => {
      isRewritten = true;
    });
    model.apply({ type: 'done', message: ANSWER });

    expect(answer.state).toBe('done');
    expect(isRewritten).toBe(false);
  });

  it('is rewritten if the server has other words than it sent', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    let isRewritten = false;
    answer.rewritten.connect(() => {
      isRewritten = true;
    });
    model.apply({ type: 'delta', text: 'Be' });
    model.apply({ type: 'done', message: ANSWER });

    expect(isRewritten).toBe(true);
    expect(answer.text).toBe('Because.');
  });

  it('that breaks keeps its text and says why', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    const error = {
      message: 'It broke.',
      hint: 'Again.',
      kind: 'StreamBroken'
    };
    model.apply(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));
    model.apply({ type: 'delta', text: 'Be' });
    model.apply({
      type: 'error',
      error,
      message: { ...ANSWER, text: 'Be', state: 'broken' }
    });

    expect(answer.text).toBe('Be');
    expect(answer.state).toBe('broken');
    expect(answer.error).toEqual(error);
  });

  it('that is stopped keeps its text', () => {
    const model = new ConversationModel();
    const answer = model.begin({ parentId: null, text: 'Why?' });
    model.apply(start(PROMPT, { ...ANSWER, text: '', state: 'streaming' }));
    model.apply({ type: 'delta', text: 'Be' });
    model.stop();
    model.apply({ type: 'delta', text: 'late' });

    expect(answer.text).toBe('Be');
    expect(answer.state).toBe('stopped');
  });

  it('that the server refused goes with the next one', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: model.tipId, text: 'Refused' });
    model.fail({ message: 'No.', hint: '', kind: 'Forbidden' });
    expect(texts(model)).toEqual(['Why?', 'Because.', 'Refused', '']);
    model.begin({ parentId: model.tipId, text: 'Next' });

    expect(texts(model)).toEqual(['Why?', 'Because.', 'Next', '']);
  });

  it('that is taken back leaves what was there before', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: model.tipId, text: 'Oh' });
    model.withdraw();

    expect(texts(model)).toEqual(['Why?', 'Because.']);
  });

  it('that was another version leaves the one before', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: null, text: 'Why not?' });
    model.withdraw();

    expect(texts(model)).toEqual(['Why?', 'Because.']);
  });
});

describe('branches', () => {
  it('come beside an answer that is given anew', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: 1, text: null });
    model.apply(start(null, { ...OTHER, text: '' }));
    model.apply({ type: 'done', message: OTHER });

    expect(texts(model)).toEqual(['Why?', 'So.']);
    expect(model.siblings(at(model, 1))).toEqual([2, 3]);
  });

  it('come beside a prompt that is sent in other words', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: null, text: 'Why not?' });

    expect(texts(model)).toEqual(['Why not?', '']);
    expect(model.siblings(at(model, 0))).toHaveLength(2);
  });

  it('are shown one at a time', () => {
    const model = opened(PROMPT, ANSWER);
    model.adopt(conversation([PROMPT, OTHER]));
    expect(texts(model)).toEqual(['Why?', 'So.']);
    expect(model.select(2)).toBe(true);

    expect(texts(model)).toEqual(['Why?', 'Because.']);
  });

  it('that are not here cannot be shown', () => {
    const model = opened(PROMPT, OTHER);

    expect(model.select(2)).toBe(false);
    expect(texts(model)).toEqual(['Why?', 'So.']);
  });
});

describe('a chat that is read again', () => {
  it('keeps the models of its messages', () => {
    const model = opened(PROMPT, ANSWER);
    const before = [...model.messages];
    model.adopt(conversation([PROMPT, ANSWER]));

    expect(model.messages).toEqual(before);
    expect(model.messages[1]).toBe(before[1]);
  });

  it('changes only the messages that changed', () => {
    const model = opened(PROMPT, { ...ANSWER, text: 'Be', state: 'streaming' });
    const changed: unknown[] = [];
    model.messages.forEach(one =>
      one.changed.connect(sender => changed.push(sender.id))
    );
    model.adopt(conversation([PROMPT, ANSWER]));

    expect(changed).toEqual([2]);
    expect(texts(model)).toEqual(['Why?', 'Because.']);
  });
});

describe('a message that was deleted', () => {
  const NEXT = message({ id: 4, parent_id: 3, text: 'Next' });

  it('elsewhere is gone when the chat is read again', () => {
    const model = opened(PROMPT, { ...ANSWER, siblings: [2, 3] });
    model.adopt(conversation([PROMPT, OTHER]));
    model.adopt(conversation([PROMPT, { ...OTHER, siblings: [3] }]));

    expect(model.siblings(at(model, 1))).toEqual([3]);
    expect(model.select(2)).toBe(false);
  });

  it('takes with it what followed', () => {
    const model = opened(PROMPT, OTHER, NEXT);
    model.adopt(conversation([PROMPT]));

    expect(texts(model)).toEqual(['Why?']);
    expect(model.select(4)).toBe(false);
  });

  it('leaves an empty chat if it was the first', () => {
    const model = opened(PROMPT, ANSWER);
    model.adopt(conversation([]));

    expect(model.isEmpty).toBe(true);
  });

  it('here leaves the newest branch at its place, and can be put back', () => {
    const model = opened(PROMPT, { ...ANSWER, siblings: [2, 3] });
    model.adopt(conversation([PROMPT, OTHER, NEXT]));
    const gone = model.remove(at(model, 1));
    expect(texts(model)).toEqual(['Why?', 'Because.']);
    model.putBack(gone);

    expect(texts(model)).toEqual(['Why?', 'So.', 'Next']);
  });
});

describe('an answer that another page writes', () => {
  it('never has less than was there already', () => {
    const model = opened(PROMPT, ANSWER);
    model.begin({ parentId: 1, text: null });
    model.apply(start(null, { ...OTHER, text: '', state: 'streaming' }));
    model.apply({ type: 'delta', text: 'So, then' });
    model.fail({ message: 'No.', hint: '', kind: 'StreamBroken' });
    model.adopt(
      conversation([PROMPT, { ...OTHER, text: 'So', state: 'streaming' }])
    );
    const seen = at(model, -1).text;
    model.adopt(conversation([PROMPT, { ...OTHER, text: 'So, then, why?' }]));

    expect(seen).toBe('So, then');
    expect(at(model, -1).text).toBe('So, then, why?');
  });
});

describe('a private chat', () => {
  it('keeps its own tree, whatever ids it is told', () => {
    const model = new ConversationModel(true);
    for (const [prompt, answer] of [
      ['One', 'First'],
      ['Two', 'Second']
    ] as const) {
      model.begin({ parentId: model.tipId, text: prompt });
      model.apply(start({ ...PROMPT, text: prompt }, { ...ANSWER, text: '' }));
      model.apply({ type: 'done', message: { ...ANSWER, text: answer } });
    }

    expect(texts(model)).toEqual(['One', 'First', 'Two', 'Second']);
    expect(model.id).toBeNull();
  });

  it('has branches, too', () => {
    const model = new ConversationModel(true);
    model.begin({ parentId: null, text: 'One' });
    model.apply(start({ ...PROMPT, text: 'One' }, { ...ANSWER, text: '' }));
    model.apply({ type: 'done', message: { ...ANSWER, text: 'First' } });
    model.begin({ parentId: at(model, 0).id, text: null });
    model.apply(start(null, { ...ANSWER, text: '' }));
    model.apply({ type: 'done', message: { ...ANSWER, text: 'Again' } });
    const [first] = model.siblings(at(model, 1));

    expect(texts(model)).toEqual(['One', 'Again']);
    expect(model.select(first ?? '')).toBe(true);
    expect(texts(model)).toEqual(['One', 'First']);
  });
});
