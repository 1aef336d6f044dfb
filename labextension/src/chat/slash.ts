import type { ExportFormat } from '../api/types';
import type { IOption } from '../model/complete';
import { download } from './download';
import type { IChatServices } from './services';
import type { Page } from './view';

const FORMATS: readonly ExportFormat[] = ['markdown', 'notebook', 'json'];

/** The commands that can be given now; the query is what stands behind the slash. */
export function findCommands(
  services: IChatServices,
  query: string
): IOption[] {
  const { session, trans } = services;
  return [
    command('new', trans.__('Begin an empty chat'), () => session.startNew()),
    command('private', trans.__('Begin a chat that is stored nowhere'), () =>
      session.startNew({ isPrivate: true })
    ),
    ...ofTheChat(services),
    ...models(services),
    system(services, query),
    ...pages(services)
  ];
}

function command(label: string, detail: string, run?: () => void): IOption {
  return {
    kind: 'command',
    label,
    detail,
    replacement: '',
    ...(run && { run })
  };
}

function ofTheChat(services: IChatServices): IOption[] {
  const { session, trans } = services;
  const { chat } = session;
  const { id } = chat.conversation;
  const stop = command('stop', trans.__('End the answer that runs'), () =>
    chat.stop()
  );
  const exports = FORMATS.map(format =>
    command(`export ${format}`, trans.__('Save this chat as a file'), () => {
      void save(services, id ?? '', format);
    })
  );
  return [...(chat.isBusy ? [stop] : []), ...(id === null ? [] : exports)];
}

function models({ catalog, session, trans }: IChatServices): IOption[] {
  return catalog.models
    .filter(model => model.why_not === '')
    .map(({ name }) =>
      command(`model ${name}`, trans.__('Ask this model'), () => {
        void session.chat.configure({ model: name });
      })
    );
}

function system(
  { session, trans, view }: IChatServices,
  query: string
): IOption {
  const detail = trans.__('Set the system prompt of this chat');
  const text = /^\s*system\s+(.*)$/i.exec(query)?.[1]?.trim();
  return text
    ? command(query.trimStart(), detail, () => {
        void session.chat.configure({ system: text });
        view.note = trans.__('The system prompt of this chat is set.');
      })
    : { ...command('system ', detail), replacement: '/system ' };
}

function pages({ trans, view }: IChatServices): IOption[] {
  const all: [Page, string][] = [
    ['chats', trans.__('Show all chats')],
    ['models', trans.__('Show the models')],
    ['parameters', trans.__('Show what this chat asks with')]
  ];
  return all.map(([page, detail]) =>
    command(page, detail, () => view.show(page))
  );
}

async function save(
  { history, view }: IChatServices,
  id: string,
  format: ExportFormat
): Promise<void> {
  const file = await history.exported(id, format);
  if (file) {
    download(file.name, file.content);
  } else {
    view.note = history.failure?.message ?? '';
  }
}
