/**
 * Runs one flush at a time, and lets the page rest between them.
 *
 * The pause is at least 80 ms, since each flush makes the browser lay out and paint, and grows with
 * what the last one cost: a page never spends more than a fifth of its time here.
 */
export class Pace {
  constructor(flush: () => Promise<void>) {
    this._flush = flush;
  }

  /** Ask for a flush; many questions make one. */
  request(options: { isUrgent?: boolean } = {}): void {
    if (this._isDisposed) {
      return;
    }
    if (this._isFlushing) {
      this._isAskedAgain = true;
      return;
    }
    if (this._timer !== null) {
      if (!options.isUrgent) {
        return;
      }
      clearTimeout(this._timer);
    }
    const pause = options.isUrgent
      ? 0
      : Math.max(0, this._restsUntil - performance.now());
    this._timer = setTimeout(() => void this._run(), pause);
  }

  dispose(): void {
    this._isDisposed = true;
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
  }

  private async _run(): Promise<void> {
    this._timer = null;
    // From here on, also while it waits for the frame: two flushes would mix up the blocks.
    this._isFlushing = true;
    await nextFrame();
    if (this._isDisposed) {
      return;
    }
    const begun = performance.now();
    try {
      await this._flush();
    } finally {
      const cost = performance.now() - begun;
      const rest = Math.max(Pace.shortest, Math.min(Pace.longest, cost * 4));
      this._restsUntil = begun + cost + rest;
      this._isFlushing = false;
      if (this._isAskedAgain) {
        this._isAskedAgain = false;
        this.request();
      }
    }
  }

  private readonly _flush: () => Promise<void>;
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _isFlushing = false;
  private _isAskedAgain = false;
  private _isDisposed = false;
  private _restsUntil = 0;
}

export namespace Pace {
  /** Milliseconds. */
  export const shortest = 80;
  export const longest = 500;
}

/** Wait until the browser is about to paint; a hidden page paints nothing and does not wait. */
function nextFrame(): Promise<void> {
  return new Promise(resolve => {
    if (document.hidden) {
      resolve();
    } else {
      requestAnimationFrame(() => resolve());
    }
  });
}
