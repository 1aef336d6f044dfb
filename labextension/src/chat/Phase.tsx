import { useEffect, useState, type ReactElement } from 'react';

import { formatSeconds } from '../model/format';
import type { IPhase } from '../model/message';
import { useServices } from './services';

/** What an answer waits for, and for how long by now. */
export function Phase({ phase }: { phase: IPhase | null }): ReactElement {
  const { trans } = useServices();
  const [seconds, setSeconds] = useState(phase?.seconds ?? 0);
  const words = phase?.words ?? trans.__('connecting');
  const begun = phase?.seconds ?? 0;
  useEffect(() => {
    const start = performance.now() - begun * 1000;
    const look = () => setSeconds((performance.now() - start) / 1000);
    look();
    const timer = window.setInterval(look, 1000);
    return () => window.clearInterval(timer);
  }, [words, begun]);
  return (
    <p className="jp-OllamaLabChat-phase">
      {seconds < 1
        ? words
        : trans.__('%1, %2', words, formatSeconds(seconds, trans))}
    </p>
  );
}
