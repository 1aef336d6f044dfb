const NEWLINE = 0x0a;

/**
 * Cuts bytes into lines.
 *
 * Only `\n` ends a line: answers hold U+0085 and U+2028, which other splitters cut at. A line is
 * decoded once it is whole, so a character may come in pieces.
 */
export class LineSplitter {
  /** Take bytes; gives the lines that they end. */
  push(bytes: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    let end: number;
    while ((end = bytes.indexOf(NEWLINE, start)) !== -1) {
      this._parts.push(bytes.subarray(start, end));
      lines.push(this._take());
      start = end + 1;
    }
    if (start < bytes.length) {
      // A copy: whoever reads the stream may use its buffer again.
      this._parts.push(bytes.slice(start));
    }
    return lines;
  }

  /** The last line, if it came without its end. */
  finish(): string[] {
    return this._parts.length > 0 ? [this._take()] : [];
  }

  private _take(): string {
    const parts = this._parts;
    this._parts = [];
    const text =
      parts.length === 1
        ? this._decoder.decode(parts[0])
        : this._decoder.decode(joined(parts));
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  // The byte order mark is a character like others: JSON does not begin with one.
  private readonly _decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private _parts: Uint8Array[] = [];
}

/**
 * Read the values of a body, a JSON value a line.
 *
 * Leaving the loop cancels the body, which closes the connection. A line that is no JSON throws a
 * SyntaxError; empty lines are passed over.
 */
export async function* values(
  body: ReadableStream<Uint8Array>
): AsyncGenerator<unknown, void, undefined> {
  const reader = body.getReader();
  const splitter = new LineSplitter();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = done ? splitter.finish() : splitter.push(value);
      for (const line of lines) {
        if (line.trim() !== '') {
          yield JSON.parse(line) as unknown;
        }
      }
      if (done) {
        return;
      }
    }
  } finally {
    // No harm after the end; an error of the body was thrown by `read` already.
    await reader.cancel().catch(() => undefined);
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((length, part) => length + part.length, 0)
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
