import { Signal, type ISignal } from '@lumino/signaling';

/** What the panel shows under its header. */
export type Page = 'chat' | 'chats' | 'models' | 'model' | 'parameters';

/** The state of the panel that is no part of a chat. */
export class View {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when the composer should take the focus. */
  get focusRequested(): ISignal<this, void> {
    return this._focusRequested;
  }

  get page(): Page {
    return this._page;
  }

  /** Whether Enter sends, and Shift+Enter makes a new line; or the other way around. */
  get isEnterSending(): boolean {
    return this._isEnterSending;
  }

  set isEnterSending(value: boolean) {
    this._isEnterSending = value;
    this._changed.emit();
  }

  /** What stands above the composer until the next message: why something was not attached. */
  get note(): string {
    return this._note;
  }

  set note(words: string) {
    if (words !== this._note) {
      this._note = words;
      this._changed.emit();
    }
  }

  /** The model whose details are on show, or were last. */
  get model(): string {
    return this._model;
  }

  /** Show what a model is. */
  showModel(name: string): void {
    this._model = name;
    this.show('model');
  }

  /** Whether the page before this one was about this model: its button takes the focus back. */
  isBackFrom(name: string): boolean {
    return this._before === 'model' && this._model === name;
  }

  show(page: Page): void {
    this._before = this._page;
    this._page = page;
    this._changed.emit();
    if (page === 'chat') {
      this.focus();
    }
  }

  /** Show a page, or the chat if it is shown already. */
  toggle(page: Page): void {
    this.show(this._page === page ? 'chat' : page);
  }

  /** Give the composer the focus, at once or as soon as it is there. */
  focus(): void {
    this._isFocusOpen = true;
    this._focusRequested.emit();
  }

  /** Whether the composer was asked for and has not taken the focus yet. */
  takeFocus(): boolean {
    const isOpen = this._isFocusOpen;
    this._isFocusOpen = false;
    return isOpen;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _focusRequested = new Signal<this, void>(this);
  private _isEnterSending = true;
  private _isFocusOpen = false;
  private _model = '';
  private _note = '';
  private _before: Page = 'chat';
  private _page: Page = 'chat';
}
