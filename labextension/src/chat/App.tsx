import { useEffect, type KeyboardEvent, type ReactElement } from 'react';

import { ChatsPage } from './ChatsPage';
import { Composer } from './Composer';
import { DetailsPage } from './DetailsPage';
import { EmptyChat } from './EmptyChat';
import { FailureNote } from './FailureNote';
import { Header } from './Header';
import { MessageList } from './MessageList';
import { ModelsPage } from './ModelsPage';
import { ParametersPage } from './ParametersPage';
import { useChat, useServices } from './services';
import { useSignal } from './signals';
import { UndoBar } from './UndoBar';

/** The whole panel: a header, one page, what was deleted last, the live region. */
export function App(): ReactElement {
  const { view } = useServices();
  const chat = useChat();
  useSignal(view.changed);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      if (view.page !== 'chat') {
        view.show('chat');
      } else {
        chat.stop();
      }
    }
  };
  return (
    // Escape works from everywhere in the panel; the controls in it are buttons of their own.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- (see above)
    <div className="jp-OllamaLabChat-body" onKeyDown={onKeyDown}>
      <Header />
      {view.page === 'chat' && <ChatPage />}
      {view.page === 'chats' && <ChatsPage />}
      {view.page === 'models' && <ModelsPage />}
      {view.page === 'model' && <DetailsPage key={view.model} />}
      {view.page === 'parameters' && <ParametersPage />}
      <DeletedChats />
      <LiveRegion />
    </div>
  );
}

function ChatPage(): ReactElement {
  const chat = useChat();
  useSignal(chat.conversation.changed);
  useWindow();
  return (
    <>
      {chat.conversation.isEmpty ? <EmptyChat /> : <MessageList />}
      {chat.failure && <FailureNote failure={chat.failure} />}
      <DeletedMessages />
      <Composer />
    </>
  );
}

/** Tell the composer how many tokens the next prompt may have. */
function useWindow(): void {
  const chat = useChat();
  const { catalog } = useServices();
  useSignal(catalog.changed);
  const own = chat.settings.options?.num_ctx;
  const tokens =
    typeof own === 'number'
      ? own
      : (catalog.health?.settings.context_tokens ?? null);
  useEffect(() => {
    chat.context.contextTokens = tokens;
  }, [chat, tokens]);
}

/** The messages of this chat that were deleted last. */
function DeletedMessages(): ReactElement | null {
  const chat = useChat();
  const { trans, view } = useServices();
  const { removed } = chat;
  if (!removed) {
    return null;
  }
  return (
    <UndoBar
      words={trans._n(
        'Deleted: %1 message',
        'Deleted: %1 messages',
        removed.count
      )}
      onUndo={() => {
        void chat.undoRemove();
        view.focus();
      }}
      onDismiss={() => {
        chat.forgetRemoved();
        view.focus();
      }}
    />
  );
}

/** The chats that were deleted last. */
function DeletedChats(): ReactElement | null {
  const { history, session, trans, view } = useServices();
  useSignal(history.changed);
  const { removed } = history;
  if (!removed) {
    return null;
  }
  const undo = async () => {
    const id = await history.undo();
    if (id !== null) {
      await session.open(id);
      view.show('chat');
    }
  };
  return (
    <UndoBar
      words={
        removed.title
          ? trans.__('Deleted: %1', removed.title)
          : trans._n(
              'Deleted: %1 chat',
              'Deleted: %1 chats',
              removed.ids.length
            )
      }
      onUndo={() => void undo()}
      onDismiss={() => history.forgetRemoved()}
    />
  );
}

function LiveRegion(): ReactElement {
  const { announcer } = useServices();
  useSignal(announcer.changed);
  return (
    <div className="jp-OllamaLabChat-hidden" role="status" aria-live="polite">
      {announcer.words}
    </div>
  );
}
