/** A code fence that is open: what follows belongs to it until it is closed. */
export interface IFence {
  /** The character it is made of, a back tick or a tilde. */
  mark: string;
  length: number;
  /** What is written after it, such as the language. */
  info: string;
  /** Whether it stands by itself, not in a list. */
  isTop: boolean;
}

/**
 * Cuts Markdown that is still being written into blocks.
 *
 * A block is given away once nothing that follows can change how it is rendered, so it needs to be
 * rendered once. Each line is looked at once. Where it is in doubt it cuts later, never sooner.
 */
export class BlockSplitter {
  /** The code fence that is open at the end of the text. */
  get fence(): IFence | null {
    return this._fence;
  }

  /**
   * Whether a link was defined.
   *
   * A definition counts for the whole text, for blocks before it as well: the only way in which a
   * closed block can still change.
   */
  get hasDefinitions(): boolean {
    return this._hasDefinitions;
  }

  /** What is not in a closed block yet. */
  get tail(): string {
    return this._block + this._line;
  }

  /** Take text; gives the blocks that it closes. */
  push(chunk: string): string[] {
    const text = this._unified(chunk);
    let start = 0;
    let end = text.indexOf('\n');
    while (end !== -1) {
      const line = this._line + text.slice(start, end);
      this._line = '';
      this._take(line);
      start = end + 1;
      end = text.indexOf('\n', start);
    }
    // Put together without looking at it: a line may be as long as the answer.
    this._line += text.slice(start);
    return this._given();
  }

  /** There is no more text; gives what is left. */
  finish(): string[] {
    this._block = this.tail;
    this._line = '';
    this._fence = null;
    this._isAfterReturn = false;
    this._cut();
    return this._given();
  }

  /** Let every line end with a line feed alone, as Markdown parsers do. */
  private _unified(chunk: string): string {
    const rest =
      this._isAfterReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    if (chunk) {
      this._isAfterReturn = chunk.endsWith('\r');
    }
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
  }

  private _given(): string[] {
    const closed = this._closed;
    this._closed = [];
    return closed;
  }

  /** Close the block. */
  private _cut(): void {
    if (this._block.trim()) {
      this._closed.push(this._block);
    }
    this._block = '';
    this._isList = false;
    this._isIndented = false;
    this._isAfterBlank = false;
  }

  private _take(line: string): void {
    // In code as well: a fence in a list may have ended where only the parser sees it.
    this._hasDefinitions ||= Private.definition.test(line);
    if (this._fence) {
      this._takeCode(line, this._fence);
    } else if (!line.trim()) {
      this._takeBlank(line);
    } else if (this._isInHtml || !this._takeOpening(line)) {
      this._takeText(line);
    }
  }

  private _takeCode(line: string, fence: IFence): void {
    this._add(line);
    const mark = Private.fenceEnd.exec(line)?.[1];
    if (mark?.[0] === fence.mark && mark.length >= fence.length) {
      this._fence = null;
      if (fence.isTop) {
        this._cut();
      }
    }
  }

  private _takeBlank(line: string): void {
    this._add(line);
    this._isAfterBlank = true;
    this._isHtmlBlock = false;
  }

  /** Take a line that begins a block of its own; false if it is another line. */
  private _takeOpening(line: string): boolean {
    const indent = Private.indentOf(line);
    if (this._isAfterBlank && !this._goesOn(line, indent)) {
      this._cut();
    }
    if (this._isList) {
      return this._takeFenceInList(line, indent);
    }
    if (Private.heading.test(line)) {
      this._cut();
      this._add(line);
      this._cut();
      return true;
    }
    return this._takeFence(Private.fence.exec(line), line, true);
  }

  /** Whether a line after a blank one can still be part of the block. */
  private _goesOn(line: string, indent: number): boolean {
    return (
      (this._isList && (indent >= 2 || Private.item.test(line))) ||
      (this._isIndented && indent >= 4)
    );
  }

  private _takeFenceInList(line: string, indent: number): boolean {
    // A fence at the margin ends the list.
    const isTop = indent === 0 && !Private.item.test(line);
    return this._takeFence(Private.fenceInItem.exec(line), line, isTop);
  }

