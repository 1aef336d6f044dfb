import { describe, expect, it, test } from 'vitest';

import { BlockSplitter } from '../src/markdown/splitter';

/** Nasty pieces, among them everything in which one block looks like two. */
const PIECES = [
  '# Head `x`',
  'Setext\n===',
  'para one with **bold** and `code`\nsecond line',
  '- a\n- b\n  - c\n- d',
  '1. one\n\n2. two\n\n   para in item\n\n3. three',
  '- item\n\n  ```python\n  x = 1\n\n  y = 2\n  ```\n- next',
  '```python\ndef f():\n\n    return 1\n```',
  '~~~js\nlet a = `x`;\n\n```\nnot end\n~~~',
  '````md\n```python\nx\n```\n````',
  '| a | b |\n|---|--:|\n| 1 | 2 |',
  '> quote\n> more\n\n> second',
  '    indented code\n\n    more code',
  '\ttabbed code\n\n\tmore code',
  '<details><summary>S</summary>\n\ninner **md**\n\n</details>',
  '<!-- comment\n\nstill -->\nafter',
  'end\n```\nno lang\n```\nafter fence',
  '1. x\n```sh\nls\n```\n2. y',
  '**unclosed bold',
  '```python\nunclosed fence'
];
const TEXT = PIECES.join('\n\n');

function blocks(text: string, size = text.length): string[] {
  const splitter = new BlockSplitter();
  const found: string[] = [];
  for (let at = 0; at < text.length; at += size) {
    found.push(...splitter.push(text.slice(at, at + size)));
  }
  return [...found, ...splitter.finish()];
}

describe('however a text comes', () => {
  it.each([1, 2, 3, 5, 17, 1000])(
    '%i characters at a time, its blocks are the same',
    size => {
      expect(blocks(TEXT, size)).toEqual(blocks(TEXT));
    }
  );
});

test('the blocks together are the text, but for blank lines between them', () => {
  const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim();

  expect(squeezed(blocks(TEXT).join(''))).toBe(squeezed(TEXT));
});

test.each([
  ['a paragraph and a paragraph', 'one\n\ntwo\n', 2],
  ['a heading and what follows without a blank line', '# one\ntwo\n', 2],
  ['a paragraph and a fence right after it', 'one\n```\ntwo\n```\n', 2],
  ['a fence and what follows right after it', '```\none\n```\ntwo\n', 2],
  [
    'a comment with text after it and a fence',
    '<!-- a -->\nb\n```\nc\n\nd\n```\n',
    2
  ],
  ['a list and a paragraph', '- one\n\ntwo\n', 2]
])('%s are two blocks', (_, text, count) => {
  expect(blocks(text)).toHaveLength(count);
});

test.each([
  ['a fence with a blank line in it', '```\none\n\ntwo\n```\n'],
  ['a fence that holds a shorter fence', '````\n```\none\n```\n````\n'],
  ['a fence of tildes that holds back ticks', '~~~\n```\n\n~~~\n'],
  ['a list with blank lines between its items', '- one\n\n- two\n'],
  ['an item with a paragraph in it', '- one\n\n  two\n'],
  ['a list that holds a fence', '- one\n\n  ```\n  x\n\n  y\n  ```\n- two\n'],
  ['indented code with a blank line in it', '    one\n\n    two\n'],
  ['code indented by tabs with a blank line in it', '\tone\n\n\ttwo\n'],
  ['raw HTML until it is closed', '<div>\n\none\n\n</div>\n'],
  ['a comment until it is closed', '<!-- one\n\ntwo -->\n'],
  ['back ticks in a line that are no fence', '```one``` two\nthree\n'],
  ['lines that end with U+2028', '```\none\u2028```\ntwo\n\n']
])('%s is one block', (_, text) => {
  expect(blocks(text)).toHaveLength(1);
});

test('a block is given away as soon as it cannot change any more', () => {
  const splitter = new BlockSplitter();

  expect(splitter.push('one\n\n')).toEqual([]);
  expect(splitter.push('t')).toEqual([]);
  expect(splitter.push('wo\n')).toEqual(['one\n\n']);
  expect(splitter.tail).toBe('two\n');
});

test('an open fence says its language', () => {
  const splitter = new BlockSplitter();
  splitter.push('```python title="x"\nx = 1');

  expect(splitter.fence).toEqual({
    mark: '`',
    length: 3,
    info: 'python title="x"',
    isTop: true
  });
});

test('a fence in a list does not stand by itself', () => {
  const splitter = new BlockSplitter();
  splitter.push('- one\n  ```\n  x\n');

  expect(splitter.fence?.isTop).toBe(false);
});

test('a definition of a link is noticed', () => {
  const splitter = new BlockSplitter();
  splitter.push('[a][1]\n\n');
  expect(splitter.hasDefinitions).toBe(false);
  splitter.push('[1]: https://example.org/\n');

  expect(splitter.hasDefinitions).toBe(true);
});

test.each([1, 2, 100])(
  'lines that end with a carriage return, read %i at a time, are lines',
  size => {
    expect(blocks('# one\r\ntwo\r\rthree\r\n', size)).toEqual(
      blocks('# one\ntwo\n\nthree\n')
    );
  }
);

test('a paragraph of a megabyte without a line break takes time that grows with its length', () => {
  const splitter = new BlockSplitter();
  const begun = performance.now();
  for (let index = 0; index < 20_000; index += 1) {
    splitter.push('fifty characters of words that do not end a line, ');
  }

  expect(splitter.tail).toHaveLength(1_000_000);
  expect(performance.now() - begun).toBeLessThan(5000);
});
