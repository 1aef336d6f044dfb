import {
  addIcon,
  caretDownEmptyIcon,
  listIcon,
  settingsIcon
} from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { IconButton } from './Button';
import { chosenModel } from './chosen';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** The chats, the model and the parameters, a press away. */
export function Header(): ReactElement {
  const chat = useChat();
  const { catalog, session, trans, view } = useServices();
  useSignal(catalog.changed);
  useSignal(view.changed);
  const model = chosenModel(chat, catalog);
  return (
    <div
      className="jp-OllamaLabChat-header"
      role="toolbar"
      aria-label={trans.__('Chat')}
    >
      <IconButton
        icon={listIcon}
        name={trans.__('Chats')}
        isPressed={view.page === 'chats'}
        onPress={() => view.toggle('chats')}
      />
      <button
        type="button"
        className="jp-OllamaLabChat-model"
        aria-pressed={view.page === 'models'}
        title={trans.__('Choose a model')}
        onClick={() => view.toggle('models')}
      >
        <span className="jp-OllamaLabChat-hidden">{trans.__('Model:')}</span>
        <span className="jp-OllamaLabChat-modelName">
          {model || trans.__('No model')}
        </span>
        <caretDownEmptyIcon.react tag="span" aria-hidden="true" />
      </button>
      <IconButton
        icon={settingsIcon}
        name={trans.__('Parameters')}
        isPressed={view.page === 'parameters'}
        onPress={() => view.toggle('parameters')}
      />
      <IconButton
        icon={addIcon}
        name={trans.__('New chat')}
        onPress={() => {
          session.startNew();
          view.show('chat');
        }}
      />
    </div>
  );
}
