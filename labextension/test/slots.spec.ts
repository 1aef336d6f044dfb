import { describe, expect, it } from 'vitest';

import { type ILocks, StreamSlots } from '../src/api/slots';
import { until } from './scripted';

/** What a browser does with the locks of all of its tabs: the same rules, in one process. */
class TabLocks implements ILocks {
  get heldCount(): number {
    return this._held.size;
  }

  get queuedCount(): number {
    return this._queued.length;
  }

  async request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    held: (lock: unknown) => T | Promise<T>
  ): Promise<T> {
    options.signal?.throwIfAborted();
    if (this._held.has(name)) {
      if (options.ifAvailable) {
        return held(null);
      }
      await this._queue(name, options.signal);
    }
    this._held.add(name);
    try {
      return await held({ name });
    } finally {
      this._held.delete(name);
      const next = this._queued.findIndex(entry => entry.name === name);
      this._queued.splice(next, next === -1 ? 0 : 1)[0]?.enter();
    }
  }

  private _queue(name: string, signal?: AbortSignal): Promise<void> {
    return new Promise((enter, reject) => {
      const entry = { name, enter };
      this._queued.push(entry);
      signal?.addEventListener('abort', () => {
        const place = this._queued.indexOf(entry);
        this._queued.splice(place, place === -1 ? 0 : 1);
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
  }

  private readonly _held = new Set<string>();
  private readonly _queued: { name: string; enter: () => void }[] = [];
}

/** A promise with what became of it so far. */
function watched<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown } = {};
  promise.then(
    value => {
      seen.value = value;
    },
    (error: unknown) => {
      seen.error = error;
    }
  );
  return seen;
}

describe('places for streams', () => {
  it('are two in a tab', async () => {
    const slots = new StreamSlots();
    const [release] = [await slots.take(), await slots.take()];
    const third = watched(slots.take());
    await Promise.resolve();
    expect(third.value).toBeUndefined();
    release();

    await until(() => third.value !== undefined);
  });

  it('are given in the order they were asked for', async () => {
    const slots = new StreamSlots({ perTab: 1 });
    const order: number[] = [];
    const release = await slots.take();
    const waiting = [1, 2, 3].map(async number => {
      const leave = await slots.take();
      order.push(number);
      leave();
    });
    release();
    await Promise.all(waiting);

    expect(order).toEqual([1, 2, 3]);
  });

  it('are one more after a release that is called twice', async () => {
    const slots = new StreamSlots({ perTab: 1 });
    const release = await slots.take();
    release();
    release();
    await slots.take();
    const second = watched(slots.take());
    await Promise.resolve();

    expect(second.value).toBeUndefined();
  });

  it('are four in all tabs of a browser', async () => {
    const locks = new TabLocks();
    const tabs = [1, 2, 3].map(() => new StreamSlots({ locks }));
    const taken = await Promise.all(
      tabs.slice(0, 2).flatMap(tab => [tab.take(), tab.take()])
    );
    let isTold = false;
    const fifth = watched(
      (tabs[2] ?? new StreamSlots()).take(undefined, () => {
        isTold = true;
      })
    );
    await until(() => locks.queuedCount === 4);
    expect(isTold).toBe(true);
    taken[2]?.();

    await until(() => fifth.value !== undefined);
    expect(locks.heldCount).toBe(4);
    expect(locks.queuedCount).toBe(0);
  });

  it('are not taken by one who gave up, in the tab', async () => {
    const slots = new StreamSlots({ perTab: 1 });
    const release = await slots.take();
    const abort = new AbortController();
    const second = watched(slots.take(abort.signal));
    abort.abort(new Error('enough'));
    await until(() => second.error !== undefined);
    expect(second.error).toEqual(new Error('enough'));
    release();

    await slots.take();
  });

  it('are not taken by one who gave up, in the browser', async () => {
    const locks = new TabLocks();
    const tabs = [1, 2, 3].map(() => new StreamSlots({ locks, perTab: 2 }));
    const taken = await Promise.all(
      tabs.slice(0, 2).flatMap(tab => [tab.take(), tab.take()])
    );
    const abort = new AbortController();
    const fifth = watched((tabs[2] ?? new StreamSlots()).take(abort.signal));
    await until(() => locks.queuedCount === 4);
    abort.abort(new Error('enough'));
    await until(() => fifth.error !== undefined);
    taken.forEach(release => release());

    await until(() => locks.heldCount === 0);
  });

  it('come back one by one when all are full and several wait', async () => {
    const locks = new TabLocks();
    const tabs = [1, 2, 3, 4].map(() => new StreamSlots({ locks }));
    const taken = await Promise.all(
      tabs.slice(0, 2).flatMap(tab => [tab.take(), tab.take()])
    );
    const waiting = tabs.slice(2).map(tab => watched(tab.take()));
    await until(() => locks.queuedCount === 8);
    taken[0]?.();
    await until(() => waiting.filter(one => one.value).length === 1);
    expect(locks.heldCount).toBe(4);
    taken[1]?.();

    await until(() => waiting.every(one => one.value));
    expect(locks.heldCount).toBe(4);
  });
});
