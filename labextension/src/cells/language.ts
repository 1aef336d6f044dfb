import { Language, LanguageSupport } from '@codemirror/language';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { Parser } from '@lezer/common';

/** The mime type of a cell that begins with our magic. */
export const PROMPT_MIME = 'text/x-ollama-prompt';

const MAGIC = /^\s*%%ollama(?:_lab)?(?=\s|$)/;

/** Whether a cell asks a model; `%%ollama?` asks for help. */
export function isPrompt(source: string): boolean {
  return MAGIC.test(source);
}

/** Teach the editor a language for prompts: the magic's line, then Markdown. */
export function addPromptLanguage(languages: IEditorLanguageRegistry): void {
  languages.addLanguage({
    name: 'ollama-prompt',
    displayName: 'Ollama prompt',
    mime: PROMPT_MIME,
    load: () => loadMarkdown(languages)
  });
}

async function loadMarkdown(
  languages: IEditorLanguageRegistry
): Promise<LanguageSupport> {
  // The Markdown of notebooks has formulas; a distribution may leave it out.
  const found =
    (await languages.getLanguage('ipythongfm')) ??
    (await languages.getLanguage('markdown'));
  if (!found?.support) {
    throw new Error('This JupyterLab has no language for Markdown.');
  }
  return withMagicLine(found.support);
}

/** Without it options such as `-O a_b=1` were emphasis, and `---` below made a heading of them. */
function withMagicLine(markdown: LanguageSupport): LanguageSupport {
  const { language, support } = markdown;
  if (!isMarkdownParser(language.parser)) {
    return markdown;
  }
  const parser = language.parser.configure({
    parseBlock: [{ name: 'OllamaMagic', before: 'IndentedCode', parse }]
  });
  return new LanguageSupport(
    new Language(language.data, parser, [], 'ollama-prompt'),
    support
  );
}

function parse(context: IBlockContext, line: { text: string }): boolean {
  const magic = MAGIC.exec(line.text);
  if (context.lineStart > 0 || !magic) {
    return false;
  }
  // Nodes that Markdown has already: new ones would need colors of their own.
  const mark = context.elt('HeaderMark', 0, magic[0].length);
  const end = line.text.length;
  context.addElement(context.elt('ProcessingInstructionBlock', 0, end, [mark]));
  context.nextLine();
  return true;
}

/** The part of Markdown's parser that is used here; its package is not in JupyterLab's core. */
interface IMarkdownParser extends Parser {
  configure(extension: {
    parseBlock: {
      name: string;
      before: string;
      parse: (context: IBlockContext, line: { text: string }) => boolean;
    }[];
  }): Parser;
}

interface IBlockContext {
  lineStart: number;
  addElement(element: unknown): void;
  elt(type: string, from: number, to: number, children?: unknown[]): unknown;
  nextLine(): boolean;
}

function isMarkdownParser(parser: Parser): parser is IMarkdownParser {
  return 'configure' in parser && 'blockParsers' in parser;
}
