import { describe, expect, it } from 'vitest';

import { address } from '../src/markdown/address';
import { acts, mayHoldFormula } from '../src/markdown/formula';
import { guarded, unguarded } from '../src/markdown/mermaid';

describe('an address', () => {
  it.each([
    ['https://example.org', 'https://example.org/'],
    ['HTTP://example.org/a?b=c#d', 'http://example.org/a?b=c#d'],
    ['mailto:a@example.org', 'mailto:a@example.org'],
    ['https://exämple.org/ü', 'https://xn--exmple-cua.org/%C3%BC']
  ])('%s may be followed', (written, read) => {
    expect(address(written)).toBe(read);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    ' https://example.org',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://example.org/x',
    'file:///etc/passwd',
    '//example.org',
    '/lab?reset',
    'notebook.ipynb',
    '#heading',
    'https://',
    'https:example.org',
    'https://exa mple.org',
    ''
  ])('%j is not followed', written => {
    expect(address(written)).toBeNull();
  });
});

describe('a formula', () => {
  it.each([
    '\\href{javascript:alert(1)}{x}',
    '\\HREF{x}{y}',
    '\\class{jp-Dialog}{x}',
    '\\style{position:fixed}{x}',
    '\\require{html}',
    '\\newcommand{\\frac}{x}',
    '\\def\\x{y}',
    '\\let\\alpha\\href',
    '\\htmlData{a=b}{x}',
    '\\DeclareMathOperator{\\x}{y}'
  ])('%s acts', tex => {
    expect(acts(`$${tex}$`)).toBe(true);
  });

  it.each([
    '\\frac{a}{b}',
    '\\neq',
    '\\newline',
    '\\hat{x}',
    '\\letter',
    'a \\to b'
  ])('%s only draws', tex => {
    expect(acts(`$${tex}$`)).toBe(false);
  });

  it.each(['$x$', '\\(x\\)', '\\[x\\]', '\\begin{align}x\\end{align}'])(
    'may be in %s',
    text => {
      expect(mayHoldFormula(text)).toBe(true);
    }
  );

  it('is not in a text without signs of it', () => {
    expect(mayHoldFormula('a (b) [c] \\d')).toBe(false);
  });
});

describe('a diagram', () => {
  it.each([
    '```mermaid\nx\n```',
    '~~~ Mermaid\nx\n~~~',
    '- ```mermaid\n  x\n  ```'
  ])('is no language of %j any more', source => {
    expect(guarded(source)).not.toMatch(/mermaid\s/i);
  });

  it('is written as it was', () => {
    const source = '```mermaid\nMermaid mermaids\n```';

    expect(unguarded(guarded(source))).toBe(source);
  });
});
