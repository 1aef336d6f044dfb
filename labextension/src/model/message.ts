import { type ISignal, Signal } from '@lumino/signaling';

import type {
  IAttachment,
  IFailure,
  IMessage,
  MessageId,
  MessageState
} from '../api/types';

/** What an answer waits for, in the server's words. */
export interface IPhase {
  words: string;
  /** How long it had been so when the server said it. */
  seconds: number;
}

/** A piece of an answer. */
export interface IPiece {
  text: string;
  thinking: string;
}

/**
 * One message on show.
 *
 * An answer grows by `grown`, piece by piece, for a view that appends; everything else about it
 * changes by `changed`; `rewritten` says that its text is another than the pieces added up to.
 */
export class MessageModel {
  constructor(data: IMessage, key: string, isSaved = true) {
    this._data = data;
    this._isSaved = isSaved;
    this._text = data.text;
    this._thinking = data.thinking;
    this.key = key;
  }

  /** The same for the life of the model, also when the server gives the message its id. */
  readonly key: string;

  get id(): MessageId {
    return this._data.id;
  }

  get parentId(): MessageId | null {
    return this._data.parent_id;
  }

  get role(): IMessage['role'] {
    return this._data.role;
  }

  get text(): string {
    return this._text;
  }

  get thinking(): string {
    return this._thinking;
  }

  get state(): MessageState {
    return this._data.state;
  }

  get isStreaming(): boolean {
    return this._data.state === 'streaming';
  }

  get attachments(): readonly IAttachment[] {
    return this._data.attachments;
  }

  get error(): IFailure | null {
    return this._data.error;
  }

  /** Null once something came. */
  get phase(): IPhase | null {
    return this._phase;
  }

  /** Whether the server has it; a prompt that it refused is only here. */
  get isSaved(): boolean {
    return this._isSaved;
  }

  /** Everything the server says about it, with the text so far. */
  get data(): IMessage {
    return { ...this._data, text: this._text, thinking: this._thinking };
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get grown(): ISignal<this, IPiece> {
    return this._grown;
  }

  get rewritten(): ISignal<this, void> {
    return this._rewritten;
  }

  /** Add a piece of the answer. */
  grow(piece: IPiece): void {
    const isFirst = this._phase !== null;
    this._phase = null;
    this._text += piece.text;
    this._thinking += piece.thinking;
    this._grown.emit(piece);
    if (isFirst) {
      this._changed.emit();
    }
  }

  /** Say what it waits for; null where nobody has said yet. */
  wait(phase: IPhase | null): void {
    this._phase = phase;
    this._changed.emit();
  }

  /** Take what the server, or the end of the stream, says about it. */
  update(data: IMessage, isSaved = this._isSaved): void {
    const isRewritten =
      data.text !== this._text || data.thinking !== this._thinking;
    this._data = data;
    this._text = data.text;
    this._thinking = data.thinking;
    this._isSaved = isSaved;
    if (data.state !== 'streaming') {
      this._phase = null;
    }
    if (isRewritten) {
      this._rewritten.emit();
    }
    this._changed.emit();
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private _data: IMessage;
  // Apart from the rest: a string that grows is cheap, a copy of the message a token is not.
  private _text: string;
  private _thinking: string;
  private _phase: IPhase | null = null;
  private _isSaved: boolean;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _grown = new Signal<this, IPiece>(this);
  private readonly _rewritten = new Signal<this, void>(this);
}
