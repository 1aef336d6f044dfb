import { caretLeftIcon, closeIcon } from '@jupyterlab/ui-components';
import type { ReactElement, ReactNode } from 'react';

import { IconButton } from './Button';
import { useServices } from './services';

/** A page of the panel that is not the chat, with the way back to it, or to the page before. */
export function PageFrame({
  title,
  children,
  back
}: {
  title: string;
  children: ReactNode;
  /** The page before; what led here is gone, so the way back takes the focus. */
  back?: { name: string; go: () => void };
}): ReactElement {
  const { trans, view } = useServices();
  return (
    <section className="jp-OllamaLabChat-page" aria-label={title}>
      <div className="jp-OllamaLabChat-pageHead">
        {back && (
          <IconButton
            icon={caretLeftIcon}
            name={back.name}
            onPress={back.go}
            takesFocus
          />
        )}
        <h2>{title}</h2>
        <IconButton
          icon={closeIcon}
          name={trans.__('Back to the chat')}
          onPress={() => view.show('chat')}
        />
      </div>
      {children}
    </section>
  );
}
