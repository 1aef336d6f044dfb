import { describe, expect, it } from 'vitest';

import { isPuzzling, plainTraceback } from '../src/cells/traceback';

describe('a traceback for a model', () => {
  it('has no colors', () => {
    const colored = '\u001b[31mNameError\u001b[39m: name \u001b[1;32mx';

    expect(plainTraceback(colored)).toBe('NameError: name x');
  });

  it('is whole where it is of the usual length', () => {
    const usual = 'a line\n'.repeat(900).trim();

    expect(plainTraceback(usual)).toBe(usual);
  });

  it('keeps both ends where it is very long, and says what is missing', () => {
    const text = plainTraceback(
      `In [1]: f()\n${'x'.repeat(50_000)}\nNameError`
    );

    expect(text.length).toBeLessThan(8100);
    expect(text).toMatch(
      /^In \[1\]: f\(\)\n.*\n\[42022 characters left out\]\n.*\nNameError$/s
    );
  });
});

describe('an error', () => {
  it.each([
    ['ZeroDivisionError', 'Traceback:\n  1 / 0\nZeroDivisionError', true],
    ['ZeroDivisionError', '\u001b[31mZeroDivisionError\u001b[39m: no', true],
    ['ModelNotFound', 'ModelNotFound: Pull it with: %ollama pull x\n', false],
    ['KeyboardInterrupt', 'Traceback:\n  f()\nKeyboardInterrupt', false],
    ['', '', false]
  ])('%s with the text %j is worth a button: %s', (name, text, expected) => {
    expect(isPuzzling(name, text)).toBe(expected);
  });
});
