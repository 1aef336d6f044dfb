import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';

/** What an exception in a cell is shown from; text on stderr has another type. */
const ERROR_MIME = 'application/vnd.jupyter.error';
const BODY_MIME = 'application/vnd.jupyter.stderr';

/** Put a button under every exception; JupyterLab itself draws the traceback. */
export function addErrorRenderer(options: ErrorOutput.IOptions): void {
  const factory: IRenderMime.IRendererFactory = {
    safe: true,
    mimeTypes: [ERROR_MIME],
    createRenderer: () => new ErrorOutput(options)
  };
  // JupyterLab ranks its own renderer of the same output 110.
  options.rendermime.addFactory(factory, 100);
}

class ErrorOutput extends Widget implements IRenderMime.IRenderer {
  constructor(options: ErrorOutput.IOptions) {
    super();
    this._options = options;
    this.layout = this._parts;
    this.addClass('jp-OllamaLabError');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const body = this._options.rendermime.createRenderer(BODY_MIME);
    for (const part of [...this._parts.widgets]) {
      part.dispose();
    }
    this._parts.addWidget(body);
    this._parts.addWidget(this._row());
    await body.renderModel(model);
  }

  private _row(): Widget {
    const { trans, explain } = this._options;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-OllamaLabError-explain jp-mod-styled jp-mod-minimal';
    button.textContent = trans.__('Explain this error');
    button.addEventListener('click', () => explain(this.node));
    const row = new Widget();
    row.node.append(button);
    return row;
  }

  private readonly _options: ErrorOutput.IOptions;
  private readonly _parts = new PanelLayout();
}

namespace ErrorOutput {
  export interface IOptions {
    rendermime: IRenderMimeRegistry;
    trans: TranslationBundle;
    /** Called with the node of the output whose button was pressed. */
    explain: (output: HTMLElement) => void;
  }
}
