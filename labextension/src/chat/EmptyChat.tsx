import type { ReactElement, ReactNode } from 'react';

import { chosenModel } from './chosen';
import { FailureNote } from './FailureNote';
import { Pulls } from './Pulls';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** What stands where no message is yet: what to do first. */
export function EmptyChat(): ReactElement {
  const chat = useChat();
  const { catalog, trans, view } = useServices();
  useSignal(catalog.changed);
  const { failure, health } = catalog;
  if (!health && !failure) {
    return <Panel>{trans.__('Looking for the server…')}</Panel>;
  }
  if (failure && health?.state !== 'no_model') {
    return (
      <Panel>
        <FailureNote failure={failure}>
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            onClick={() => void catalog.refresh()}
          >
            {trans.__('Try again')}
          </button>
        </FailureNote>
      </Panel>
    );
  }
  return (
    <Panel>
      <p>{greeting()}</p>
      {health?.state === 'no_model' && !health.can_pull && (
        <p className="jp-OllamaLabChat-hint">
          {trans.__('Pulling is switched off here: ask whoever runs it.')}
        </p>
      )}
      {health?.state === 'engine' && (
        <div className="jp-OllamaLabChat-row">
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            onClick={() => view.show('models')}
          >
            {trans.__('See its models')}
          </button>
          <span className="jp-OllamaLabChat-hint">
            {trans.__('For Ollama itself, start it with: ollama serve')}
          </span>
        </div>
      )}
      {(health?.state === 'no_model' || health?.state === 'only_demo') && (
        <Pulls />
      )}
      {chat.conversation.isPrivate && (
        <p className="jp-OllamaLabChat-hint">
          {trans.__('A private chat: stored nowhere, gone with this page.')}
        </p>
      )}
    </Panel>
  );

  function greeting(): string {
    const host = health?.host ?? '';
    switch (health?.state) {
      case 'no_model':
        return trans.__('%1 has no model that can chat yet. Pull one:', host);
      case 'only_demo':
        return trans.__(
          'Only the demo model is here. It shows that everything works, and knows next to nothing. Pull a real one:'
        );
      case 'engine':
        return trans.__(
          'No Ollama runs here, so the embedded engine answers, with %1.',
          chosenModel(chat, catalog)
        );
      default:
        return trans.__('Ask %1.', chosenModel(chat, catalog));
    }
  }
}

function Panel({ children }: { children: ReactNode }): ReactElement {
  return <div className="jp-OllamaLabChat-empty">{children}</div>;
}
