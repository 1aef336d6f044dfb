import { useRef, type ReactElement } from 'react';

import { useServices } from './services';

/** Bring the chats of a JSON export back in. */
export function ImportButton(): ReactElement {
  const { announcer, history, session, trans, view } = useServices();
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File) => {
    const ids = await history.importFile(file);
    const [only] = ids;
    if (only === undefined) {
      return;
    }
    announcer.say(
      trans._n('Imported: %1 chat', 'Imported: %1 chats', ids.length)
    );
    if (ids.length === 1) {
      await session.open(only);
      view.show('chat');
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label={trans.__('File with chats')}
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) {
            void take(file).finally(() => {
              // The same file, once more, is a change again.
              target.value = '';
            });
          }
        }}
      />
      <button
        type="button"
        className="jp-OllamaLabChat-text"
        onClick={() => input.current?.click()}
      >
        {trans.__('Import chats')}
      </button>
    </>
  );
}
