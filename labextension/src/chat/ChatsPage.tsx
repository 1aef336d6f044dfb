import { Dialog, showDialog } from '@jupyterlab/apputils';
import { deleteIcon, downloadIcon, editIcon } from '@jupyterlab/ui-components';
import { useEffect, useState, type ReactElement } from 'react';

import type { IConversationSummary } from '../api/types';
import { formatTitle } from '../model/format';
import { IconButton } from './Button';
import { ExportMenu } from './ExportMenu';
import { FailureNote } from './FailureNote';
import { ImportButton } from './ImportButton';
import { MarkedItem, SelectionBar, type Marked } from './Marking';
import { PageFrame } from './PageFrame';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** All chats: look through them, open one, rename, export, delete. */
export function ChatsPage(): ReactElement {
  const { history, trans } = useServices();
  useSignal(history.changed);
  useEffect(() => void history.refresh(), [history]);
  const { chats, failure, notice, query, total } = history;
  const [marked, setMarked] = useState<Marked>(null);
  return (
    <PageFrame title={trans.__('Chats')}>
      <input
        type="search"
        className="jp-OllamaLabChat-input"
        aria-label={trans.__('Search all chats')}
        placeholder={trans.__('Search all chats')}
        value={query}
        onChange={event => history.search(event.target.value)}
      />
      {failure && <FailureNote failure={failure} />}
      {notice && <p role="status">{notice}</p>}
      {chats.length === 0 && !failure && (
        <p className="jp-OllamaLabChat-hint">
          {query
            ? trans.__('No chat holds these words.')
            : trans.__('No chats yet.')}
        </p>
      )}
      {chats.length > 1 && <SelectionBar marked={marked} onMark={setMarked} />}
      <ul className="jp-OllamaLabChat-list" aria-label={trans.__('Chats')}>
        {chats.map(chat =>
          marked ? (
            <MarkedItem
              key={chat.id}
              summary={chat}
              marked={marked}
              onMark={setMarked}
            />
          ) : (
            <ChatItem key={chat.id} summary={chat} />
          )
        )}
      </ul>
      {chats.length < total && (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={() => void history.showMore()}
        >
          {trans.__('Show more')}
        </button>
      )}
      <ChatsFoot />
    </PageFrame>
  );
}

/** A chat that is not stored, all that is stored, and where. */
function ChatsFoot(): ReactElement {
  const { catalog, history, session, trans, view } = useServices();
  useSignal(catalog.changed);
  return (
    <>
      <div className="jp-OllamaLabChat-row">
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={() => {
            session.startNew({ isPrivate: true });
            view.show('chat');
          }}
        >
          {trans.__('New private chat')}
        </button>
        <ImportButton />
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          disabled={history.total === 0}
          onClick={() => void askAndRemoveAll()}
        >
          {trans.__('Delete all chats')}
        </button>
      </div>
      {catalog.health?.data_file && (
        <p className="jp-OllamaLabChat-hint">
          {trans.__('Chats are kept in %1', catalog.health.data_file)}
        </p>
      )}
    </>
  );

  async function askAndRemoveAll(): Promise<void> {
    const { button } = await showDialog({
      title: trans.__('Delete all chats?'),
      body: trans.__('Right afterwards, Undo brings them back.'),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete all') })
      ]
    });
    if (button.accept) {
      await history.removeAll();
    }
  }
}

function ChatItem({
  summary
}: {
  summary: IConversationSummary;
}): ReactElement {
  const chat = useChat();
  const { history, session, trans, view } = useServices();
  const [isRenaming, setRenaming] = useState(false);
  const [isExporting, setExporting] = useState(false);
  const title = formatTitle(summary.title, trans);
  if (isRenaming) {
    return (
      <li className="jp-OllamaLabChat-item">
        <TitleField
          title={summary.title}
          onDone={next => {
            setRenaming(false);
            if (next && next !== summary.title) {
              void history.rename(summary.id, next);
            }
          }}
        />
      </li>
    );
  }
  return (
    <li className="jp-OllamaLabChat-item">
      <button
        type="button"
        className="jp-OllamaLabChat-choice"
        aria-current={chat.conversation.id === summary.id}
        onClick={() => {
          void session.open(summary.id);
          view.show('chat');
        }}
      >
        <span className="jp-OllamaLabChat-itemTitle">{title}</span>
        <span className="jp-OllamaLabChat-hint">{summary.excerpt}</span>
      </button>
      <div className="jp-OllamaLabChat-row">
        <IconButton
          icon={editIcon}
          name={trans.__('Rename %1', title)}
          onPress={() => setRenaming(true)}
        />
        <IconButton
          icon={downloadIcon}
          name={trans.__('Export %1', title)}
          isPressed={isExporting}
          onPress={() => setExporting(!isExporting)}
        />
        <IconButton
          icon={deleteIcon}
          name={trans.__('Delete %1', title)}
          onPress={() => void history.remove(summary.id, title)}
        />
      </div>
      {isExporting && (
        <ExportMenu id={summary.id} onDone={() => setExporting(false)} />
      )}
    </li>
  );
}

function TitleField({
  title,
  onDone
}: {
  title: string;
  onDone: (title: string) => void;
}): ReactElement {
  const { trans } = useServices();
  return (
    <input
      className="jp-OllamaLabChat-input"
      aria-label={trans.__('New title')}
      defaultValue={title}
      ref={focusOnce}
      onBlur={event => onDone(event.target.value.trim())}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          onDone(event.currentTarget.value.trim());
        } else if (event.key === 'Escape') {
          // It ends the field here, not the page.
          event.stopPropagation();
          onDone('');
        }
      }}
    />
  );
}

function focusOnce(input: HTMLInputElement | null): void {
  input?.select();
}
