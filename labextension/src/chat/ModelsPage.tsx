import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, type ReactElement } from 'react';

import type { IModel } from '../api/types';
import { formatBytes, formatCount } from '../model/format';
import { focusOnce } from './Button';
import { chosenModel } from './chosen';
import { FailureNote } from './FailureNote';
import { PageFrame } from './PageFrame';
import { Pulls } from './Pulls';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** The server's models: choose one for this chat, get more, free memory. */
export function ModelsPage(): ReactElement {
  const { catalog, trans } = useServices();
  useSignal(catalog.changed);
  useEffect(() => catalog.look(), [catalog]);
  const { failure, health, models } = catalog;
  return (
    <PageFrame title={trans.__('Models')}>
      {health && (
        <p className="jp-OllamaLabChat-hint">
          {health.is_embedded
            ? trans.__('Embedded engine, version %1', health.version)
            : trans.__('%1, version %2', health.host, health.version)}{' '}
          ({health.why})
        </p>
      )}
      {failure && <FailureNote failure={failure} />}
      <ul
        className="jp-OllamaLabChat-list"
        aria-label={trans.__('Models on this server')}
      >
        {models.map(model => (
          <ModelItem key={model.name} model={model} />
        ))}
      </ul>
      <Pulls />
    </PageFrame>
  );
}

function ModelItem({ model }: { model: IModel }): ReactElement {
  const chat = useChat();
  const { catalog, trans, view } = useServices();
  const isChosen = chosenModel(chat, catalog) === model.name;
  const choose = () => {
    void chat.configure({ model: model.name });
    view.show('chat');
  };
  return (
    <li className="jp-OllamaLabChat-item">
      <button
        type="button"
        className="jp-OllamaLabChat-choice"
        aria-pressed={isChosen}
        disabled={model.why_not !== ''}
        onClick={choose}
      >
        <span className="jp-OllamaLabChat-itemTitle">{model.name}</span>
        <span className="jp-OllamaLabChat-hint">
          {modelFacts(model, trans).join(' · ')}
        </span>
        {model.why_not && (
          <span className="jp-OllamaLabChat-hint">{model.why_not}</span>
        )}
      </button>
      <ModelButtons model={model} />
    </li>
  );
}

function ModelButtons({ model }: { model: IModel }): ReactElement {
  const { catalog, trans, view } = useServices();
  const { health } = catalog;
  return (
    <div className="jp-OllamaLabChat-row">
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        aria-label={trans.__('Details of %1', model.name)}
        ref={view.isBackFrom(model.name) ? focusOnce : undefined}
        onClick={() => view.showModel(model.name)}
      >
        {trans.__('Details')}
      </button>
      {model.loaded ? (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          aria-label={trans.__('Unload %1 from memory', model.name)}
          onClick={() => void catalog.unload(model.name)}
        >
          {trans.__('Unload')}
        </button>
      ) : (
        !model.runs_elsewhere &&
        model.is_allowed && (
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            aria-label={trans.__('Load %1 into memory', model.name)}
            onClick={() => void catalog.load(model.name)}
          >
            {trans.__('Load')}
          </button>
        )
      )}
      {health?.can_delete && (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          aria-label={trans.__('Delete %1 from the server', model.name)}
          onClick={() => void askAndRemove(model)}
        >
          {trans.__('Delete')}
        </button>
      )}
    </div>
  );

  async function askAndRemove({ name, size_bytes }: IModel): Promise<void> {
    const { button } = await showDialog({
      title: trans.__('Delete %1?', name),
      body: trans.__(
        'It frees %1 on the server, for everybody who uses it. Pulling it again brings it back.',
        formatBytes(size_bytes, trans)
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ]
    });
    if (button.accept) {
      await catalog.remove(name);
    }
  }
}

function modelFacts(model: IModel, trans: TranslationBundle): string[] {
  const { loaded } = model;
  return [
    model.is_demo ? trans.__('demo') : '',
    model.parameter_size,
    model.quantization,
    formatBytes(model.size_bytes, trans),
    model.context_length
      ? trans.__('%1 tokens window', formatCount(model.context_length))
      : '',
    model.capabilities?.join(', ') ?? '',
    model.runs_elsewhere ? trans.__('runs elsewhere') : '',
    loaded
      ? trans.__(
          'loaded on %1, %2',
          loaded.where,
          formatBytes(loaded.size_bytes, trans)
        )
      : ''
  ].filter(fact => fact !== '');
}
