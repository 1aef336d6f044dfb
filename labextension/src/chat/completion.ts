import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject
} from 'react';

import type { ChatModel } from '../model/chat';
import {
  beginning,
  completed,
  folderOf,
  isStill,
  ranked,
  triggerAt,
  type IOption,
  type ITrigger
} from '../model/complete';
import type { IMentions } from './mentions';
import { useServices, type IChatServices } from './services';
import { findCommands } from './slash';

/** The completion of a field: what is offered, and what its keys do. */
export interface ICompletion {
  active: number;
  options: readonly IOption[];
  /** What stands under the options. */
  hint: string;
  choose: (option: IOption) => void;
  close: () => void;
  /** Look at the text and the caret again. */
  look: () => void;
  /** Take a key, and say whether it was one of the list's. */
  press: (event: KeyboardEvent) => boolean;
}

/** Complete mentions and commands in the composer. */
export function useCompletion(
  chat: ChatModel,
  area: RefObject<HTMLTextAreaElement | null>
): ICompletion {
  const services = useServices();
  const [trigger, setTrigger] = useState<ITrigger | null>(null);
  // Where the mention stands whose list was closed with Escape.
  const [dismissed, setDismissed] = useState<number | null>(null);
  const [chosen, setActive] = useState(0);
  const caretAfter = useRef<number | null>(null);
  const isOpen = trigger !== null && trigger.start !== dismissed;
  const current = isOpen && isStill(trigger, chat.draft) ? trigger : null;
  const { options, hint } = useOffer(services, current);
  const active = Math.min(chosen, options.length - 1);
  const begin = (next: ITrigger | null) => {
    setTrigger(next);
    setActive(0);
  };
  const look = () => {
    const field = area.current;
    const isCaret = field?.selectionStart === field?.selectionEnd;
    const next =
      field && isCaret ? triggerAt(field.value, field.selectionStart) : null;
    if (next?.start !== dismissed) {
      setDismissed(null);
    }
    if (JSON.stringify(next) !== JSON.stringify(trigger)) {
      begin(next);
    }
  };
  const choose = (option: IOption) => {
    if (!current) {
      return;
    }
    const { text, caret } = completed(chat.draft, current, option.replacement);
    chat.draft = text;
    caretAfter.current = caret;
    begin(option.replacement ? triggerAt(text, caret) : null);
    option.run?.();
  };
  useLayoutEffect(() => {
    // React has put the text in, and no key has come since.
    if (caretAfter.current !== null) {
      area.current?.setSelectionRange(caretAfter.current, caretAfter.current);
      caretAfter.current = null;
    }
  });
  const press = (event: KeyboardEvent) => {
    const option = options[active];
    if (!option || event.nativeEvent.isComposing) {
      return false;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    const isChoosing =
      (event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey;
    if (by !== 0) {
      setActive((active + by + options.length) % options.length);
    } else if (isChoosing) {
      choose(option);
    } else if (event.key === 'Escape') {
      // Or the panel would stop the answer.
      event.stopPropagation();
      setDismissed(current?.start ?? null);
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  };
  return {
    active,
    options,
    hint,
    choose,
    close: () => begin(null),
    look,
    press
  };
}

function useOffer(
  services: IChatServices,
  trigger: ITrigger | null
): { options: readonly IOption[]; hint: string } {
  const { trans } = services;
  const mentions = useMentions(services, trigger);
  if (!trigger) {
    return { options: [], hint: '' };
  }
  const { options, isCut } =
    trigger.sign === '/'
      ? beginning(findCommands(services, trigger.query), trigger.query)
      : ranked(mentions.options, trigger.query);
  const more = isCut ? trans.__('There is more: type on to find it.') : '';
  return { options, hint: [mentions.note, more].filter(Boolean).join(' ') };
}

const NOTHING: IMentions = { options: [], note: '' };

/** Everything that can be mentioned now; asked for once a mention and folder. */
function useMentions(
  services: IChatServices,
  trigger: ITrigger | null
): IMentions {
  const [found, setFound] = useState(NOTHING);
  const start = trigger?.sign === '@' ? trigger.start : null;
  const folder = folderOf(trigger?.query ?? '');
  useEffect(() => {
    if (start === null) {
      return;
    }
    let isCurrent = true;
    void import('./mentions').then(async ({ findMentions }) => {
      const mentions = await findMentions(services, folder);
      if (isCurrent) {
        setFound(mentions);
        if (mentions.note) {
          services.announcer.say(mentions.note);
        }
      }
    });
    return () => {
      isCurrent = false;
      setFound(NOTHING);
    };
  }, [services, start, folder]);
  return found;
}
