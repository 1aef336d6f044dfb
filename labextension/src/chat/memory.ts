import type { IStateDB } from '@jupyterlab/statedb';
import { Debouncer } from '@lumino/polling';

import type { ISaved, Session } from './session';

const KEY = 'ollama-lab:chat';

/** Keep the open chat and its draft over a reload; gives the function that brings them back. */
export function remember(
  session: Session,
  state: IStateDB | null
): () => Promise<void> {
  if (!state) {
    return () => Promise.resolve();
  }
  let isRestored = false;
  // eslint-disable-next-line jupyter/require-disposable-ownership -- (it lives as long as the page)
  const save = new Debouncer(() => {
    const { id, draft, model } = session.saved;
    return state.save(KEY, { id, draft, model });
  }, 300);
  session.savedChanged.connect(() => {
    // What was kept must not be overwritten before it was read.
    if (isRestored) {
      void save.invoke();
    }
  });
  return async () => {
    const saved: unknown = await state.fetch(KEY);
    isRestored = true;
    if (isSaved(saved)) {
      await session.restore(saved);
    }
  };
}

function isSaved(value: unknown): value is ISaved {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const { id, draft, model } = value as Partial<Record<string, unknown>>;
  return (
    (id === null || typeof id === 'string') &&
    typeof draft === 'string' &&
    typeof model === 'string'
  );
}
