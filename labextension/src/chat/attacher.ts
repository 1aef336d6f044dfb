import { PathExt } from '@jupyterlab/coreutils';
import type { ICell } from '@jupyterlab/nbformat';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAttachment } from '../api/types';
import type { Catalog } from './catalog';
import { readFile, readPath } from './files';
import { chosenModel } from './chosen';
import type { Session } from './session';
import type { View } from './view';

/** Takes what is dropped, pasted or picked, and says why if it cannot. */
export class Attacher {
  constructor(options: Attacher.IOptions) {
    this._options = options;
  }

  /** Attach to the chat on show. */
  add(attachment: IAttachment): void {
    const { catalog, session, trans, view } = this._options;
    const name = chosenModel(session.chat, catalog);
    const capabilities = catalog.find(name)?.capabilities;
    if (
      attachment.kind === 'image' &&
      capabilities &&
      !capabilities.includes('vision')
    ) {
      view.note = trans.__(
        '%1 cannot see images. Choose a model that has vision.',
        name
      );
      return;
    }
    session.chat.context.add(attachment);
    view.note = '';
    view.focus();
  }

  /** Files of the Jupyter server. */
  async addPaths(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await this._read(PathExt.basename(path), () =>
        readPath(this._options.contents, path)
      );
    }
  }

  /** Files of the user's own machine. */
  async addFiles(files: readonly File[]): Promise<void> {
    for (const file of files) {
      await this._read(file.name, () => readFile(file));
    }
  }

  /** Cells that were dragged out of a notebook. */
  addCells(cells: readonly ICell[]): void {
    const { trans } = this._options;
    cells.forEach((cell, index) => {
      const { source } = cell;
      this.add({
        kind: 'cell',
        name:
          cells.length === 1
            ? trans.__('a cell')
            : trans.__('cell %1 of %2', index + 1, cells.length),
        text: Array.isArray(source) ? source.join('') : source
      });
    });
  }

  private async _read(
    name: string,
    read: () => Promise<IAttachment>
  ): Promise<void> {
    const { trans, view } = this._options;
    try {
      this.add(await read());
    } catch {
      view.note = trans.__(
        '%1 is not attached: only text files and images can be read.',
        name
      );
    }
  }

  private readonly _options: Attacher.IOptions;
}

export namespace Attacher {
  export interface IOptions {
    catalog: Catalog;
    contents: Contents.IManager;
    session: Session;
    trans: TranslationBundle;
    view: View;
  }
}
