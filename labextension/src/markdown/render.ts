import {
  renderMarkdown,
  type IRenderMime,
  type IRenderMimeRegistry
} from '@jupyterlab/rendermime';

import type { ITranslate } from '../translation';
import { mayHoldFormula } from './formula';
import { guarded } from './mermaid';
import { AnswerSanitizer } from './sanitizer';

/** Renders Markdown that a model wrote, as JupyterLab would, but for what could act. */
export class AnswerRenderer {
  constructor(options: AnswerRenderer.IOptions) {
    const { rendermime, trans } = options;
    this._typesetter = rendermime.latexTypesetter;
    this._sanitizer = new AnswerSanitizer({
      sanitizer: rendermime.sanitizer,
      ...(trans ? { trans } : {})
    });
    const parser = rendermime.markdownParser;
    this._parser = parser && {
      render: source => parser.render(guarded(source))
    };
  }

  /** Render a text; formulas are for `typeset`, once the nodes are in the page. */
  async render(source: string): Promise<DocumentFragment> {
    const host = document.createElement('div');
    try {
      await this._renderInto(host, source);
    } catch {
      // Whatever the parser stumbles over: the words are there to be read.
      const plain = document.createElement('pre');
      plain.textContent = source;
      host.replaceChildren(plain);
    }
    withoutAnchors(host);
    const fragment = document.createDocumentFragment();
    fragment.append(...host.childNodes);
    return fragment;
  }

  /** Draw the formulas of elements that are in the page. */
  async typeset(elements: readonly HTMLElement[]): Promise<void> {
    const typesetter = this._typesetter;
    if (!typesetter) {
      return;
    }
    for (const element of elements) {
      if (mayHoldFormula(element.textContent)) {
        // What it cannot draw stays as it was written.
        await Promise.resolve(typesetter.typeset(element)).catch(
          () => undefined
        );
      }
    }
  }

  private _renderInto(host: HTMLElement, source: string): Promise<void> {
    return renderMarkdown({
      host,
      source,
      trusted: false,
      sanitizer: this._sanitizer,
      // Relative addresses are taken out before: nothing is left to resolve.
      resolver: null,
      linkHandler: null,
      shouldTypeset: false,
      latexTypesetter: null,
      markdownParser: this._parser
    });
  }

  private readonly _typesetter: IRenderMime.ILatexTypesetter | null;
  private readonly _sanitizer: AnswerSanitizer;
  private readonly _parser: IRenderMime.IMarkdownParser | null;
}

export namespace AnswerRenderer {
  export interface IOptions {
    rendermime: IRenderMimeRegistry;
    trans?: ITranslate;
  }
}

/** Take away the names of headings: those of one answer are those of another one as well. */
function withoutAnchors(host: HTMLElement): void {
  for (const link of host.querySelectorAll('.jp-InternalAnchorLink')) {
    link.remove();
  }
  for (const heading of host.querySelectorAll('[data-jupyter-id], [id]')) {
    heading.removeAttribute('data-jupyter-id');
    heading.removeAttribute('id');
  }
}
