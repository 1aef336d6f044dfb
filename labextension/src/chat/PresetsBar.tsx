import { useId, useState, type FormEvent, type ReactElement } from 'react';

import { FailureNote } from './FailureNote';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** Choose a set of parameters for this chat, keep this chat's as one, delete one. */
export function PresetsBar({
  onApply
}: {
  onApply: () => void;
}): ReactElement | null {
  const { presets, trans } = useServices();
  useSignal(presets.changed);
  if (!presets.isAvailable) {
    return null;
  }
  return (
    <div role="group" aria-label={trans.__('Presets')}>
      {presets.list.length > 0 && <PresetChoice onApply={onApply} />}
      <PresetForm />
      {presets.failure && <FailureNote failure={presets.failure} />}
    </div>
  );
}

function PresetChoice({ onApply }: { onApply: () => void }): ReactElement {
  const chat = useChat();
  const { announcer, presets, trans } = useServices();
  const [wanted, setWanted] = useState('');
  const id = useId();
  const chosen = presets.find(wanted) ?? presets.list[0];
  const apply = () => {
    if (chosen) {
      const { name, system, options } = chosen;
      void chat.configure({ system, options: { ...options } });
      announcer.say(trans.__('Preset applied: %1', name));
      onApply();
    }
  };
  return (
    <div className="jp-OllamaLabChat-row">
      <label htmlFor={id}>{trans.__('Preset')}</label>
      <select
        id={id}
        className="jp-OllamaLabChat-input"
        value={chosen?.name}
        onChange={event => setWanted(event.target.value)}
      >
        {presets.list.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <button type="button" className="jp-OllamaLabChat-text" onClick={apply}>
        {trans.__('Apply')}
      </button>
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        aria-label={trans.__('Delete the preset')}
        onClick={() => void (chosen && presets.remove(chosen.name))}
      >
        {trans.__('Delete')}
      </button>
    </div>
  );
}

function PresetForm(): ReactElement {
  const chat = useChat();
  const { presets, trans } = useServices();
  const [name, setName] = useState('');
  const id = useId();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const { system = '', options = {} } = chat.settings;
    if (await presets.save({ name, system, options })) {
      setName('');
    }
  };
  return (
    <form className="jp-OllamaLabChat-row" onSubmit={event => void save(event)}>
      <label htmlFor={id}>{trans.__('Keep as preset')}</label>
      <input
        id={id}
        className="jp-OllamaLabChat-input"
        value={name}
        autoComplete="off"
        onChange={event => setName(event.target.value)}
      />
      <button type="submit" className="jp-OllamaLabChat-text">
        {trans.__('Save')}
      </button>
    </form>
  );
}
