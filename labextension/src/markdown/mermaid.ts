// A private character after the word: no fence has the language "mermaid" any more.
const GUARD = '\uE0F1';

/**
 * Keep JupyterLab's Markdown parser from drawing diagrams.
 *
 * It would run a large interpreter over what a model wrote. With the guard, the block is code like
 * any other; `unguarded` takes it away from what is shown.
 */
export function guarded(source: string): string {
  return source.replace(/mermaid/gi, word => word + GUARD);
}

/** The text as it was written. */
export function unguarded(text: string): string {
  return text.includes(GUARD) ? text.replaceAll(GUARD, '') : text;
}
