import { closeIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { IconButton } from './Button';
import { useServices } from './services';

/** What was deleted last, with a way back. */
export function UndoBar({
  words,
  onUndo,
  onDismiss
}: {
  words: string;
  onUndo: () => void;
  onDismiss: () => void;
}): ReactElement {
  const { trans } = useServices();
  return (
    <div className="jp-OllamaLabChat-undo">
      <span>{words}</span>
      <button type="button" className="jp-OllamaLabChat-text" onClick={onUndo}>
        {trans.__('Undo')}
      </button>
      <IconButton
        icon={closeIcon}
        name={trans.__('Dismiss')}
        onPress={onDismiss}
      />
    </div>
  );
}
