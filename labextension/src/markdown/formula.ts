// Commands that link, load, style, name, hide, or change what later formulas mean: the same list
// as that of the Python side, which a test compares.
const ACTIVE = new Set(
  `href url class cssid style data unicode require mmltoken bbox includegraphics toggle mathtip
  texttip mathtoolsset setoptions def edef gdef xdef let futurelet global long newcommand
  renewcommand providecommand newenvironment renewenvironment newtagform renewtagform usetagform
  newcolumntype newextarrow definecolor csname endcsname input include write openout special
  catcode char loop htmlclass htmlid htmlstyle htmldata`.split(/\s+/)
);
const COMMAND = /\\([A-Za-z]+)/g;
const DECLARES = /^(?:declare|html|new[a-km-z]|renew|provide)/;

/** Whether a text may hold a formula. */
export function mayHoldFormula(text: string): boolean {
  return /\$|\\[([]|\\begin/.test(text);
}

/** Whether a text holds a command of LaTeX that does more than draw. */
export function acts(text: string): boolean {
  for (const [, name = ''] of text.matchAll(COMMAND)) {
    const lower = name.toLowerCase();
    if (ACTIVE.has(lower) || DECLARES.test(lower)) {
      return true;
    }
  }
  return false;
}
