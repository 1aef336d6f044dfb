/** What of a draft is being completed. */
export interface ITrigger {
  sign: '@' | '/';
  /** Where the sign stands. */
  start: number;
  /** Where the caret stands. */
  end: number;
  /** What is typed behind the sign, without a quotation mark. */
  query: string;
}

/** One thing that can be chosen. */
export interface IOption {
  kind: 'variable' | 'notebook' | 'cell' | 'file' | 'command';
  label: string;
  detail: string;
  /** What stands in the draft in place of sign and query afterwards. */
  replacement: string;
  run?: () => void;
}

/** What is offered of all that fits. */
export interface IOffer {
  options: readonly IOption[];
  /** Whether more would fit. */
  isCut: boolean;
}

/** A list that is longer nobody reads; so many of a kind leave room for the others. */
const MOST_OF_A_KIND = 10;

/** What is completed at the caret: a command that is the first line, or a mention behind a space. */
export function triggerAt(text: string, caret: number): ITrigger | null {
  const before = text.slice(0, caret);
  const isLineEnd = caret === text.length || text[caret] === '\n';
  if (isLineEnd && /^\/[^\n]*$/.test(before)) {
    return { sign: '/', start: 0, end: caret, query: before.slice(1) };
  }
  // Paths may have spaces: those stand in quotation marks.
  const mention = /(?:^|[\s([{])(@(?:"([^"\n]*)|([^\s@"]*)))$/.exec(before);
  if (!mention) {
    return null;
  }
  const [, whole = '', quoted, plain = ''] = mention;
  const start = caret - whole.length;
  return { sign: '@', start, end: caret, query: quoted ?? plain };
}

/** Whether a draft still has at its place what was being completed. */
export function isStill(trigger: ITrigger, draft: string): boolean {
  const now = triggerAt(draft, trigger.end);
  return now?.start === trigger.start && now.query === trigger.query;
}

/** The folder that a mention is in; empty for the one that the Jupyter server shows. */
export function folderOf(query: string): string {
  return query.slice(0, query.lastIndexOf('/') + 1);
}

/** What a mention of a folder is written as, to go on in it. */
export function folderMention(path: string): string {
  return /[\s"@]/.test(path) ? `@"${path}/` : `@${path}/`;
}

/** The options that have the query in their words, those that begin with it first. */
export function ranked(options: readonly IOption[], query: string): IOffer {
  const wanted = query.toLowerCase();
  const fitting = ([0, 1, 2] as const).flatMap(rank =>
    options.filter(option => rankOf(option, wanted) === rank)
  );
  return fewOfEachKind(fitting);
}

/** The commands that begin with the query. */
export function beginning(options: readonly IOption[], query: string): IOffer {
  const wanted = query.trimStart().toLowerCase();
  return fewOfEachKind(
    options.filter(({ label }) => label.toLowerCase().startsWith(wanted))
  );
}

/** The draft with the replacement in it, and where the caret goes. */
export function completed(
  text: string,
  { start, end }: ITrigger,
  replacement: string
): { text: string; caret: number } {
  return {
    text: text.slice(0, start) + replacement + text.slice(end),
    caret: start + replacement.length
  };
}

function rankOf({ label, detail }: IOption, wanted: string): number {
  const at = label.toLowerCase().indexOf(wanted);
  if (at >= 0) {
    return Math.min(at, 1);
  }
  return detail.toLowerCase().includes(wanted) ? 2 : 3;
}

function fewOfEachKind(fitting: readonly IOption[]): IOffer {
  const counts = new Map<string, number>();
  const options = fitting.filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= MOST_OF_A_KIND || kind === 'command';
  });
  return { options, isCut: options.length < fitting.length };
}
