import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';

/**
 * A code block that is still being written: text is appended, nothing is rendered anew.
 *
 * It is highlighted when it has grown by nearly half since the last time, so all highlighting
 * together grows with the text and not with its square.
 */
export class OpenFence {
  constructor(languages: IEditorLanguageRegistry | null) {
    this._languages = languages;
    this._code.append(this._text);
    this.node.append(this._code);
  }

  readonly node = document.createElement('pre');

  /** Show a body that begins with the one shown before. */
  async show(body: string, language: string): Promise<void> {
    this._text.appendData(body.slice(this._shownLength));
    this._shownLength = body.length;
    if (
      this._languages &&
      body.length > Math.max(200, this._doneLength * 1.4)
    ) {
      await this._highlight(this._languages, body, language);
    }
  }

  private async _highlight(
    languages: IEditorLanguageRegistry,
    body: string,
    language: string
  ): Promise<void> {
    // Whole lines only: the last one would change its colors with every letter.
    const end = body.lastIndexOf('\n') + 1;
    this._doneLength = end || body.length;
    const scratch = document.createElement('div');
    await languages.highlight(
      body.slice(0, end),
      language ? languages.findBest(language) : null,
      scratch
    );
    this._text = document.createTextNode(body.slice(end));
    this._code.replaceChildren(...scratch.childNodes, this._text);
  }

  private readonly _languages: IEditorLanguageRegistry | null;
  private readonly _code = document.createElement('code');
  private _text = document.createTextNode('');
  private _shownLength = 0;
  private _doneLength = 0;
}
