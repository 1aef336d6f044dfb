import { closeIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { formatCount } from '../model/format';
import { IconButton } from './Button';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** What goes along with the next message, and how many tokens it takes. */
export function Attachments(): ReactElement | null {
  const { context } = useChat();
  const { trans } = useServices();
  useSignal(context.changed);
  if (context.isEmpty) {
    return null;
  }
  return (
    <>
      <ul
        className="jp-OllamaLabChat-chips"
        aria-label={trans.__('Attached to the next message')}
      >
        {context.attached.map(({ id, name, tokens }) => (
          <li key={id} className="jp-OllamaLabChat-chip">
            <span className="jp-OllamaLabChat-chipName">{name}</span>
            {tokens !== null && (
              <span className="jp-OllamaLabChat-hint">
                {trans._n('%2 token', '%2 tokens', tokens, formatCount(tokens))}
              </span>
            )}
            <IconButton
              icon={closeIcon}
              name={trans.__('Remove %1', name)}
              onPress={() => context.remove(id)}
            />
          </li>
        ))}
      </ul>
      {context.isTooMuch && context.contextTokens !== null && (
        <p className="jp-OllamaLabChat-note">
          {trans.__(
            'The attachments are about %1 tokens; the window holds %2.',
            formatCount(context.tokens),
            formatCount(context.contextTokens)
          )}
        </p>
      )}
    </>
  );
}
