/** What an exception in a cell is shown from; text on stderr has the second type only. */
export const ERROR_MIME = 'application/vnd.jupyter.error';
export const TRACEBACK_MIME = 'application/vnd.jupyter.stderr';

/** Colors of a terminal, which tracebacks are full of. */
// eslint-disable-next-line no-control-regex -- (the escape character is what is looked for)
const COLORS = /\u001b\[[0-9;]*[A-Za-z]/g;

/** About 2,000 tokens: a quarter of the usual window, more than most tracebacks have. */
const LONGEST = 8000;
const HEAD = 2000;

/** A traceback for a model to read: plain, and of a very long one its beginning and its end. */
export function plainTraceback(traceback: string): string {
  const text = traceback.replace(COLORS, '').trim();
  if (text.length <= LONGEST) {
    return text;
  }
  const left = text.length - LONGEST;
  return [
    text.slice(0, HEAD),
    `[${left} characters left out]`,
    text.slice(HEAD + left)
  ].join('\n');
}

/**
 * Whether an error leaves something to explain.
 *
 * One plain line is how our own errors end a cell, and they say what to do next; IPython colors
 * even its shortest traceback. An interrupt is what the user asked for.
 */
export function isPuzzling(name: string, traceback: string): boolean {
  const text = traceback.trim();
  const isOneLine = !text.includes('\n') && text.search(COLORS) < 0;
  return !isOneLine && name !== 'KeyboardInterrupt';
}
