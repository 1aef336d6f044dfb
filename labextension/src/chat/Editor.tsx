import { useState, type ReactElement } from 'react';

import { useServices } from './services';

/** A prompt that is worded anew; sending it makes a branch. */
export function Editor({
  text,
  onCancel,
  onSend
}: {
  text: string;
  onCancel: () => void;
  onSend: (text: string) => void;
}): ReactElement {
  const { trans } = useServices();
  const [draft, setDraft] = useState(text);
  return (
    <div className="jp-OllamaLabChat-editor">
      <textarea
        className="jp-OllamaLabChat-input"
        dir="auto"
        aria-label={trans.__('Message, worded anew')}
        rows={4}
        value={draft}
        ref={focusOnce}
        onChange={event => setDraft(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            onCancel();
          }
        }}
      />
      <div className="jp-OllamaLabChat-row">
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          disabled={!draft.trim()}
          onClick={() => onSend(draft)}
        >
          {trans.__('Send again')}
        </button>
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={onCancel}
        >
          {trans.__('Cancel')}
        </button>
      </div>
    </div>
  );
}

function focusOnce(area: HTMLTextAreaElement | null): void {
  area?.focus();
}
