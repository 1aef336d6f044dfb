import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Draw a component again whenever a signal is emitted. */
export function useSignal<T, U>(signal: ISignal<T, U> | null): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const onEmit = () => draw();
    signal?.connect(onEmit);
    return () => {
      signal?.disconnect(onEmit);
    };
  }, [signal]);
}
