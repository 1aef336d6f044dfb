import { useId, useState, type ReactElement } from 'react';

import { chosenModel } from './chosen';
import { PageFrame } from './PageFrame';
import { PresetsBar } from './PresetsBar';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** What this chat asks the model for; an empty field leaves it to the defaults. */
export function ParametersPage(): ReactElement {
  const { trans } = useServices();
  const [applied, setApplied] = useState(0);
  return (
    <PageFrame title={trans.__('Parameters of this chat')}>
      <PresetsBar onApply={() => setApplied(applied + 1)} />
      <Fields key={applied} />
    </PageFrame>
  );
}

/** The fields; made anew when a preset fills them. */
function Fields(): ReactElement {
  const { catalog, trans } = useServices();
  useSignal(catalog.changed);
  const defaults = catalog.health?.settings;
  const window = defaults ? String(defaults.context_tokens) : '';
  return (
    <>
      <SystemPrompt placeholder={defaults?.system ?? ''} />
      <ThinkField />
      <NumberField
        option="temperature"
        label={trans.__('Temperature')}
        placeholder={byDefault(defaults?.options, 'temperature')}
        min={0}
        step={0.1}
      />
      <NumberField
        option="num_ctx"
        label={trans.__('Context window, in tokens')}
        hint={trans.__(
          'Another value loads the model anew, for everybody who uses this server.'
        )}
        placeholder={window}
        min={256}
        step={256}
      />
      <NumberField
        option="seed"
        label={trans.__('Seed')}
        placeholder={byDefault(defaults?.options, 'seed')}
        step={1}
      />
      <NumberField
        option="top_p"
        label={trans.__('Top p')}
        placeholder={byDefault(defaults?.options, 'top_p')}
        min={0}
        step={0.05}
      />
      <NumberField
        option="num_predict"
        label={trans.__('Longest answer, in tokens')}
        placeholder={byDefault(defaults?.options, 'num_predict')}
        min={-2}
        step={1}
      />
    </>
  );
}

function SystemPrompt({ placeholder }: { placeholder: string }): ReactElement {
  const chat = useChat();
  const { trans } = useServices();
  const id = useId();
  return (
    <div className="jp-OllamaLabChat-field">
      <label htmlFor={id}>{trans.__('System prompt')}</label>
      <textarea
        id={id}
        className="jp-OllamaLabChat-input"
        rows={4}
        defaultValue={chat.settings.system}
        placeholder={placeholder}
        onBlur={event => void chat.configure({ system: event.target.value })}
      />
    </div>
  );
}

/** Whether the model thinks before it answers; only for models that can. */
function ThinkField(): ReactElement | null {
  const chat = useChat();
  const { catalog, trans } = useServices();
  const id = useId();
  const model = catalog.find(chosenModel(chat, catalog));
  if (!model?.capabilities?.includes('thinking')) {
    return null;
  }
  const { think } = chat.settings;
  return (
    <div className="jp-OllamaLabChat-field">
      <label htmlFor={id}>{trans.__('Think before answering')}</label>
      <select
        id={id}
        className="jp-OllamaLabChat-input"
        value={think === undefined ? '' : String(think)}
        onChange={({ target }) =>
          void chat.configure({
            think: target.value === '' ? undefined : target.value === 'true'
          })
        }
      >
        <option value="">{trans.__('As the model does')}</option>
        <option value="true">{trans.__('Yes')}</option>
        <option value="false">{trans.__('No')}</option>
      </select>
    </div>
  );
}

function NumberField({
  option,
  label,
  hint = '',
  placeholder,
  ...range
}: INumberField): ReactElement {
  const chat = useChat();
  const id = useId();
  const value = chat.settings.options?.[option];
  return (
    <div className="jp-OllamaLabChat-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-OllamaLabChat-input"
        type="number"
        inputMode="decimal"
        defaultValue={typeof value === 'number' ? value : ''}
        placeholder={placeholder}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...range}
        onBlur={event => set(event.target.value)}
      />
      {hint && (
        <span id={`${id}-hint`} className="jp-OllamaLabChat-hint">
          {hint}
        </span>
      )}
    </div>
  );

  function set(text: string): void {
    const others = { ...chat.settings.options };
    Reflect.deleteProperty(others, option);
    const isGiven = text !== '' && !Number.isNaN(Number(text));
    void chat.configure({
      options: isGiven ? { ...others, [option]: Number(text) } : others
    });
  }
}

interface INumberField {
  option: string;
  label: string;
  hint?: string;
  placeholder: string;
  min?: number;
  step: number;
}

function byDefault(
  options: Record<string, unknown> | undefined,
  name: string
): string {
  const value = options?.[name];
  return typeof value === 'number' ? String(value) : '';
}
