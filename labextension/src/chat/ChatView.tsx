import type { ICell } from '@jupyterlab/nbformat';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import { App } from './App';
import { ServicesContext, type IChatServices } from './services';

const CELLS = 'application/vnd.jupyter.cells';
const PATHS = 'application/x-jupyter-icontents';
const EVENTS = [
  'lm-dragenter',
  'lm-dragleave',
  'lm-dragover',
  'lm-drop',
  'dragleave',
  'dragover',
  'drop'
];

/** Everything in the panel, and what may be dropped on it. */
export class ChatView extends ReactWidget {
  constructor(services: IChatServices) {
    super();
    const { desk } = services;
    this._services = services;
    this.addClass('jp-OllamaLabChat-view');
    const markNotebook = () => {
      // Code can only go into a notebook while there is one.
      this.toggleClass('jp-mod-noNotebook', !desk?.isOpen);
    };
    desk?.changed.connect(markNotebook);
    markNotebook();
  }

  render(): ReactElement {
    return (
      <ServicesContext.Provider value={this._services}>
        <App />
      </ServicesContext.Provider>
    );
  }

  handleEvent(event: Event): void {
    if (event instanceof Drag.Event) {
      this._drag(event);
    } else if (event instanceof DragEvent) {
      this._dragFiles(event);
    }
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    for (const name of EVENTS) {
      this.node.addEventListener(name, this);
    }
  }

  protected override onBeforeDetach(msg: Message): void {
    for (const name of EVENTS) {
      this.node.removeEventListener(name, this);
    }
    super.onBeforeDetach(msg);
  }

  private _drag(event: Drag.Event): void {
    if (event.type === 'lm-drop') {
      this._take(event);
    } else if (event.type === 'lm-dragleave') {
      this.removeClass('jp-mod-dropTarget');
    } else {
      this._offer(event);
    }
  }

  private _offer(event: Drag.Event): void {
    if (event.mimeData.hasData(CELLS) || event.mimeData.hasData(PATHS)) {
      event.preventDefault();
      event.stopPropagation();
      // The file browser knows no copies, a notebook does.
      event.dropAction = event.proposedAction;
      this.addClass('jp-mod-dropTarget');
    }
  }

  private _take(event: Drag.Event): void {
    const { attacher } = this._services;
    event.preventDefault();
    event.stopPropagation();
    event.dropAction = event.proposedAction;
    this.removeClass('jp-mod-dropTarget');
    if (event.mimeData.hasData(CELLS)) {
      attacher.addCells(event.mimeData.getData(CELLS) as ICell[]);
    } else {
      void attacher.addPaths(event.mimeData.getData(PATHS) as string[]);
    }
  }

  /** What comes from outside of the page. */
  private _dragFiles(event: DragEvent): void {
    const { dataTransfer, target, type } = event;
    const hasFiles = dataTransfer?.types.includes('Files') ?? false;
    this.toggleClass('jp-mod-dropTarget', hasFiles && type === 'dragover');
    // Text may fall into a field; else the browser would leave the page to show what is dropped.
    if (hasFiles || !(target instanceof HTMLTextAreaElement)) {
      event.preventDefault();
    }
    if (hasFiles && type === 'drop') {
      event.stopPropagation();
      void this._services.attacher.addFiles([...(dataTransfer?.files ?? [])]);
    }
  }

  private readonly _services: IChatServices;
}
