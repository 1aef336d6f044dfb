import type { IOption } from '../model/complete';
import { folderMention } from '../model/complete';
import type { IChatServices } from './services';

/** What can be mentioned, and what to say where something cannot. */
export interface IMentions {
  options: IOption[];
  note: string;
}

/** Find what the user may mean; nothing is attached before it is chosen. */
export async function findMentions(
  services: IChatServices,
  folder: string
): Promise<IMentions> {
  const files = await findFiles(services, folder);
  return { options: [...findCells(services), ...files], note: '' };
}

function findCells({ attacher, desk, trans }: IChatServices): IOption[] {
  const notebooks = desk?.notebooks() ?? [];
  const whole = notebooks.map(({ name, cells }): IOption => ({
    kind: 'notebook',
    label: name,
    detail: trans.__('open notebook'),
    replacement: '',
    run: () =>
      attacher.add({
        kind: 'file',
        name,
        text: cells.map(cell => cell.text ?? '').join('\n\n')
      })
  }));
  const cells = notebooks.flatMap(notebook => notebook.cells);
  return [
    ...whole,
    ...cells.map((cell): IOption => ({
      kind: 'cell',
      label: cell.name,
      detail: firstLine(cell.text ?? ''),
      replacement: '',
      run: () => attacher.add(cell)
    }))
  ];
}

async function findFiles(
  { attacher, trans }: IChatServices,
  folder: string
): Promise<IOption[]> {
  try {
    const found = await attacher.list(folder);
    return found.map(({ path, type }) =>
      type === 'directory'
        ? {
            kind: 'file',
            label: path,
            detail: trans.__('folder'),
            replacement: folderMention(path)
          }
        : {
            kind: 'file',
            label: path,
            detail: trans.__('file'),
            replacement: '',
            run: () => void attacher.addPaths([path])
          }
    );
  } catch {
    // A folder that is not there has nothing to offer.
    return [];
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 80) ?? '';
}
