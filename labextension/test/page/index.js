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
    const view = this._fresh(kind);
    await ticks(Math.ceil(text.length / characters), milliseconds, tick => {
      view.append(text.slice(tick * characters, (tick + 1) * characters));
    });
    await view.finish();
    return view.node.textContent.length;
  }

  /**
   * Feed pieces, one every some milliseconds.
   *
   * Gives the milliseconds of each task that held the page for more than 50.
   */
  async pour(kind, pieces, milliseconds) {
    const view = this._fresh(kind);
    const tasks = [];
    const note = entries => tasks.push(...entries.map(one => one.duration));
    const observer = new PerformanceObserver(list => note(list.getEntries()));
    observer.observe({ type: 'longtask' });
    await ticks(pieces.length, milliseconds, tick => view.append(pieces[tick]));
    await view.finish();
    await painted();
    note(observer.takeRecords());
    observer.disconnect();
    return tasks;
  }

  /**
   * Feed pieces, one every some milliseconds, and look at each frame what a person would see.
   *
   * Each piece ends in a word of its own, `words`. Gives how long each took to be painted, how many
   * frames there were, and in what time.
   */
  async watch(kind, pieces, words, milliseconds) {
    const view = this._fresh(kind);
    const frames = new Frames(view.node);
    await ticks(pieces.length, milliseconds, tick => {
      frames.expect(words[tick]);
      view.append(pieces[tick]);
    });
    await view.finish();
    return frames.end();
  }

  /** Do nothing for some milliseconds. */
  rest(milliseconds) {
    return new Promise(resolve => setTimeout(resolve, milliseconds));
  }

  /** Render texts all at once, each by itself; resolves when they are painted. */
  async open(texts) {
    const renderers = texts.map(() =>
      this.rendermime.createRenderer('text/markdown')
    );
    this.panel.replaceChildren(...renderers.map(one => one.node));
    await Promise.all(
      renderers.map((one, index) =>
        one.renderModel(
          new MimeModel({ data: { 'text/markdown': texts[index] } })
        )
      )
    );
    this.panel.scrollTop = this.panel.scrollHeight;
    await painted();
  }

  _fresh(kind) {
    const view = kind === 'naive' ? new Naive(this) : new Ours(this);
    this.show([view]);
    return view;
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

/** What a person sees while an answer comes, frame by frame. */
class Frames {
  constructor(node) {
    this._node = node;
    void this._run();
  }

  /** From now on this word should be seen. */
  expect(word) {
    this._pending.push({ word, since: performance.now() });
  }

  async end() {
    await painted();
    await painted();
    this._isOver = true;
    const milliseconds = performance.now() - this._begun;
    return { delays: this._delays, frames: this._frames, milliseconds };
  }

  async _run() {
    while (!this._isOver) {
      await painted();
      this._frames += 1;
      const text = this._pending.length ? this._node.textContent : '';
      while (this._pending.length && text.includes(this._pending[0].word)) {
        const { since } = this._pending.shift();
        this._delays.push(performance.now() - since);
      }
    }
  }

  _begun = performance.now();
  _isOver = false;
  _frames = 0;
  _pending = [];
  _delays = [];
}

/** Wait until a frame is on the screen: what is posted before it paints arrives after that. */
function painted() {
  return new Promise(resolve => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
  });
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
