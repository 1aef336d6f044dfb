import type { ReactElement } from 'react';

import type { IConversationSummary } from '../api/types';
import { formatTitle } from '../model/format';
import { useServices } from './services';

/** The chats that are marked; null while nobody marks. */
export type Marked = ReadonlySet<string> | null;

interface IMarking {
  marked: Marked;
  onMark: (marked: Marked) => void;
}

/** Begin to mark chats, delete those marked, or leave off. */
export function SelectionBar({ marked, onMark }: IMarking): ReactElement {
  const { history, trans } = useServices();
  if (!marked) {
    return (
      <div className="jp-OllamaLabChat-row">
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={() => onMark(new Set())}
        >
          {trans.__('Select')}
        </button>
      </div>
    );
  }
  const chosen = history.chats.filter(chat => marked.has(chat.id));
  return (
    <div className="jp-OllamaLabChat-row">
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        disabled={chosen.length === 0}
        onClick={() => {
          onMark(null);
          void history.removeSome(
            chosen.map(({ id, title }) => ({
              id,
              title: formatTitle(title, trans)
            }))
          );
        }}
      >
        {trans.__('Delete selected (%1)', chosen.length)}
      </button>
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        onClick={() => onMark(null)}
      >
        {trans.__('Cancel')}
      </button>
    </div>
  );
}

/** A chat with a box to mark it. */
export function MarkedItem({
  summary,
  marked,
  onMark
}: IMarking & { summary: IConversationSummary }): ReactElement {
  const { trans } = useServices();
  const toggle = () => {
    const next = new Set(marked);
    if (!next.delete(summary.id)) {
      next.add(summary.id);
    }
    onMark(next);
  };
  return (
    <li className="jp-OllamaLabChat-item">
      <label>
        <input
          type="checkbox"
          checked={marked?.has(summary.id) ?? false}
          onChange={toggle}
        />{' '}
        <span className="jp-OllamaLabChat-itemTitle">
          {formatTitle(summary.title, trans)}
        </span>
      </label>
    </li>
  );
}
