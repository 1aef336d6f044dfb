/** The part of the browser's `navigator.locks` that is used here. */
export interface ILocks {
  request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    held: (lock: unknown) => T | Promise<T>
  ): Promise<T>;
}

/** Gives a place back. Calling it twice does nothing. */
export type Release = () => void;

/**
 * Places for streams: at most two in a tab and four in all tabs of a browser.
 *
 * A browser opens six connections to a host, for all of its tabs together, and JupyterLab needs
 * some of them to save and to ask for its kernels. What finds no place waits for one.
 */
export class StreamSlots {
  constructor(options: StreamSlots.IOptions = {}) {
    this._free = options.perTab ?? 2;
    this._names = Array.from(
      { length: options.perBrowser ?? 4 },
      (_, index) => `ollama-lab:stream-${index}`
    );
    this._locks = options.locks ?? null;
  }

  /**
   * Take a place, and wait for it if there is none.
   *
   * `onWait` is called once if it has to. When `signal` aborts, the promise rejects with its reason
   * and no place is taken.
   */
  async take(signal?: AbortSignal, onWait?: () => void): Promise<Release> {
    let isTold = false;
    const tell = () => {
      if (!isTold) {
        isTold = true;
        onWait?.();
      }
    };
    signal?.throwIfAborted();
    await this._takeInTab(signal, tell);
    try {
      const unlock = await this._takeInBrowser(signal, tell);
      return once(() => {
        unlock();
        this._leaveTab();
      });
    } catch (error) {
      this._leaveTab();
      throw error;
    }
  }

  private async _takeInTab(
    signal: AbortSignal | undefined,
    tell: () => void
  ): Promise<void> {
    if (this._free > 0) {
      this._free -= 1;
      return;
    }
    tell();
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this._waiting.splice(this._waiting.indexOf(enter), 1);
        reject(reasonOf(signal));
      };
      this._waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  private _leaveTab(): void {
    const next = this._waiting.shift();
    if (next) {
      next();
    } else {
      this._free += 1;
    }
  }

  private async _takeInBrowser(
    signal: AbortSignal | undefined,
    tell: () => void
  ): Promise<Release> {
    const locks = this._locks;
    if (!locks) {
      // Without https or localhost a browser has no locks; then only the tab's own limit holds.
      return () => undefined;
    }
    for (const name of this._names) {
      const unlock = await hold(locks, name, { ifAvailable: true });
      if (unlock) {
        return unlock;
      }
    }
    tell();
    return this._firstFree(locks, signal);
  }

  /** Queue for every place, keep the first that comes free and leave the other queues. */
  private async _firstFree(
    locks: ILocks,
    signal: AbortSignal | undefined
  ): Promise<Release> {
    const enough = new AbortController();
    const either = signal
      ? AbortSignal.any([signal, enough.signal])
      : enough.signal;
    let kept: Release | null = null;
    const queued = this._names.map(async name => {
      const unlock = await hold(locks, name, { signal: either });
      if (!unlock || kept) {
        unlock?.();
        throw new Error('another place was free first');
      }
      kept = unlock;
      return unlock;
    });
    try {
      return await Promise.any(queued);
    } catch {
      throw reasonOf(signal);
    } finally {
      enough.abort();
    }
  }

  private _free: number;
  private readonly _names: string[];
  private readonly _locks: ILocks | null;
  private readonly _waiting: (() => void)[] = [];
}

export namespace StreamSlots {
  export interface IOptions {
    perTab?: number;
    perBrowser?: number;
    /** `navigator.locks` where the browser has it. */
    locks?: ILocks;
  }
}

/** Hold a lock until the release is called; null if it is not free and was not to be waited for. */
function hold(
  locks: ILocks,
  name: string,
  options: { ifAvailable?: boolean; signal?: AbortSignal }
): Promise<Release | null> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, options, lock => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>(release => resolve(once(release)));
      })
      .catch(reject);
  });
}

function once(release: Release): Release {
  let isDone = false;
  return () => {
    if (!isDone) {
      isDone = true;
      release();
    }
  };
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error
    ? reason
    : new DOMException('The wait was ended.', 'AbortError');
}
