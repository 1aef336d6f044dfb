import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

/** What commands on cells take; the items of the context menu say `isMenu`. */
export const CELL_ARGUMENTS = {
  args: {
    type: 'object',
    properties: {
      isMenu: {
        type: 'boolean',
        description: 'Take the cell under the context menu, not the active one.'
      }
    }
  }
} as const;

/** The node of the cell whose menu was opened: a right click need not make a cell active. */
export function cellUnderMenu(
  app: JupyterFrontEnd,
  args: ReadonlyPartialJSONObject
): HTMLElement | undefined {
  return args.isMenu === true
    ? app.contextMenuHitTest(node => node.classList.contains('jp-Cell'))
    : undefined;
}
