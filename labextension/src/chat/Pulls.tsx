import { useId, useState, type FormEvent, type ReactElement } from 'react';

import type { IPull } from '../api/types';
import { formatBytes, formatSeconds } from '../model/format';
import { FailureNote } from './FailureNote';
import { useServices } from './services';
import { useSignal } from './signals';

/** A small model that exists, as an example of a name. */
const EXAMPLE = 'qwen3:0.6b';

/** Downloads: ask for a model by name, watch it come, stop it. */
export function Pulls(): ReactElement | null {
  const { catalog } = useServices();
  useSignal(catalog.changed);
  if (!catalog.health?.can_pull) {
    return null;
  }
  return (
    <>
      <PullForm />
      {catalog.pulls.map(pull => (
        <PullProgress key={pull.id} pull={pull} />
      ))}
    </>
  );
}

function PullForm(): ReactElement {
  const { catalog, trans } = useServices();
  const [name, setName] = useState('');
  const id = useId();
  const pull = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) {
      void catalog.pull(name.trim());
      setName('');
    }
  };
  return (
    <form className="jp-OllamaLabChat-row" onSubmit={pull}>
      <label htmlFor={id}>{trans.__('Pull a model')}</label>
      <input
        id={id}
        className="jp-OllamaLabChat-input"
        value={name}
        placeholder={EXAMPLE}
        spellCheck={false}
        autoComplete="off"
        onChange={event => setName(event.target.value)}
      />
      <button
        type="submit"
        className="jp-OllamaLabChat-text"
        disabled={!name.trim()}
      >
        {trans.__('Pull')}
      </button>
    </form>
  );
}

function PullProgress({ pull }: { pull: IPull }): ReactElement {
  const { catalog, trans } = useServices();
  if (pull.state === 'failed' && pull.error) {
    return (
      <FailureNote failure={pull.error}>
        <div className="jp-OllamaLabChat-row">
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            onClick={() => {
              catalog.dismissPull(pull.id);
              void catalog.pull(pull.model);
            }}
          >
            {trans.__('Try again')}
          </button>
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            onClick={() => catalog.dismissPull(pull.id)}
          >
            {trans.__('Dismiss')}
          </button>
        </div>
      </FailureNote>
    );
  }
  return (
    <div className="jp-OllamaLabChat-pull">
      <span className="jp-OllamaLabChat-itemTitle">{pull.model}</span>
      <progress
        aria-label={trans.__('Download of %1', pull.model)}
        max={pull.total_bytes || 1}
        value={pull.total_bytes ? pull.done_bytes : undefined}
      />
      <span className="jp-OllamaLabChat-hint">
        {pullFacts(pull).join(' · ')}
      </span>
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        aria-label={trans.__('Cancel the download of %1', pull.model)}
        onClick={() => void catalog.cancelPull(pull.id)}
      >
        {trans.__('Cancel')}
      </button>
    </div>
  );

  function pullFacts(progress: IPull): string[] {
    if (!progress.total_bytes) {
      return [progress.status];
    }
    const left = progress.seconds_left;
    return [
      trans.__(
        '%1 of %2',
        formatBytes(progress.done_bytes, trans),
        formatBytes(progress.total_bytes, trans)
      ),
      trans.__('%1/s', formatBytes(progress.bytes_per_second, trans)),
      left === null ? '' : trans.__('%1 left', formatSeconds(left, trans))
    ].filter(fact => fact !== '');
  }
}
