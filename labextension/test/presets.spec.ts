import { Signal } from '@lumino/signaling';
import { describe, expect, it } from 'vitest';

import { Presets, type PresetSettings } from '../src/chat/presets';
import { english } from '../src/translation';

/** Settings that hold one value, as JupyterLab's do. */
function kept(composite: unknown): Presets {
  const owner = {};
  let value = composite;
  const changed = new Signal<object, void>(owner);
  const settings = {
    changed,
    get: () => ({ composite: value }),
    set: (_: string, next: unknown) => {
      value = next;
      changed.emit();
      return Promise.resolve();
    }
  };
  const presets = new Presets(english);
  presets.attach(settings as unknown as PresetSettings);
  return presets;
}

const BRIEF = { name: 'brief', system: 'Be brief.', options: { seed: 1 } };

describe('presets', () => {
  it('are read from the settings, and what is none is passed over', () => {
    const presets = kept([BRIEF, 7, { system: 'no name' }, { name: 'bare' }]);

    expect(presets.list).toEqual([
      BRIEF,
      { name: 'bare', system: '', options: {} }
    ]);
  });

  it('are kept under a name without needless blanks', async () => {
    const presets = kept([]);

    expect(await presets.save({ ...BRIEF, name: '  very   brief ' })).toBe(
      true
    );

    expect(presets.find('very brief')?.system).toBe('Be brief.');
  });

  it('go when they are deleted', async () => {
    const presets = kept([BRIEF]);

    await presets.remove('brief');

    expect(presets.list).toEqual([]);
  });

  it.each([
    ['', 'The preset has no name.'],
    ['BRIEF', "A preset 'BRIEF' is there already."],
    ['x'.repeat(61), 'The name has 61 characters; 60 fit.']
  ])('refuse the name %j in words', async (name, sentence) => {
    const presets = kept([BRIEF]);

    expect(await presets.save({ ...BRIEF, name })).toBe(false);

    expect(presets.failure?.message).toBe(sentence);
    expect(presets.list).toEqual([BRIEF]);
  });
});
