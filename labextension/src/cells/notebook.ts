import { Dialog, showDialog } from '@jupyterlab/apputils';
import { CodeCellModel, type Cell, type ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker, Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';

import type { IAttachment } from '../api/types';
import { difference } from './difference';
import { ERROR_MIME, TRACEBACK_MIME, plainTraceback } from './traceback';

/** The notebook that was used last: where code goes and questions come from. */
export class NotebookDesk {
  constructor(options: NotebookDesk.IOptions) {
    this._tracker = options.tracker;
    this._trans = options.trans;
  }

  /** Emitted when another notebook is used, or none. */
  get changed(): ISignal<unknown, unknown> {
    return this._tracker.currentChanged;
  }

  get isOpen(): boolean {
    return this._tracker.currentWidget !== null;
  }

  /** The open notebooks with their cells. */
  notebooks(): IOpenNotebook[] {
    const found: IOpenNotebook[] = [];
    this._tracker.forEach(({ content, title }) => {
      const cells = content.widgets.map((cell, index): IAttachment => ({
        kind: 'cell',
        name: this._cellName(index, title.label),
        text: cell.model.sharedModel.getSource()
      }));
      found.push({ name: title.label, cells });
    });
    return found;
  }

  /** Put code into a new cell below the active one. */
  insertBelow(code: string): void {
    const notebook = this._notebook;
    if (notebook) {
      insert(notebook, code, notebook.activeCellIndex + 1);
    }
  }

  /** Put code into a new cell at the end. */
  append(code: string): void {
    const notebook = this._notebook;
    if (notebook) {
      insert(notebook, code, notebook.widgets.length);
    }
  }

  /** Put code in place of the active cell's, once the user agrees. */
  async replaceActive(code: string): Promise<void> {
    const cell = this._notebook?.activeCell;
    if (!cell) {
      return;
    }
    const trans = this._trans;
    const { button } = await showDialog({
      title: trans.__('Replace the active cell?'),
      body: await difference(cell.model.sharedModel.getSource(), code),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Replace') })
      ]
    });
    if (button.accept && !cell.isDisposed) {
      cell.model.sharedModel.setSource(code);
    }
  }

  /** The active cell as an attachment, or the one at a place in the page. */
  activeCell(place?: HTMLElement): IAttachment | null {
    const cell = this._pick(place);
    return cell ? this._attachment('cell', cell) : null;
  }

  /** What is selected in the active cell's editor, if anything. */
  selection(): IAttachment | null {
    const cell = this._notebook?.activeCell;
    const editor = cell?.editor;
    if (!cell || !editor) {
      return null;
    }
    const { start, end } = editor.getSelection();
    const offsets = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
    const text = editor.model.sharedModel
      .getSource()
      .slice(Math.min(...offsets), Math.max(...offsets));
    return text
      ? {
          kind: 'selection',
          name: this._trans.__('Selection in %1', this._name(cell)),
          text
        }
      : null;
  }

  /** The error of such a cell with its source; empty when it has none. */
  activeFailure(place?: HTMLElement): IAttachment[] {
    const cell = this._pick(place);
    const traceback = cell ? tracebackOf(cell.model) : '';
    return cell && traceback ? this._failure(cell, traceback) : [];
  }

  /** The error in an output, with the source of the cell it is in, if it is in one. */
  failure(output: HTMLElement, traceback: string): IAttachment[] {
    return this._failure(this._pick(output), traceback);
  }

  private _failure(cell: Cell | null, traceback: string): IAttachment[] {
    const trans = this._trans;
    const error: IAttachment = {
      kind: 'output',
      name: cell
        ? trans.__('error of %1', this._name(cell))
        : trans.__('an error'),
      text: plainTraceback(traceback)
    };
    return cell ? [this._attachment('cell', cell), error] : [error];
  }

  private get _notebook(): Notebook | null {
    return this._tracker.currentWidget?.content ?? null;
  }

  private _pick(place?: HTMLElement): Cell | null {
    if (!place) {
      return this._notebook?.activeCell ?? null;
    }
    const cells: Cell[] = [];
    this._tracker.forEach(panel => cells.push(...panel.content.widgets));
    return cells.find(cell => cell.node.contains(place)) ?? null;
  }

  private _attachment(kind: 'cell', cell: Cell): IAttachment {
    const text = cell.model.sharedModel.getSource();
    return { kind, name: this._name(cell), text };
  }

  private _name(cell: Cell): string {
    const panel = this._tracker.find(each =>
      each.content.widgets.includes(cell)
    );
    return this._cellName(
      panel?.content.widgets.indexOf(cell) ?? 0,
      panel?.title.label ?? this._trans.__('a notebook')
    );
  }

  private _cellName(index: number, notebook: string): string {
    return this._trans.__('cell %1 of %2', index + 1, notebook);
  }

  private readonly _tracker: INotebookTracker;
  private readonly _trans: TranslationBundle;
}

/** A notebook that is open, as it can be attached. */
export interface IOpenNotebook {
  name: string;
  cells: IAttachment[];
}

export namespace NotebookDesk {
  export interface IOptions {
    tracker: INotebookTracker;
    trans: TranslationBundle;
  }
}

function insert(notebook: Notebook, code: string, index: number): void {
  notebook.model?.sharedModel.insertCell(index, {
    cell_type: 'code',
    source: code,
    metadata: {}
  });
  notebook.activeCellIndex = index;
  void notebook.scrollToItem(index);
}

function tracebackOf(model: ICellModel): string {
  if (!(model instanceof CodeCellModel)) {
    return '';
  }
  for (let index = 0; index < model.outputs.length; index++) {
    const { data } = model.outputs.get(index);
    const traceback = data[TRACEBACK_MIME];
    if (ERROR_MIME in data && typeof traceback === 'string') {
      return traceback;
    }
  }
  return '';
}
