import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { type ISignal, Signal } from '@lumino/signaling';

import { OpenFence } from './openfence';
import { Pace } from './pace';
import { AnswerRenderer } from './render';
import { BlockSplitter, type IFence } from './splitter';

/**
 * An answer as Markdown that grows.
 *
 * Blocks that are closed are rendered once and stay; only what follows them is rendered again, and
 * a code block that is open grows by its new text alone. At the end the nodes are those of the
 * whole text rendered at once.
 */
export class StreamingMarkdown {
  constructor(options: StreamingMarkdown.IOptions) {
    this._renderer = new AnswerRenderer(options);
    this._languages = options.languages ?? null;
    this._codeBar = options.codeBar ?? null;
    this.node.className = 'jp-RenderedHTMLCommon jp-RenderedMarkdown';
    this.node.dataset.mimeType = 'text/markdown';
  }

  readonly node = document.createElement('div');

  /** Resolves when everything is shown, or when this is disposed of. */
  get finished(): Promise<void> {
    return this._finished.promise;
  }

  /** Something new is in the page. */
  get flushed(): ISignal<this, void> {
    return this._flushed;
  }

  append(text: string): void {
    if (this._isFinal || !text) {
      return;
    }
    this._text += text;
    this._closed.push(...this._splitter.push(text));
    this._pace.request();
  }

  /** There is no more text. */
  finish(): void {
    if (this._isFinal) {
      return;
    }
    this._isFinal = true;
    this._closed.push(...this._splitter.finish());
    this._pace.request({ isUrgent: true });
  }

  dispose(): void {
    this._pace.dispose();
    this._finished.resolve();
    Signal.clearData(this);
  }

  private async _flush(): Promise<void> {
    const isFinal = this._isFinal;
    const closed = this._closed.splice(0).join('');
    const fence = isFinal ? null : this._splitter.fence;
    const tail = isFinal ? '' : this._splitter.tail;
    const done = closed ? await this._renderer.render(closed) : null;
    if (fence?.isTop) {
      await this._growFence(done, tail, fence);
    } else {
      const rest = tail.trim() ? await this._renderer.render(tail) : null;
      this._replaceTail(done, rest ? [...rest.childNodes] : []);
    }
    if (isFinal) {
      await this._end();
    }
    this._flushed.emit();
  }

  private async _growFence(
    done: DocumentFragment | null,
    tail: string,
    fence: IFence
  ): Promise<void> {
    let open = this._openFence;
    if (done || !open) {
      open = new OpenFence(this._languages);
      this._replaceTail(done, [open.node]);
      this._openFence = open;
    }
    const language = fence.info.split(/\s/, 1)[0] ?? '';
    await open.show(bodyOf(tail, fence), language);
  }

  /** Put in what is closed now, and new nodes for what is not. */
  private _replaceTail(done: DocumentFragment | null, tail: ChildNode[]): void {
    for (const node of this._tail) {
      node.remove();
    }
    this._openFence = null;
    this._tail = tail;
    const elements = done ? elementsOf(done) : [];
    if (done) {
      this.node.append(done);
    }
    this.node.append(...tail);
    this._complete(elements);
  }

  /** What a block gets once it is closed and in the page. */
  private _complete(elements: HTMLElement[]): void {
    void this._renderer.typeset(elements);
    const codeBar = this._codeBar;
    if (codeBar) {
      for (const block of elements.flatMap(codeBlocksOf)) {
        block.after(codeBar(block.textContent.replace(/\n$/, '')));
      }
    }
  }

  private async _end(): Promise<void> {
    if (this._splitter.hasDefinitions) {
      // A definition at the end makes links of what stands before it.
      const whole = await this._renderer.render(this._text);
      const elements = elementsOf(whole);
      this.node.replaceChildren(whole);
      this._complete(elements);
    }
    this._finished.resolve();
  }

  private readonly _renderer: AnswerRenderer;
  private readonly _languages: IEditorLanguageRegistry | null;
  private readonly _codeBar: StreamingMarkdown.CodeBar | null;
  private readonly _splitter = new BlockSplitter();
  private readonly _pace = new Pace(() => this._flush());
  private readonly _finished = Private.promise();
  private readonly _flushed = new Signal<this, void>(this);
  private _text = '';
  private _closed: string[] = [];
  private _tail: ChildNode[] = [];
  private _openFence: OpenFence | null = null;
  private _isFinal = false;
}

export namespace StreamingMarkdown {
  /** Makes what stands under a code block, once the block is closed. */
  export type CodeBar = (code: string) => HTMLElement;

  export interface IOptions extends AnswerRenderer.IOptions {
    /** Colors code while it is written; without it, when its block is closed. */
    languages?: IEditorLanguageRegistry | null;
    codeBar?: CodeBar;
  }
}

/** The code in an open fence, without a last line that may become the fence's end. */
function bodyOf(tail: string, fence: IFence): string {
  const body = tail.slice(tail.indexOf('\n') + 1);
  const lastLine = body.slice(body.lastIndexOf('\n') + 1);
  const trimmed = lastLine.trim();
  const isEnd = trimmed !== '' && trimmed === fence.mark.repeat(trimmed.length);
  return isEnd ? body.slice(0, body.length - lastLine.length) : body;
}

function elementsOf(fragment: DocumentFragment): HTMLElement[] {
  return [...fragment.children].filter(one => one instanceof HTMLElement);
}

function codeBlocksOf(element: HTMLElement): HTMLPreElement[] {
  return element instanceof HTMLPreElement
    ? [element]
    : [...element.querySelectorAll('pre')];
}

namespace Private {
  export interface IPromise {
    promise: Promise<void>;
    resolve: () => void;
  }

  export function promise(): IPromise {
    let resolve = (): void => undefined;
    const made = new Promise<void>(done => {
      resolve = done;
    });
    return { promise: made, resolve };
  }
}
