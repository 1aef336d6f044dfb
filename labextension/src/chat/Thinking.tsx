import { useEffect, useRef, useState, type ReactElement } from 'react';

import { formatSeconds } from '../model/format';
import type { MessageModel } from '../model/message';
import { useServices } from './services';
import { useSignal } from './signals';

/** What a model thought before it answered: folded, as plain text. */
export function Thinking({
  message
}: {
  message: MessageModel;
}): ReactElement | null {
  const { catalog, trans } = useServices();
  const [hasAny, setHasAny] = useState(message.thinking !== '');
  useSignal(message.changed);
  useEffect(() => {
    const look = () => setHasAny(message.thinking !== '');
    look();
    message.grown.connect(look);
    message.rewritten.connect(look);
    return () => {
      message.grown.disconnect(look);
      message.rewritten.disconnect(look);
    };
  }, [message]);
  if (!hasAny) {
    return null;
  }
  const seconds = message.data.thought_seconds;
  return (
    <details
      className="jp-OllamaLabChat-thinking"
      open={catalog.health?.settings.show_thinking ?? false}
    >
      <summary>
        {seconds !== null
          ? trans.__('Thought for %1', formatSeconds(seconds, trans))
          : message.isStreaming
            ? trans.__('Thinking…')
            : trans.__('Thoughts')}
      </summary>
      <GrowingText message={message} />
    </details>
  );
}

function GrowingText({ message }: { message: MessageModel }): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const text = document.createTextNode(message.thinking);
    host.current?.replaceChildren(text);
    const grow = (_: MessageModel, piece: { thinking: string }) =>
      text.appendData(piece.thinking);
    const rewrite = () => {
      text.data = message.thinking;
    };
    message.grown.connect(grow);
    message.rewritten.connect(rewrite);
    return () => {
      message.grown.disconnect(grow);
      message.rewritten.disconnect(rewrite);
    };
  }, [message]);
  return <div ref={host} className="jp-OllamaLabChat-thoughts" dir="auto" />;
}
