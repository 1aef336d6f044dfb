import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { IMessage, IStats } from '../api/types';
import { formatCount, formatSeconds } from '../model/format';
import { useServices } from './services';

/** What is known of an answer: who wrote it, how fast, how full the window is. */
export function Footer({
  message
}: {
  message: IMessage;
}): ReactElement | null {
  const { trans } = useServices();
  const facts = [
    message.model,
    message.state === 'stopped' ? trans.__('stopped') : '',
    ...speed(message, trans),
    fullness(message, trans)
  ].filter(fact => fact !== '');
  return (
    <div className="jp-OllamaLabChat-footer">
      <span>{facts.join(' · ')}</span>
      {message.notes.map(note => (
        <span key={note}>{note}</span>
      ))}
    </div>
  );
}

function speed(message: IMessage, trans: TranslationBundle): string[] {
  const { stats, first_token_seconds: first } = message;
  const tokens = stats?.answer_tokens ?? null;
  const seconds = stats?.eval_seconds ?? 0;
  return [
    tokens === null ? '' : trans._n('%1 token', '%1 tokens', tokens),
    tokens !== null && seconds > 0
      ? trans.__('%1 tokens/s', formatCount(Math.round(tokens / seconds)))
      : '',
    first === null
      ? ''
      : trans.__('first token after %1', formatSeconds(first, trans))
  ];
}

function fullness(message: IMessage, trans: TranslationBundle): string {
  const used = usedTokens(message.stats);
  const window = message.context_tokens;
  return used === null || !window
    ? ''
    : trans.__(
        'window %1 % of %2',
        Math.ceil((100 * used) / window),
        formatCount(window)
      );
}

function usedTokens(stats: IStats | null): number | null {
  return stats?.prompt_tokens === null || stats?.prompt_tokens === undefined
    ? null
    : stats.prompt_tokens + (stats.answer_tokens ?? 0);
}