  private _takeFence(
    match: RegExpExecArray | null,
    line: string,
    isTop: boolean
  ): boolean {
    const [mark, info] = match?.slice(1) ?? [];
    if (mark === undefined || info === undefined) {
      return false;
    }
    // Back ticks after back ticks: this is code in a line.
    if (mark.startsWith('`') && info.includes('`')) {
      return false;
    }
    if (isTop) {
      this._cut();
    }
    this._add(line);
    this._fence = {
      mark: mark.charAt(0),
      length: mark.length,
      info: info.trim(),
      isTop
    };
    return true;
  }

  private _takeText(line: string): void {
    this._isIndented = Private.indentOf(line) >= 4;
    if (Private.item.test(line)) {
      this._isList = true;
    }
    if (this._isInHtml || Private.html.test(line)) {
      this._isCommentBlock ||= !this._isInHtml && Private.comment.test(line);
      this._isHtmlBlock = true;
      this._countTags(line);
      if (this._isCommentBlock && !this._isComment) {
        // Unlike an element, a comment ends its block by itself.
        this._isCommentBlock = false;
        this._isHtmlBlock = false;
      }
    }
    this._add(line);
  }

  private _add(line: string): void {
    this._block += `${line}\n`;
    this._isAfterBlank = false;
  }

  /** Raw HTML stays in one block until its elements are closed and a blank line comes. */
  private get _isInHtml(): boolean {
    return this._isHtmlBlock || this._isComment || this._openTags > 0;
  }

  private _countTags(line: string): void {
    let rest = line;
    if (this._isComment) {
      const end = rest.indexOf('-->');
      if (end === -1) {
        return;
      }
      this._isComment = false;
      rest = rest.slice(end + 3);
    }
    rest = rest.replace(/<!--[^\n]*?-->/g, '');
    const comment = rest.indexOf('<!--');
    if (comment !== -1) {
      this._isComment = true;
      rest = rest.slice(0, comment);
    }
    for (const [, slash, name = '', selfClosed] of rest.matchAll(Private.tag)) {
      if (!selfClosed && !Private.isVoid.test(name)) {
        this._openTags = Math.max(0, this._openTags + (slash ? -1 : 1));
      }
    }
  }

  /** The lines of the open block. */
  private _block = '';
  /** The line that has not ended. */
  private _line = '';
  private _closed: string[] = [];
  private _fence: IFence | null = null;
  private _hasDefinitions = false;
  private _isList = false;
  private _isIndented = false;
  private _isAfterBlank = false;
  private _isAfterReturn = false;
  private _isHtmlBlock = false;
  private _isComment = false;
  private _isCommentBlock = false;
  private _openTags = 0;
}

namespace Private {
  /** How far a line is moved in; a tab reaches to the next multiple of four. */
  export function indentOf(line: string): number {
    let width = 0;
    for (const character of line) {
      if (character === '\t') {
        width += 4 - (width % 4);
      } else if (character === ' ') {
        width += 1;
      } else {
        break;
      }
    }
    return width;
  }

  export const fence = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/;
  export const fenceInItem =
    /^\s*(?:[-+*] +|\d{1,9}[.)] +)?(`{3,}|~{3,})([^\n]*)$/;
  export const fenceEnd = /^\s*(`{3,}|~{3,})\s*$/;
  export const item = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)/;
  export const heading = /^ {0,3}#{1,6}(?:[ \t]|$)/;
  export const definition = /^ {0,3}\[[^\]]+\]:\s*\S/;
  export const html = /^ {0,3}<(?:!--|\/?[a-zA-Z][\w-]*)/;
  export const comment = /^ {0,3}<!--/;
  export const tag =
    /<(\/?)([a-zA-Z][\w-]*)(?:"[^"]*"|'[^']*'|[^"'>])*?(\/?)>/g;
  export const isVoid =
    /^(?:br|hr|img|input|meta|link|source|wbr|area|base|col|embed|track)$/i;
}
