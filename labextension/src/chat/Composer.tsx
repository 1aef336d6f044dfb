import { fileUploadIcon, stopIcon } from '@jupyterlab/ui-components';
import {
  useEffect,
  useId,
  useRef,
  useState,
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactElement,
  type RefObject
} from 'react';

import { sendIcon } from '../icons';
import type { ChatModel } from '../model/chat';
import { Attachments } from './Attachments';
import { IconButton } from './Button';
import { useCompletion } from './completion';
import { CompletionList } from './CompletionList';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** Where a message is written and sent, and an answer stopped. */
export function Composer(): ReactElement {
  const chat = useChat();
  const { attacher, pickFiles, trans, view } = useServices();
  const area = useRef<HTMLTextAreaElement>(null);
  const walk = useHistory(chat);
  const completion = useCompletion(chat, area);
  const { active, hint, options } = completion;
  const isExpanded = options.length > 0;
  const id = useId();
  const listId = useId();
  useSignal(chat.draftChanged);
  useSignal(chat.context.changed);
  useSignal(view.changed);
  useFocus(area);
  useGrowth(area, chat.draft);
  const send = () => {
    view.note = '';
    void chat.send();
    view.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (completion.press(event)) {
      return;
    }
    const isSending =
      event.key === 'Enter' &&
      !event.nativeEvent.isComposing &&
      event.shiftKey !== view.isEnterSending;
    if (isSending) {
      event.preventDefault();
      send();
    } else if (area.current && walk(event.key, area.current)) {
      event.preventDefault();
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    if (attacher.takePaste(event.clipboardData)) {
      event.preventDefault();
    }
  };
  return (
    <div className="jp-OllamaLabChat-composer">
      {view.note && <p className="jp-OllamaLabChat-note">{view.note}</p>}
      <Attachments />
      <label htmlFor={id} className="jp-OllamaLabChat-hidden">
        {trans.__('Message')}
      </label>
      {(isExpanded || hint) && (
        <CompletionList
          id={listId}
          options={options}
          active={active}
          hint={hint}
          onChoose={completion.choose}
        />
      )}
      {/* A field of several lines may have no other role: what it expands is said around it. */}
      <div
        className="jp-OllamaLabChat-combobox"
        role="combobox"
        aria-label={trans.__('Message')}
        aria-haspopup="listbox"
        aria-expanded={isExpanded}
        aria-controls={listId}
      >
        <textarea
          id={id}
          ref={area}
          className="jp-OllamaLabChat-input"
          dir="auto"
          rows={2}
          value={chat.draft}
          placeholder={
            view.isEnterSending
              ? trans.__('Ask something. Enter sends.')
              : trans.__('Ask something. Shift+Enter sends.')
          }
          onChange={event => {
            chat.draft = event.target.value;
            completion.look();
          }}
          aria-autocomplete="list"
          aria-controls={isExpanded ? listId : undefined}
          aria-activedescendant={isExpanded ? `${listId}-${active}` : undefined}
          onBlur={completion.close}
          onFocus={completion.look}
          onKeyDown={onKeyDown}
          onSelect={completion.look}
          onPaste={onPaste}
        />
      </div>
      <div className="jp-OllamaLabChat-row jp-mod-end">
        {pickFiles && (
          <IconButton
            icon={fileUploadIcon}
            name={trans.__('Attach files')}
            onPress={pickFiles}
          />
        )}
        {chat.isBusy ? (
          <IconButton
            icon={stopIcon}
            name={trans.__('Stop')}
            className="jp-mod-stop"
            onPress={() => {
              chat.stop();
              view.focus();
            }}
          />
        ) : (
          <IconButton
            icon={sendIcon}
            name={trans.__('Send')}
            isDisabled={!chat.canSend}
            onPress={send}
          />
        )}
      </div>
    </div>
  );
}

/** Walk through the prompts sent before, with Up in an empty field or in one of them. */
function useHistory(
  chat: ChatModel
): (key: string, area: HTMLTextAreaElement) => boolean {
  const [at, setAt] = useState(0);
  return (key, area) => {
    const by = key === 'ArrowUp' ? 1 : key === 'ArrowDown' ? -1 : 0;
    const sent = chat.conversation.messages
      .filter(message => message.role === 'user')
      .map(message => message.text)
      .reverse();
    const current = at > 0 ? (sent[at - 1] ?? '') : '';
    const isAtEdge =
      area.selectionStart === area.selectionEnd &&
      (by > 0 ? area.selectionStart === 0 : at > 0);
    const isWalking = chat.draft === '' || (chat.draft === current && isAtEdge);
    const from = chat.draft === '' ? 0 : at;
    const next = from + by;
    if (by === 0 || !isWalking || next < 0 || next > sent.length) {
      return false;
    }
    setAt(next);
    chat.draft = next > 0 ? (sent[next - 1] ?? '') : '';
    // Where the next Up goes on from; React has put the text in by then.
    requestAnimationFrame(() => area.setSelectionRange(0, 0));
    return true;
  };
}

/** Take the focus when the panel asks for it. */
function useFocus(area: RefObject<HTMLTextAreaElement | null>): void {
  const { view } = useServices();
  useEffect(() => {
    const focus = () => {
      if (area.current && view.takeFocus()) {
        area.current.focus();
      }
    };
    focus();
    view.focusRequested.connect(focus);
    return () => {
      view.focusRequested.disconnect(focus);
    };
  }, [area, view]);
}

/** Make the field as high as its text; the style sheet says where that ends. */
function useGrowth(
  area: RefObject<HTMLTextAreaElement | null>,
  text: string
): void {
  useEffect(() => {
    const field = area.current;
    if (field) {
      field.style.height = 'auto';
      field.style.height = text ? `${field.scrollHeight + 2}px` : '';
    }
  }, [area, text]);
}
