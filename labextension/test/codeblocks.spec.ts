import { describe, expect, it } from 'vitest';

import { nextIndex } from '../src/chat/codeblocks';

describe('the next code block', () => {
  it('is the newest from outside, whichever way', () => {
    expect([nextIndex(-1, 1, 3), nextIndex(-1, -1, 3)]).toEqual([2, 2]);
  });

  it('goes around the ends', () => {
    expect([nextIndex(2, 1, 3), nextIndex(0, -1, 3)]).toEqual([0, 2]);
  });
});
