import { closeIcon } from '@jupyterlab/ui-components';
import type { ReactElement, ReactNode } from 'react';

import { IconButton } from './Button';
import { useServices } from './services';

/** A page of the panel that is not the chat, with the way back to it. */
export function PageFrame({
  title,
  children
}: {
  title: string;
  children: ReactNode;
}): ReactElement {
  const { trans, view } = useServices();
  return (
    <section className="jp-OllamaLabChat-page" aria-label={title}>
      <div className="jp-OllamaLabChat-pageHead">
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
