import { describe, expect, it } from 'vitest';

import {
  beginning,
  completed,
  folderMention,
  folderOf,
  isStill,
  ranked,
  triggerAt,
  type IOption
} from '../src/model/complete';

const option = (
  label: string,
  detail = '',
  kind: IOption['kind'] = 'file'
): IOption => ({ kind, label, detail, replacement: '' });
const labels = ({ options }: { options: readonly IOption[] }) =>
  options.map(({ label }) => label);

describe('what is completed', () => {
  it('is a mention behind a space or a bracket', () => {
    expect(triggerAt('look at @da', 11)).toEqual({
      sign: '@',
      start: 8,
      end: 11,
      query: 'da'
    });
    expect(triggerAt('(@da', 4)?.start).toBe(1);
  });

  it('is no address of a person', () => {
    expect(triggerAt('ada@example', 11)).toBeNull();
  });

  it('is what stands before the caret', () => {
    expect(triggerAt('@data and more', 3)?.query).toBe('da');
  });

  it('may have spaces between quotation marks', () => {
    expect(triggerAt('see @"my data/f', 15)).toEqual({
      sign: '@',
      start: 4,
      end: 15,
      query: 'my data/f'
    });
  });

  it('is a command at the start and to the end of its line only', () => {
    expect(triggerAt('/model ti', 9)?.query).toBe('model ti');
    expect(triggerAt('/model ti', 4)).toBeNull();
    expect(triggerAt('either /or', 10)).toBeNull();
    expect(triggerAt('/new\nand then', 13)).toBeNull();
  });

  it('ends when the draft is another one', () => {
    const trigger = triggerAt('see @da', 7);

    expect(trigger && isStill(trigger, 'see @da and so on')).toBe(true);
    expect(trigger && isStill(trigger, '')).toBe(false);
  });
});

describe('what is offered', () => {
  it('begins with what begins so, and ends with what is described so', () => {
    const found = ranked(
      [option('y', 'a df'), option('a_df'), option('x'), option('DF')],
      'df'
    );

    expect(labels(found)).toEqual(['DF', 'a_df', 'y']);
  });

  it('leaves room for every kind, and says that there is more', () => {
    const files = Array.from({ length: 50 }, (_, n) => option(`f${n}`));
    const found = ranked([...files, option('f', '', 'variable')], 'f');

    expect(found.options).toHaveLength(11);
    expect(found.isCut).toBe(true);
  });

  it('is a command by its beginning only, or a path would be one', () => {
    const all = ['new', 'model a'].map(name => option(name, '', 'command'));

    expect(labels(beginning(all, 'mod'))).toEqual(['model a']);
    expect(labels(beginning(all, 'usr/bin'))).toEqual([]);
    expect(labels(beginning(all, 'a'))).toEqual([]);
  });
});

describe('what is chosen', () => {
  it('takes the place of sign and query', () => {
    const trigger = triggerAt('in @da now', 6);

    expect(trigger && completed('in @da now', trigger, '@data/')).toEqual({
      text: 'in @data/ now',
      caret: 9
    });
  });

  it('goes on in a folder, whatever its name is', () => {
    for (const path of ['data', 'my data', 'a@b']) {
      const text = folderMention(path);

      expect(triggerAt(text, text.length)?.query).toBe(`${path}/`);
      expect(folderOf(`${path}/file`)).toBe(`${path}/`);
    }
  });
});
