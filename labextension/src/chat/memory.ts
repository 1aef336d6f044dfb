import type { IStateDB } from '@jupyterlab/statedb';
import { Debouncer } from '@lumino/polling';

import type { ISaved, Session } from './session';

const KEY = 'ollama-lab:chat';

/** What brings back the open chat and its draft, and what loads the page again. */
export interface IMemory {
  restore: () => Promise<void>;
  reload: () => void;
}

/** Keep the open chat and its draft over a reload. */
export function remember(
  session: Session,
  state: IStateDB | null,
  { baseUrl }: { baseUrl: string }
): IMemory {
  // A JupyterHub has many users under one host, a tab may have them one after the other.
  const key = `${KEY} ${baseUrl}`;
  let isRestored = false;
  // eslint-disable-next-line jupyter/require-disposable-ownership -- (it lives as long as the page)
  const save = new Debouncer(() => {
    const { id, draft, model } = session.saved;
    return state?.save(KEY, { id, draft, model }) ?? Promise.resolve();
  }, 300);
  session.savedChanged.connect(() => {
    // What was kept must not be overwritten before it was read.
    if (isRestored) {
      void save.invoke();
    }
  });
  return {
    restore: async () => {
      const saved = taken(key) ?? (await state?.fetch(KEY));
      isRestored = true;
      if (isSaved(saved)) {
        await session.restore(saved);
      }
    },
    reload: () => {
      // A server that does not know this page any more keeps nothing for it.
      window.sessionStorage.setItem(key, JSON.stringify(session.saved));
      window.location.reload();
    }
  };
}

/** What `reload` left, once. */
function taken(key: string): unknown {
  const text = window.sessionStorage.getItem(key);
  window.sessionStorage.removeItem(key);
  return text === null ? undefined : (JSON.parse(text) as unknown);
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
