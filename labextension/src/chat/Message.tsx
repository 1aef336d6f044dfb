import {
  caretLeftIcon,
  caretRightIcon,
  copyIcon,
  deleteIcon,
  editIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import { useState, type ReactElement } from 'react';

import type { MessageModel } from '../model/message';
import { IconButton } from './Button';
import { Editor } from './Editor';
import { FailureNote } from './FailureNote';
import { Footer } from './Footer';
import { Markdown } from './Markdown';
import { Phase } from './Phase';
import { useChat, useServices } from './services';
import { useSignal } from './signals';
import { Thinking } from './Thinking';

/** One message of a chat, with what can be done with it. */
export function Message({ message }: { message: MessageModel }): ReactElement {
  useSignal(message.changed);
  return message.role === 'user' ? (
    <Prompt message={message} />
  ) : (
    <Answer message={message} />
  );
}

function Prompt({ message }: { message: MessageModel }): ReactElement {
  const chat = useChat();
  const { copy, trans, view } = useServices();
  const [isEditing, setEditing] = useState(false);
  if (isEditing) {
    return (
      <Editor
        text={message.text}
        onCancel={() => {
          setEditing(false);
          view.focus();
        }}
        onSend={text => {
          setEditing(false);
          void chat.edit(message, text);
          view.focus();
        }}
      />
    );
  }
  return (
    <>
      <div className="jp-OllamaLabChat-prompt" dir="auto">
        {message.text}
      </div>
      {message.attachments.length > 0 && (
        <ul
          className="jp-OllamaLabChat-chips"
          aria-label={trans.__('Attachments')}
        >
          {message.attachments.map((attachment, index) => (
            <li key={index} className="jp-OllamaLabChat-chip">
              {attachment.name}
            </li>
          ))}
        </ul>
      )}
      <div className="jp-OllamaLabChat-actions">
        <Branches message={message} />
        <IconButton
          icon={copyIcon}
          name={trans.__('Copy this message')}
          onPress={() => copy(message.text)}
        />
        <IconButton
          icon={editIcon}
          name={trans.__('Edit and send again')}
          isDisabled={chat.isBusy}
          onPress={() => setEditing(true)}
        />
        <DeleteButton
          message={message}
          name={trans.__('Delete this message')}
        />
      </div>
    </>
  );
}

function Answer({ message }: { message: MessageModel }): ReactElement {
  const chat = useChat();
  const { copy, trans, view } = useServices();
  const again = () => {
    void chat.regenerate(message);
    view.focus();
  };
  const retry = () => {
    void chat.retry(message);
    view.focus();
  };
  const isWaiting =
    message.isStreaming && message.text === '' && message.thinking === '';
  return (
    <>
      <Thinking message={message} />
      <Markdown message={message} />
      {isWaiting && <Phase phase={message.phase} />}
      {message.isStreaming && !chat.isBusy && (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={() => {
            chat.stop();
            view.focus();
          }}
        >
          {trans.__('Stop this answer')}
        </button>
      )}
      {message.error && (
        <FailureNote failure={message.error}>
          <button
            type="button"
            className="jp-OllamaLabChat-text"
            disabled={chat.isBusy}
            onClick={retry}
          >
            {trans.__('Try again')}
          </button>
        </FailureNote>
      )}
      {!message.isStreaming && (
        <>
          <Footer message={message.data} />
          <div className="jp-OllamaLabChat-actions">
            <Branches message={message} />
            <IconButton
              icon={copyIcon}
              name={trans.__('Copy this answer')}
              onPress={() => copy(message.text)}
            />
            <IconButton
              icon={refreshIcon}
              name={trans.__('Answer again')}
              isDisabled={chat.isBusy}
              onPress={again}
            />
            <DeleteButton
              message={message}
              name={trans.__('Delete this answer')}
            />
          </div>
        </>
      )}
    </>
  );
}

/** Deletes a message with all that follows it; the panel offers it back. */
function DeleteButton({
  message,
  name
}: {
  message: MessageModel;
  name: string;
}): ReactElement {
  const chat = useChat();
  const { announcer, trans, view } = useServices();
  const remove = async () => {
    await chat.remove(message);
    if (!chat.failure) {
      announcer.say(trans.__('Deleted'));
    }
    view.focus();
  };
  return (
    <IconButton
      icon={deleteIcon}
      name={name}
      isDisabled={chat.isBusy}
      onPress={() => void remove()}
    />
  );
}

/** The other messages at the same place: earlier wordings and answers. */
function Branches({ message }: { message: MessageModel }): ReactElement | null {
  const chat = useChat();
  const { trans } = useServices();
  const siblings = chat.conversation.siblings(message);
  const at = siblings.indexOf(message.id);
  if (siblings.length < 2 || at < 0) {
    return null;
  }
  const step = (by: number) => {
    const id = siblings[at + by];
    if (id !== undefined) {
      void chat.selectBranch(id);
    }
  };
  return (
    <span
      className="jp-OllamaLabChat-branches"
      role="group"
      aria-label={trans.__('Versions')}
    >
      <IconButton
        icon={caretLeftIcon}
        name={trans.__('Earlier version')}
        isDisabled={at === 0 || chat.isBusy}
        onPress={() => step(-1)}
      />
      <span>{trans.__('%1 of %2', at + 1, siblings.length)}</span>
      <IconButton
        icon={caretRightIcon}
        name={trans.__('Later version')}
        isDisabled={at === siblings.length - 1 || chat.isBusy}
        onPress={() => step(1)}
      />
    </span>
  );
}
