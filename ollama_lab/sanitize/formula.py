"""LaTeX that only draws, on one line that means nothing to Markdown or HTML."""

from __future__ import annotations

import re

# Commands that link, load, style, name, hide, or change what later formulas mean (MathJax, KaTeX).
_ACTIVE = frozenset(
    """href url class cssid style data unicode require mmltoken bbox includegraphics toggle mathtip
    texttip mathtoolsset setoptions def edef gdef xdef let futurelet global long newcommand
    renewcommand providecommand newenvironment renewenvironment newtagform renewtagform usetagform
    newcolumntype newextarrow definecolor csname endcsname input include write openout special
    catcode char loop htmlclass htmlid htmlstyle htmldata""".split()  # noqa: SIM905 (reads better)
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_DECLARES = re.compile(r"declare|html|new[a-km-z]|renew|provide")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
STEP = re.compile(r"\\.|[{}$\n]", re.DOTALL)
ENVIRONMENT = re.compile(
    r"\\begin\{((?:align|alignat|gather|flalign|multline|equation|eqnarray)\*?|aligned|gathered|split|cases"
    r"|array|[bBpvV]?(?:small)?matrix)\}"
)
_OPENING_QUOTE = re.compile(r"(?<![^\s{(])\"")
# Signs that would mean something to a parser that does not see the formula.
_TAMED = (
    ("<=>", "⇌"),  # mhchem reads this arrow in \ce{}; in mathematics it is the same statement
    ("<", r"\lt "),
    ("`", "‘"),
    ("](", "] ("),
    ("]:", "] :"),
    ("![", "! ["),
    ("://", ": //"),
    ("www.", "www ."),
)


def formula(source: str) -> str | None:
    """TeX on one line that is inert to Markdown and HTML; None where it is no whole formula."""
    tex = " ".join(_COMMENT.sub("", source).split())
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        tex = tex.replace(entity, sign)
    for sign, tame in _TAMED:
        tex = tex.replace(sign, tame)
    tex = _OPENING_QUOTE.sub("“", tex).replace('"', "”")
    tex = re.sub(r"&(?=[A-Za-z#])", "& ", tex)
    return tex if tex and _is_balanced(tex) else None


def _is_balanced(tex: str) -> bool:
    """Whether JupyterLab, which counts braces, ends this formula where we do."""
    depth = 0
    for step in STEP.finditer(tex):
        depth += {"{": 1, "}": -1}.get(step[0], 0)
        if depth < 0 or (step[0] == "$" and depth == 0):
            return False
    return depth == 0 and not tex.endswith("\\")


def acts(tex: str) -> bool:
    """Whether a formula holds a command that does more than draw."""
    names = (name.lower() for name in _COMMAND.findall(tex))
    return any(name in _ACTIVE or _DECLARES.match(name) for name in names)
