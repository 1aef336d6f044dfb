/**
 * Aborts when nothing came for a while, and when another signal does.
 *
 * It counts short waits instead of looking at the clock: after a laptop slept, its first look
 * must not end a connection that is still good.
 */
export class Watchdog {
  constructor(quietSeconds: number, signal?: AbortSignal) {
    this.signal = signal
      ? AbortSignal.any([signal, this._quiet.signal])
      : this._quiet.signal;
    this._timer = setInterval(
      () => this._look(),
      (quietSeconds / Watchdog.looks) * 1000
    );
  }

  /** What a request is to be made with. */
  readonly signal: AbortSignal;

  /** Something came. */
  feed(): void {
    this._looks = 0;
  }

  dispose(): void {
    clearInterval(this._timer);
  }

  private _look(): void {
    this._looks += 1;
    if (this._looks >= Watchdog.looks) {
      this._quiet.abort();
    }
  }

  private readonly _quiet = new AbortController();
  private readonly _timer: ReturnType<typeof setInterval>;
  private _looks = 0;
}

export namespace Watchdog {
  /** So many looks without anything new end it. */
  export const looks = 6;
}
