import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ReactElement,
  type RefObject
} from 'react';

import type { MessageModel } from '../model/message';
import { Message } from './Message';
import { useChat, useServices } from './services';
import { useSignal } from './signals';

/** So many are rendered at once; the others when they come near the screen. */
const RENDERED_AT_ONCE = 8;
/** Nearer to the end than this, the list follows a growing answer. */
const NEAR_PIXELS = 40;

/** The branch on show. */
export function MessageList(): ReactElement {
  const chat = useChat();
  const { trans } = useServices();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useSignal(chat.conversation.changed);
  const [isAtEnd, goToEnd] = useEnd(scroller, content);
  const { messages } = chat.conversation;
  const firstAtOnce = messages.length - RENDERED_AT_ONCE;
  return (
    <div className="jp-OllamaLabChat-scroller" ref={scroller}>
      <div
        className="jp-OllamaLabChat-messages"
        ref={content}
        role="log"
        aria-live="off"
        aria-label={trans.__('Messages')}
      >
        {messages.map((message, index) => (
          <Place
            key={message.key}
            message={message}
            isAtOnce={index >= firstAtOnce}
            scroller={scroller}
          />
        ))}
      </div>
      {!isAtEnd && (
        <button
          type="button"
          className="jp-OllamaLabChat-text jp-OllamaLabChat-toEnd"
          onClick={goToEnd}
        >
          {trans.__('To the newest')}
        </button>
      )}
    </div>
  );
}

/** The place of a message: empty until it is near the screen for the first time. */
function Place({
  message,
  isAtOnce,
  scroller
}: {
  message: MessageModel;
  isAtOnce: boolean;
  scroller: RefObject<HTMLDivElement | null>;
}): ReactElement {
  const { trans } = useServices();
  const place = useRef<HTMLElement>(null);
  const [isNear, setNear] = useState(isAtOnce);
  const isShown = isNear || isAtOnce;
  useEffect(() => {
    if (isShown || !place.current) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) {
          setNear(true);
        }
      },
      { root: scroller.current, rootMargin: '800px 0px' }
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [isShown, scroller]);
  const isPrompt = message.role === 'user';
  return (
    <article
      ref={place}
      className={`jp-OllamaLabChat-message ${
        isPrompt ? 'jp-mod-prompt' : 'jp-mod-answer'
      } ${isShown ? '' : 'jp-mod-far'}`}
      aria-label={isPrompt ? trans.__('You') : trans.__('Model')}
    >
      {isShown && <Message message={message} />}
    </article>
  );
}

/** Follow the end while the user is there. */
function useEnd(
  scroller: RefObject<HTMLDivElement | null>,
  content: RefObject<HTMLDivElement | null>
): [boolean, () => void] {
  const [isAtEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) {
      return;
    }
    const follow = () => {
      if (follows.current) {
        box.scrollTop = box.scrollHeight;
      }
    };
    const look = () => {
      const left = box.scrollHeight - box.scrollTop - box.clientHeight;
      follows.current = left < NEAR_PIXELS;
      setAtEnd(follows.current);
    };
    const observer = new ResizeObserver(follow);
    observer.observe(inner);
    observer.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, [scroller, content]);
  const goToEnd = () => {
    const box = scroller.current;
    if (box) {
      box.scrollTop = box.scrollHeight;
    }
  };
  return [isAtEnd, goToEnd];
}
