// An extension that gives a page the streaming renderer: `window.ollamaLabPage`.
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

import { AnswerRenderer } from '../../lib/markdown/render';
import { StreamingMarkdown } from '../../lib/markdown/stream';

/** Ours. Like every way here: `append` for each piece, `finish` when all of them came. */
class Ours {
  constructor(page) {
    this._stream = new StreamingMarkdown(page);
    this.node = this._stream.node;
  }

  append(chunk) {
    this._stream.append(chunk);
  }

  async finish() {
    this._stream.finish();
    await this._stream.finished;
  }
}

/** What is written without thinking: the whole text again for each piece. */
class Naive {
  constructor(page) {
    this._rendermime = page.rendermime;
    this.node = document.createElement('div');
    this._text = '';
    this._rendering = Promise.resolve();
  }

  append(chunk) {
    this._text += chunk;
    const text = this._text;
    this._rendering = this._rendering.then(() => this._render(text));
  }

  finish() {
    return this._rendering;
  }

  async _render(text) {
    const renderer = this._rendermime.createRenderer('text/markdown');
    await renderer.renderModel(
      new MimeModel({ data: { 'text/markdown': text } })
    );
    this.node.replaceChildren(renderer.node);
  }
}

class Page {
  constructor(app, rendermime, languages) {
    this.rendermime = rendermime;
    this.languages = languages;
    const widget = new Widget();
    widget.id = 'ollama-lab-page';
    widget.title.label = 'Page';
    widget.node.style.overflow = 'auto';
    this.panel = widget.node;
    app.shell.add(widget, 'right', { rank: 2000 });
    app.shell.activateById(widget.id);
  }

  /** Show some ways to render, one below the other. */
  show(views) {
    this.panel.replaceChildren(...views.map(view => view.node));
  }

  /**
   * Render each text both ways, at once and in pieces, and give both where they differ.
   *
   * `texts` has pairs of a text and the lengths of its pieces; a 0 waits for the page.
   */
  async differences(texts) {
    // Formulas are drawn in either, some time later.
    const rendermime = Object.create(this.rendermime, {
      latexTypesetter: { value: null }
    });
    const parts = { languages: this.languages, rendermime };
    const views = texts.map(() => new Ours(parts));
    this.show(views);
    const found = texts.map(async ([text, pieces], index) => {
      await this._pour(views[index], text, pieces);
      const [streamed, once] = [
        views[index].node,
        await this._once(parts, text)
      ].map(flat);
      return streamed === once ? [] : [{ text, streamed, once }];
    });
    return (await Promise.all(found)).flat();
  }

  /** Render texts in pieces of seven characters, as model's answers. */
  async showAll(texts) {
    const views = texts.map(() => new Ours(this));
    this.show(views);
    const pieces = text => new Array(Math.ceil(text.length / 7)).fill(7);
    await Promise.all(
      views.map((view, index) =>
        this._pour(view, texts[index], pieces(texts[index]))
      )
    );
  }

  /** Feed a text, some characters every some milliseconds; resolves when all of it is shown. */
  async feed(kind, text, characters, milliseconds) {
    const view = kind === 'naive' ? new Naive(this) : new Ours(this);
    this.show([view]);
    await ticks(Math.ceil(text.length / characters), milliseconds, tick => {
      view.append(text.slice(tick * characters, (tick + 1) * characters));
    });
    await view.finish();
    return view.node.textContent.length;
  }

  async _pour(view, text, pieces) {
    let at = 0;
    for (const length of pieces) {
      if (length === 0) {
        await new Promise(resolve => requestAnimationFrame(resolve));
      }
      view.append(text.slice(at, at + length));
      at += length;
    }
    view.append(text.slice(at));
    await view.finish();
  }

  async _once(parts, text) {
    const host = document.createElement('div');
    host.append(await new AnswerRenderer(parts).render(text));
    return host;
  }
}

/** The HTML of a node, without white space that nobody sees. */
function flat(node) {
  return node.innerHTML.replace(/\s+/g, ' ').replace(/> </g, '><').trim();
}

/** Call something at a steady pace; a worker keeps it, so it piles up where the page is too slow. */
function ticks(count, milliseconds, call) {
  const source = `let tick = 0;
    const timer = setInterval(() => {
      postMessage(tick);
      tick += 1;
      if (tick === ${count}) clearInterval(timer);
    }, ${milliseconds});`;
  const url = URL.createObjectURL(
    new Blob([source], { type: 'text/javascript' })
  );
  const worker = new Worker(url);
  return new Promise(resolve => {
    worker.onmessage = ({ data }) => {
      call(data);
      if (data === count - 1) {
        worker.terminate();
        URL.revokeObjectURL(url);
        resolve();
      }
    };
  });
}

export default {
  id: 'ollama-lab-page:plugin',
  description: 'The streaming renderer by itself.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IEditorLanguageRegistry],
  activate: (app, rendermime, languages) => {
    window.ollamaLabPage = new Page(app, rendermime, languages);
  }
};
