import { describe, expect, it } from 'vitest';

import { formatBytes, formatCount, formatSeconds } from '../src/model/format';
import { english } from '../src/translation';

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1_740_000, '1.7 MB'],
    [99_600_000, '100 MB'],
    [999_700, '1 MB'],
    [4_683_087_332, '4.7 GB'],
    [5e15, '5,000 TB'],
    [-1, '0 B']
  ])('of %d bytes is %s', (bytes, words) => {
    expect(formatBytes(bytes)).toBe(words);
  });
});

describe('a time span', () => {
  it.each([
    [0, '0 ms'],
    [0.0123, '12 ms'],
    [0.42, '0.4 s'],
    [9.96, '10 s'],
    [42.4, '42 s'],
    [59.7, '1 min 0 s'],
    [125, '2 min 5 s'],
    [3780, '1 h 3 min'],
    [-5, '0 ms']
  ])('of %d seconds is %s', (seconds, words) => {
    expect(formatSeconds(seconds)).toBe(words);
  });
});

describe('a number', () => {
  it('has separators', () => {
    expect(formatCount(8192)).toBe('8,192');
  });
});

describe('English', () => {
  it('puts values where they belong', () => {
    expect(english.__('%2 of %1, %1', 'a', 2)).toBe('2 of a, a');
  });

  it('leaves a place without a value as it is', () => {
    expect(english.__('100%1 %2', 'a')).toBe('100a %2');
  });
});
