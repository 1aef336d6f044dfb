import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it, test } from 'vitest';

import { LineSplitter, values } from '../src/api/ndjson';

const CASES = new URL('../../tests/wire_cases/', import.meta.url);
const bytes = (text: string) => new TextEncoder().encode(text);

interface ICase {
  response: { headers: Record<string, string>; lines: string[] };
}

/** The recorded streams, which Python reads as well. */
const streams = readdirSync(CASES)
  .filter(name => name.endsWith('.json'))
  .map(name => ({
    name,
    ...(JSON.parse(readFileSync(new URL(name, CASES), 'utf-8')) as ICase)
  }))
  .filter(({ response }) =>
    response.headers['content-type']?.includes('ndjson')
  );

function split(body: Uint8Array, size: number): string[] {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (let at = 0; at < body.length; at += size) {
    lines.push(...splitter.push(body.subarray(at, at + size)));
  }
  return [...lines, ...splitter.finish()];
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: controller => {
      chunks.forEach(chunk => controller.enqueue(chunk));
      controller.close();
    }
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of values(body)) {
    found.push(value);
  }
  return found;
}

test('there are recorded streams to read', () => {
  expect(streams.length).toBeGreaterThan(20);
});

describe.each(streams)('$name', ({ response }) => {
  const body = bytes(response.lines.join(''));
  const whole = response.lines.map(line => line.replace(/\r?\n$/, ''));

  it.each([1, 2, 3, 7, 64, body.length || 1])(
    'is cut into its lines, read %i bytes at a time',
    size => {
      expect(split(body, size)).toEqual(whole);
    }
  );
});

test('a character that comes in two pieces is whole', () => {
  const [first, second] = [
    bytes('"ü').subarray(0, 2),
    bytes('"ü"\n').subarray(2)
  ];
  const splitter = new LineSplitter();

  expect([...splitter.push(first), ...splitter.push(second)]).toEqual(['"ü"']);
});

test('only a line feed ends a line', () => {
  const line = JSON.stringify('a\u0085b\u2028c\u2029d\u000b');

  expect(split(bytes(`${line}\n1\n`), 5)).toEqual([line, '1']);
});

test('a buffer that is used again does not change what was read from it', () => {
  const buffer = bytes('abc');
  const splitter = new LineSplitter();
  splitter.push(buffer);
  buffer.set(bytes('xyz'));

  expect(splitter.push(bytes('\n'))).toEqual(['abc']);
});

test('values come one a line, and empty lines are passed over', async () => {
  expect(
    await all(streamOf(bytes('{"a":1}\n\n  \n{"b":'), bytes('2}')))
  ).toEqual([{ a: 1 }, { b: 2 }]);
});

test('a line that is no JSON is an error', async () => {
  await expect(all(streamOf(bytes('<html>\n')))).rejects.toThrow(SyntaxError);
});

test('a line of a megabyte in small pieces is read', async () => {
  const text = 'x'.repeat(1_000_000);
  const body = bytes(`${JSON.stringify(text)}\n`);
  const chunks = Array.from(
    { length: Math.ceil(body.length / 1000) },
    (_, index) => body.subarray(index * 1000, (index + 1) * 1000)
  );

  expect(await all(streamOf(...chunks))).toEqual([text]);
});

test('leaving the loop cancels the body', async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: controller => controller.enqueue(bytes('1\n')),
    cancel: () => {
      isCancelled = true;
    }
  });
  for await (const value of values(body)) {
    expect(value).toBe(1);
    break;
  }

  expect(isCancelled).toBe(true);
});
