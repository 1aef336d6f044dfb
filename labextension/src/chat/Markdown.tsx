import { useEffect, useRef, type ReactElement } from 'react';

import type { MessageModel } from '../model/message';
import { useServices } from './services';

/**
 * The text of a message, rendered as it grows.
 *
 * React owns only the empty element; what is in it belongs to the streaming renderer.
 */
export function Markdown({ message }: { message: MessageModel }): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const { renderAnswer } = useServices();
  useEffect(() => {
    let view = renderAnswer();
    const begin = () => {
      host.current?.replaceChildren(view.node);
      view.append(message.text);
      end();
    };
    const grow = (_: MessageModel, piece: { text: string }) =>
      view.append(piece.text);
    const rewrite = () => {
      view.dispose();
      view = renderAnswer();
      begin();
    };
    const end = () => {
      if (!message.isStreaming) {
        view.finish();
      }
    };
    message.grown.connect(grow);
    message.rewritten.connect(rewrite);
    message.changed.connect(end);
    begin();
    return () => {
      message.grown.disconnect(grow);
      message.rewritten.disconnect(rewrite);
      message.changed.disconnect(end);
      view.dispose();
    };
  }, [message, renderAnswer]);
  return <div ref={host} className="jp-OllamaLabChat-answer" dir="auto" />;
}
