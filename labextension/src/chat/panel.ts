import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import { chatIcon } from '../icons';

/** The panel in the sidebar. */
export class ChatPanel extends Panel {
  constructor(options: ChatPanel.IOptions) {
    super();
    const { trans } = options;
    this.id = 'ollama-lab-chat';
    this.addClass('jp-OllamaLabChat');
    this.title.icon = chatIcon;
    this.title.caption = trans.__('Ollama chat');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Ollama chat'));
  }
}

export namespace ChatPanel {
  export interface IOptions {
    rendermime: IRenderMimeRegistry;
    trans: TranslationBundle;
  }
}
