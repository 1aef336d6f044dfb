import { type ISignal, Signal } from '@lumino/signaling';

import type { Client } from '../api/client';
import type { IAttachment } from '../api/types';

/** Something to send along with the next prompt. */
export interface IAttached extends IAttachment {
  id: string;
  /** About how many tokens it takes; null until that is known, and for images. */
  tokens: number | null;
}

/**
 * What goes along with the next prompt, and how much of the context window it takes.
 *
 * The server counts: `tokens` is null while it does, or when it could not.
 */
export class ContextModel {
  constructor(options: ContextModel.IOptions) {
    this._client = options.client;
  }

  get attached(): readonly IAttached[] {
    return this._attached;
  }

  get isEmpty(): boolean {
    return this._attached.length === 0;
  }

  get hasImages(): boolean {
    return this._attached.some(one => one.kind === 'image');
  }

  /** The window of the next prompt; null until it is known. */
  get contextTokens(): number | null {
    return this._contextTokens;
  }

  set contextTokens(value: number | null) {
    if (value !== this._contextTokens) {
      this._contextTokens = value;
      this._changed.emit();
    }
  }

  /** What the attachments take, as far as it is counted. */
  get tokens(): number {
    return this._attached.reduce((sum, one) => sum + (one.tokens ?? 0), 0);
  }

  get isCounting(): boolean {
    return this._isCounting;
  }

  /** Whether the attachments alone fill the window. */
  get isTooMuch(): boolean {
    return this._contextTokens !== null && this.tokens > this._contextTokens;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Attach something; what is attached already, by kind, name and content, is not again. */
  add(attachment: IAttachment): void {
    if (this._attached.some(one => isSame(one, attachment))) {
      return;
    }
    this._count += 1;
    this._attached = [
      ...this._attached,
      { ...attachment, id: `attached-${this._count}`, tokens: null }
    ];
    this._changed.emit();
    void this._countTokens();
  }

  remove(id: string): void {
    const left = this._attached.filter(one => one.id !== id);
    if (left.length !== this._attached.length) {
      this._attached = left;
      this._changed.emit();
    }
  }

  clear(): void {
    if (!this.isEmpty) {
      this._attached = [];
      this._changed.emit();
    }
  }

  /** Give everything away, to be sent. */
  take(): IAttachment[] {
    const taken = this._attached.map(one => plain(one));
    this.clear();
    return taken;
  }

  /** Take back what was not sent after all. */
  restore(attachments: readonly IAttachment[]): void {
    for (const attachment of attachments) {
      this.add(attachment);
    }
  }

  dispose(): void {
    Signal.clearData(this);
  }

  /** One question at a time; what was attached meanwhile is asked about next. */
  private async _countTokens(): Promise<void> {
    if (this._isCounting) {
      return;
    }
    this._isCounting = true;
    try {
      for (;;) {
        const open = this._attached.filter(isUncounted);
        if (open.length === 0) {
          break;
        }
        const counts = await this._client.estimate(open.map(one => one.text));
        const tokens = new Map(open.map((one, i) => [one.id, counts[i] ?? 0]));
        this._attached = this._attached.map(one => ({
          ...one,
          tokens: tokens.get(one.id) ?? one.tokens
        }));
        this._changed.emit();
      }
    } catch {
      // The number is a help before sending: the prompt itself will say what is wrong.
    } finally {
      this._isCounting = false;
      this._changed.emit();
    }
  }

  private readonly _client: Pick<Client, 'estimate'>;
  private readonly _changed = new Signal<this, void>(this);
  private _attached: readonly IAttached[] = [];
  private _contextTokens: number | null = null;
  private _isCounting = false;
  private _count = 0;
}

export namespace ContextModel {
  export interface IOptions {
    client: Pick<Client, 'estimate'>;
  }
}

function isUncounted(one: IAttached): one is IAttached & { text: string } {
  return one.tokens === null && typeof one.text === 'string';
}

function isSame(one: IAttachment, other: IAttachment): boolean {
  return (
    one.kind === other.kind &&
    one.name === other.name &&
    one.text === other.text &&
    one.image === other.image
  );
}

function plain({ kind, name, text, image }: IAttachment): IAttachment {
  return {
    kind,
    name,
    ...(text === undefined ? {} : { text }),
    ...(image === undefined ? {} : { image })
  };
}
