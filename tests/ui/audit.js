// What a drawn answer may hold; everything else is named. One list for each Markdown output.
// `ours`: elements that we write around an answer ourselves.
ours => {
  const TAGS = new Set(
    `${ours} A B BLOCKQUOTE BR CODE DEL EM H1 H2 H3 H4 H5 H6 HR INPUT LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL`.split(' ')
  );
  const ATTRIBUTES = {
    A: ['href', 'rel', 'target', 'class'],
    CODE: ['class'],
    INPUT: ['type', 'checked', 'disabled'],
    OL: ['start'],
    SPAN: ['class'],
    TD: ['align'],
    TH: ['align']
  };
  const isHeading = node => /^H[1-6]$/.test(node.tagName);
  const isCore = node => node.classList.contains('jp-InternalAnchorLink');

  const attribute = (node, { name, value }) => {
    if (name === 'href' && !isCore(node)) {
      return /^(https?|mailto):$/.test(node.protocol) ? [] : [`href=${value}`];
    }
    if (isHeading(node) && (name === 'id' || name === 'data-jupyter-id')) {
      return [];
    }
    return (ATTRIBUTES[node.tagName] || []).includes(name) ? [] : [`${node.tagName} ${name}=${value}`];
  };
  const formula = node => {
    const bad = [...node.querySelectorAll('*')].filter(
      part =>
        !/^mjx-/i.test(part.tagName) && part.namespaceURI !== 'http://www.w3.org/1998/Math/MathML'
    );
    const acting = [...node.querySelectorAll('*')].filter(part =>
      [...part.attributes].some(({ name, value }) => /^(on|href|xlink|src|data-command)/i.test(name) || /url\(/i.test(value))
    );
    return [...bad, ...acting].map(part => `formula ${part.outerHTML.slice(0, 80)}`);
  };
  const element = node => {
    if (node.tagName === 'MJX-CONTAINER') {
      return formula(node);
    }
    if (node.closest('mjx-container') || (isCore(node) && node.tagName === 'A')) {
      return [];
    }
    if (!TAGS.has(node.tagName) || (node.tagName === 'INPUT' && node.type !== 'checkbox')) {
      return [`<${node.tagName.toLowerCase()}>`];
    }
    return [...node.attributes].flatMap(item => attribute(node, item));
  };
  return [...document.querySelectorAll('.jp-OutputArea-output.jp-RenderedMarkdown')].map(output =>
    [...output.querySelectorAll('*')].flatMap(element)
  );
};
