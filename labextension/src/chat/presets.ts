import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { PartialJSONValue } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';

import { asFailure } from '../api/failure';
import type { IFailure, Options } from '../api/types';
import type { ITranslate } from '../translation';

const KEY = 'presets';

/** How long a name may be: a longer one does not fit the panel. */
const LONGEST_NAME = 60;

/** A named set of what a chat asks for. */
export interface IPreset {
  name: string;
  system: string;
  options: Options;
}

/** Where presets are kept: the part of JupyterLab's settings that is needed. */
export type PresetSettings = Pick<
  ISettingRegistry.ISettings,
  'changed' | 'get' | 'set'
>;

/** The presets in JupyterLab's settings, where the settings editor shows them too. */
export class Presets {
  constructor(trans: ITranslate) {
    this._trans = trans;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get list(): readonly IPreset[] {
    return this._list;
  }

  /** Whether there are settings to keep them in. */
  get isAvailable(): boolean {
    return this._settings !== null;
  }

  /** Why the last change was not made; null when it was. */
  get failure(): IFailure | null {
    return this._failure;
  }

  /** Keep presets in these settings from now on. */
  attach(settings: PresetSettings): void {
    this._settings = settings;
    const read = () => {
      this._list = presetsOf(settings.get(KEY).composite);
      this._changed.emit();
    };
    settings.changed.connect(read);
    read();
  }

  find(name: string): IPreset | null {
    return this._list.find(preset => preset.name === name) ?? null;
  }

  /** Keep a set under a new name; false, with `failure`, when the name does not do. */
  async save(preset: IPreset): Promise<boolean> {
    const name = preset.name.trim().replace(/\s+/g, ' ');
    const failure = this._wrongName(name);
    if (failure) {
      this._failure = failure;
      this._changed.emit();
      return false;
    }
    return this._write([...this._list, { ...preset, name }]);
  }

  async remove(name: string): Promise<boolean> {
    return this._write(this._list.filter(preset => preset.name !== name));
  }

  private _wrongName(name: string): IFailure | null {
    const trans = this._trans;
    const wrong = (message: string, hint: string) => ({
      message,
      hint,
      kind: 'BadUsage'
    });
    if (name === '') {
      return wrong(
        trans.__('The preset has no name.'),
        trans.__('Write one, such as: short answers')
      );
    }
    if (name.length > LONGEST_NAME) {
      return wrong(
        trans.__(
          'The name has %1 characters; %2 fit.',
          name.length,
          LONGEST_NAME
        ),
        trans.__('Take a shorter one.')
      );
    }
    const folded = name.toLowerCase();
    if (this._list.some(one => one.name.toLowerCase() === folded)) {
      return wrong(
        trans.__("A preset '%1' is there already.", name),
        trans.__('Take another name, or delete that one first.')
      );
    }
    return null;
  }

  private async _write(list: IPreset[]): Promise<boolean> {
    try {
      await this._settings?.set(KEY, list as unknown as PartialJSONValue);
      this._failure = null;
      this._list = list;
    } catch (error) {
      this._failure = asFailure(error, this._trans);
    }
    this._changed.emit();
    return this._failure === null;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _trans: ITranslate;
  private _failure: IFailure | null = null;
  private _list: IPreset[] = [];
  private _settings: PresetSettings | null = null;
}

/** Read what stands in the settings, where people write by hand. */
function presetsOf(value: unknown): IPreset[] {
  const entries: unknown[] = Array.isArray(value) ? value : [];
  const presets = new Map<string, IPreset>();
  for (const entry of entries) {
    const { name, system, options } = fieldsOf(entry);
    if (typeof name === 'string' && name.trim() && !presets.has(name)) {
      presets.set(name, {
        name,
        system: typeof system === 'string' ? system : '',
        options: { ...fieldsOf(options) }
      });
    }
  }
  return [...presets.values()];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
