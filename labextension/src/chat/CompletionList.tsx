import { useEffect, useRef, type ReactElement } from 'react';

import type { IOption } from '../model/complete';
import { useServices } from './services';

/** What can be chosen; the focus stays in the field that it belongs to. */
export function CompletionList({
  id,
  options,
  active,
  hint,
  onChoose
}: CompletionList.IProps): ReactElement {
  const { trans } = useServices();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active, options]);
  return (
    <div className="jp-OllamaLabChat-completions">
      {options.length > 0 && (
        <div
          id={id}
          ref={list}
          className="jp-OllamaLabChat-options"
          role="listbox"
          aria-label={trans.__('Completions')}
        >
          {options.map((option, index) => (
            // The keys are the field's.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- (see above)
            <div
              key={`${index} ${option.label}`}
              id={`${id}-${index}`}
              className="jp-OllamaLabChat-completion"
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              onMouseDown={event => event.preventDefault()}
              onClick={() => onChoose(option)}
            >
              <bdi className="jp-OllamaLabChat-completionName">
                {option.kind === 'command' ? `/${option.label}` : option.label}
              </bdi>
              <bdi className="jp-OllamaLabChat-hint">{option.detail}</bdi>
            </div>
          ))}
        </div>
      )}
      {hint && <p className="jp-OllamaLabChat-hint">{hint}</p>}
    </div>
  );
}

export namespace CompletionList {
  export interface IProps {
    id: string;
    options: readonly IOption[];
    active: number;
    /** What else there is to say; empty for nothing. */
    hint: string;
    onChoose: (option: IOption) => void;
  }
}
