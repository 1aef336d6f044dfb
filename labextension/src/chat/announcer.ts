import { Signal, type ISignal } from '@lumino/signaling';

/** What the one polite live region says; whole events, never tokens. */
export class Announcer {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get words(): string {
    return this._words;
  }

  say(words: string): void {
    // The same words twice are read again only if the text differs.
    this._words = words === this._words ? `${words}\u00a0` : words;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _words = '';
}
