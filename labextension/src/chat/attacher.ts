import { PathExt } from '@jupyterlab/coreutils';
import type { ICell } from '@jupyterlab/nbformat';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAttachment } from '../api/types';
import type { ChatModel } from '../model/chat';
import { formatBytes } from '../model/format';
import type { Catalog } from './catalog';
import {
  LARGEST_BYTES,
  readFile,
  readPath,
  Unreadable,
  type Why
} from './files';
import { chosenModel } from './chosen';
import type { Session } from './session';
import type { View } from './view';

/** A longer text goes along as a file: the field stays quick, and its tokens are told. */
const LONG_PASTE_CHARACTERS = 20_000;
/** So many names stand in one sentence. */
const MOST_NAMES = 3;

interface ISource {
  name: string;
  read: () => Promise<IAttachment>;
}

/** Takes what is dropped, pasted or picked, and says why if it cannot. */
export class Attacher {
  constructor(options: Attacher.IOptions) {
    this._options = options;
  }

  /** Attach to the chat on show. */
  add(attachment: IAttachment): void {
    const { session, view } = this._options;
    view.note = this._attach(session.chat, attachment);
  }

  /** Files of the Jupyter server. */
  async addPaths(paths: readonly string[]): Promise<void> {
    await this._addAll(
      paths.map(path => ({
        name: PathExt.basename(path),
        read: () => readPath(this._options.contents, path)
      }))
    );
  }

  /** Files of the user's own machine. */
  async addFiles(files: readonly File[]): Promise<void> {
    await this._addAll(
      files.map(file => ({ name: file.name, read: () => readFile(file) }))
    );
  }

  /** What is in a folder of the Jupyter server. */
  async list(folder: string): Promise<Contents.IModel[]> {
    const { contents } = this._options;
    const model = await contents.get(folder, { content: true });
    const found: unknown = model.content;
    return Array.isArray(found) ? (found as Contents.IModel[]) : [];
  }

  /** Cells that were dragged out of a notebook. */
  addCells(cells: readonly ICell[]): void {
    const { session, trans, view } = this._options;
    const texts = cells
      .map(({ source }) => (Array.isArray(source) ? source.join('') : source))
      .filter(text => text.trim() !== '');
    const notes = texts.map((text, index) =>
      this._attach(session.chat, {
        kind: 'cell',
        name:
          texts.length === 1
            ? trans.__('a cell')
            : trans.__('cell %1 of %2', index + 1, texts.length),
        text
      })
    );
    if (texts.length < cells.length) {
      notes.push(trans.__('A cell without code or text is not attached.'));
    }
    view.note = notes.filter(note => note !== '').join(' ');
  }

  /** Take what is pasted, unless it is text that belongs into the field; says whether it did. */
  takePaste(data: DataTransfer): boolean {
    const { trans } = this._options;
    const text = data.getData('text/plain');
    const files = [...data.files];
    // Spreadsheets and word processors add a picture of the text.
    const isPicture = files.every(file => file.name === 'image.png');
    if (files.length > 0 && (text.trim() === '' || !isPicture)) {
      void this.addFiles(files);
      return true;
    }
    if (text.length > LONG_PASTE_CHARACTERS) {
      this.add({ kind: 'file', name: trans.__('pasted text'), text });
      return true;
    }
    return false;
  }

  /** One after the other; what cannot be attached keeps no other from it. */
  private async _addAll(sources: readonly ISource[]): Promise<void> {
    const { session, view } = this._options;
    const { chat } = session;
    const notes = new Set<string>();
    const failed = new Map<Why, string[]>();
    view.note = '';
    for (const { name, read } of sources) {
      try {
        notes.add(this._attach(chat, await read()));
      } catch (error) {
        const why = error instanceof Unreadable ? error.why : 'unanswered';
        failed.set(why, [...(failed.get(why) ?? []), name]);
      }
    }
    failed.forEach((names, why) => notes.add(this._sentence(why, names)));
    notes.delete('');
    if (notes.size > 0) {
      view.note = [...notes].join(' ');
    }
  }

  /** Attach to a chat; says why it cannot, else nothing. */
  private _attach(chat: ChatModel, attachment: IAttachment): string {
    const { catalog, trans, view } = this._options;
    const name = chosenModel(chat, catalog);
    const capabilities = catalog.find(name)?.capabilities;
    if (view.page !== 'chat') {
      view.show('chat');
    }
    if (
      attachment.kind === 'image' &&
      capabilities &&
      !capabilities.includes('vision')
    ) {
      return trans.__(
        '%1 cannot see images. Choose a model that has vision.',
        name
      );
    }
    chat.context.add(attachment);
    view.focus();
    return '';
  }

  private _sentence(why: Why, all: readonly string[]): string {
    const { trans } = this._options;
    const shown = all.slice(0, MOST_NAMES).join(', ');
    const names =
      all.length > MOST_NAMES
        ? trans.__('%1 and %2 more', shown, all.length - MOST_NAMES)
        : shown;
    switch (why) {
      case 'binary':
        return trans.__(
          '%1: not attached, as only text in UTF-8 and images can be read.',
          names
        );
      case 'empty':
        return trans.__('%1: not attached, as there is nothing in it.', names);
      case 'folder':
        return trans.__('%1: a folder. Attach the files in it.', names);
      case 'gone':
        return trans.__(
          '%1: not attached, as it is gone or a folder. Attach a file that is there.',
          names
        );
      case 'image':
        return trans.__(
          '%1: not attached, as this image cannot be drawn. Save it as PNG or JPEG.',
          names
        );
      case 'large':
        return trans.__(
          '%1: not attached, as it has more than %2. Attach the part that matters.',
          names,
          formatBytes(LARGEST_BYTES, trans)
        );
      case 'unanswered':
        return trans.__(
          '%1: not attached, as the Jupyter server did not give it. Try again.',
          names
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
