import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

import { chatIcon } from '../icons';
import type { ChatView } from './ChatView';
import type { IChatServices } from './services';

/** The panel in the sidebar: what is in it is loaded when somebody first looks. */
export class ChatPanel extends Widget {
  constructor(options: ChatPanel.IOptions) {
    super();
    this._options = options;
    const { trans } = options;
    this.layout = new PanelLayout();
    this.id = 'ollama-lab-chat';
    this.addClass('jp-OllamaLabChat');
    this.title.icon = chatIcon;
    this.title.caption = trans.__('Ollama chat');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Ollama chat'));
  }

  /** The services of the chat, if it is loaded. */
  get loaded(): IChatServices | null {
    return this._loaded;
  }

  /** Load the chat, or give the one that is there. */
  load(): Promise<IChatServices> {
    this._loading ??= this._load();
    return this._loading;
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._begin();
    }
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._begin();
  }

  protected override onActivateRequest(): void {
    this._loaded?.view.focus();
  }

  private async _load(): Promise<IChatServices> {
    const { services, view } = await this._options.load();
    if (this.isDisposed) {
      view.dispose();
    } else {
      (this.layout as PanelLayout).addWidget(view);
    }
    this._loaded = services;
    return services;
  }

  private _begin(): void {
    this.load().then(
      services => services.begin(),
      () => {
        // Another version was installed, or the server is gone; the next look tries again.
        this._loading = null;
        this.node.dataset.failure = this._options.trans.__(
          'The chat did not load. Load the page again.'
        );
      }
    );
  }

  private readonly _options: ChatPanel.IOptions;
  private _loaded: IChatServices | null = null;
  private _loading: Promise<IChatServices> | null = null;
}

export namespace ChatPanel {
  export interface IOptions {
    load: () => Promise<{ services: IChatServices; view: ChatView }>;
    trans: TranslationBundle;
  }
}
