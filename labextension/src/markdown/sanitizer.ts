import type { IRenderMime } from '@jupyterlab/rendermime';

import { english, type ITranslate } from '../translation';
import { address } from './address';
import { acts } from './formula';
import { unguarded } from './mermaid';

/**
 * Lets through what an answer needs to be read, and nothing that acts.
 *
 * JupyterLab's sanitizer, which goes first, leaves images, media and forms: an image is fetched as
 * soon as it is in the page, and a form looks like one of JupyterLab's own. Classes would let an
 * answer dress as a dialog.
 */
export class AnswerSanitizer implements IRenderMime.ISanitizer {
  constructor(options: AnswerSanitizer.IOptions) {
    this._inner = options.sanitizer;
    this._trans = options.trans ?? english;
  }

  /** Names would let an answer take the place of what scripts look up. */
  readonly allowNamedProperties = false;
  readonly allowCommandLinker = false;

  getAutolink(): boolean {
    return this._inner.getAutolink?.() ?? true;
  }

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    // A document of its own, which fetches nothing and runs nothing.
    const { body } = new DOMParser().parseFromString(
      this._inner.sanitize(dirty, options),
      'text/html'
    );
    this._clean(body);
    body.normalize();
    silence(body);
    // eslint-disable-next-line no-restricted-properties -- Read, not written, and of clean nodes.
    return body.innerHTML;
  }

  private _clean(root: HTMLElement): void {
    // From the last to the first: what an element holds is clean before it goes up in its parent.
    for (const element of [...root.querySelectorAll('*')].reverse()) {
      if (element.localName === 'img') {
        element.replaceWith(this._imageLink(element));
      } else if (element.localName === 'input') {
        element.replaceWith(checkbox(element));
      } else if (!Private.elements.has(element.localName)) {
        element.replaceWith(...element.childNodes);
      } else {
        cleanAttributes(element);
      }
    }
    for (const text of textsOf(root)) {
      text.data = unguarded(text.data);
    }
  }

  /** A picture is not fetched; who wants to see it opens its address. */
  private _imageLink(image: Element): Node {
    const { ownerDocument } = image;
    const alt = unguarded(image.getAttribute('alt') ?? '');
    const words = alt
      ? this._trans.__('Image: %1', alt)
      : this._trans.__('Image');
    const to = address(unguarded(image.getAttribute('src') ?? ''));
    if (to === null || image.closest('a')) {
      return ownerDocument.createTextNode(words);
    }
    const link = ownerDocument.createElement('a');
    setAddress(link, to);
    link.textContent = words;
    return link;
  }

  private readonly _inner: IRenderMime.ISanitizer;
  private readonly _trans: ITranslate;
}

export namespace AnswerSanitizer {
  export interface IOptions {
    /** The one of the rendermime registry. */
    sanitizer: IRenderMime.ISanitizer;
    trans?: ITranslate;
  }
}

function cleanAttributes(element: Element): void {
  const href = unguarded(element.getAttribute('href') ?? '');
  for (const { name, value } of [...element.attributes]) {
    const clean = Private.attributes[name]?.(value, element) ?? null;
    if (clean === null) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, clean);
    }
  }
  const to = element.localName === 'a' ? address(href) : null;
  if (to !== null) {
    setAddress(element, to);
  }
}

/** A link tells where it leads, opens beside JupyterLab and does not tell where it stood. */
function setAddress(link: Element, to: string): void {
  link.setAttribute('href', to);
  link.setAttribute('title', to);
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noopener noreferrer nofollow');
}

function checkbox(input: Element): Text {
  const isBox = input.getAttribute('type') === 'checkbox';
  const box = input.hasAttribute('checked') ? '☑ ' : '☐ ';
  return input.ownerDocument.createTextNode(isBox ? box : '');
}

/** Keep formulas that act from being typeset: they are shown as they were written. */
function silence(root: HTMLElement): void {
  for (const text of textsOf(root)) {
    if (acts(text.data) && !text.parentElement?.closest('pre, code')) {
      const span = root.ownerDocument.createElement('span');
      span.className = 'mathjax_ignore';
      text.replaceWith(span);
      span.append(text);
    }
  }
}

function textsOf(root: HTMLElement): Text[] {
  const walker = root.ownerDocument.createTreeWalker(
    root,
    NodeFilter.SHOW_TEXT
  );
  const texts: Text[] = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node instanceof Text) {
      texts.push(node);
    }
  }
  return texts;
}

namespace Private {
  export const elements = new Set(
    `a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em
    figcaption figure h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q s samp small span strike
    strong sub summary sup table tbody td tfoot th thead tr tt u ul var`.split(
      /\s+/
    )
  );

  // What the highlighter and the Markdown parser give to code; all others are JupyterLab's.
  const codeClass = /^(?:ͼ\w+|language-[\w+#.-]+)$/;

  const oneOf =
    (...values: string[]) =>
    (value: string) =>
      values.includes(value) ? value : null;

  const number = (value: string) => (/^\d{1,4}$/.test(value) ? value : null);

  /** The attributes that may stay, and what becomes of their value. */
  export const attributes: Partial<
    Record<string, (value: string, element: Element) => string | null>
  > = {
    align: oneOf('left', 'center', 'right'),
    colspan: number,
    dir: oneOf('ltr', 'rtl', 'auto'),
    open: () => '',
    rowspan: number,
    start: number,
    class: (value, element) => {
      const names = element.closest('pre, code')
        ? value.split(/\s+/).filter(name => codeClass.test(unguarded(name)))
        : [];
      return names.length > 0 ? unguarded(names.join(' ')) : null;
    }
  };
}
