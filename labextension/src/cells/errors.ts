import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';

import { ERROR_MIME, TRACEBACK_MIME, isPuzzling } from './traceback';

/** Put a button under every exception; JupyterLab itself draws the traceback. */
export function addErrorRenderer(options: IErrorHelp): void {
  const factory: IRenderMime.IRendererFactory = {
    safe: true,
    mimeTypes: [ERROR_MIME],
    createRenderer: renderer => new ErrorOutput({ ...options, renderer })
  };
  // JupyterLab ranks its own renderer of the same output 110.
  options.rendermime.addFactory(factory, 100);
}

export interface IErrorHelp {
  rendermime: IRenderMimeRegistry;
  trans: TranslationBundle;
  /** Called with the node of the output whose button was pressed, and its traceback. */
  explain: (output: HTMLElement, traceback: string) => void;
}

class ErrorOutput extends Widget implements IRenderMime.IRenderer {
  constructor(options: ErrorOutput.IOptions) {
    super();
    this._options = options;
    this.layout = this._parts;
    this.addClass('jp-OllamaLabError');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    for (const part of [...this._parts.widgets]) {
      part.dispose();
    }
    const body = this._body();
    this._parts.addWidget(body);
    const traceback = textOf(model.data[TRACEBACK_MIME]);
    if (isPuzzling(nameOf(model.data[ERROR_MIME]), traceback)) {
      this._parts.addWidget(this._row(traceback));
    }
    await body.renderModel(model);
  }

  /** JupyterLab's own renderer, with the notebook's own links to files. */
  private _body(): IRenderMime.IRenderer {
    const { renderer, rendermime } = this._options;
    const factory = rendermime.getFactory(TRACEBACK_MIME);
    return factory
      ? factory.createRenderer({ ...renderer, mimeType: TRACEBACK_MIME })
      : rendermime.createRenderer(TRACEBACK_MIME);
  }

  private _row(traceback: string): Widget {
    const { trans, explain } = this._options;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-OllamaLabError-explain jp-mod-styled jp-mod-minimal';
    button.textContent = trans.__('Explain this error');
    button.addEventListener('click', () => explain(this.node, traceback));
    const row = new Widget();
    row.node.append(button);
    return row;
  }

  private readonly _options: ErrorOutput.IOptions;
  private readonly _parts = new PanelLayout();
}

namespace ErrorOutput {
  export interface IOptions extends IErrorHelp {
    /** What the notebook that shows the error draws its outputs with. */
    renderer: IRenderMime.IRendererOptions;
  }
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : '';
}

function nameOf(error: unknown): string {
  return error instanceof Object && 'ename' in error ? textOf(error.ename) : '';
}
