r"""A model's Markdown -> Markdown that cannot act, wherever it is rendered.

JupyterLab trusts the output of a cell that was just run: the HTML in it is inserted as it stands,
mermaid is drawn, MathJax typesets what looks like LaTeX. So what goes out holds nothing that could
act, and holds it in a form on which no two renderers can disagree:

* outside code every ``<`` is ``&lt;``; the only tags are our own ``<code>``, ``<pre>`` and ``<span>``;
* code keeps its characters in one place only, a fence at the left margin between blank lines, longer
  than any run of backticks in it; wherever else code holds a sign that means something, it is written
  as ``<code>`` with every such sign a numeric entity, which is text to every parser;
* a destination is http, https or mailto, with everything odd in it percent-encoded;
* formulas are one line, with no ``<``, no quote (JupyterLab puts formulas back into the HTML after
  the Markdown parser: a quote there could leave an attribute) and no command that acts; a dollar or
  backslash of the prose is a ``<span>`` of its own, so that MathJax does not pair it.

No Markdown parser is used: which of them will render is not known, and what is written must be safe
in each. A scanner that never looks further than one line (for a displayed formula, one paragraph) also
costs the same per character whatever was written.
"""

from __future__ import annotations

from ollama_lab.sanitize.blocks import Blocks
from ollama_lab.sanitize.characters import escape, visible

__all__ = ["LiveMarkdown", "escape", "sanitize", "visible"]


class LiveMarkdown:
    """Safe Markdown of an answer while it comes; each line is handled once."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._fed: list[str] = []
        self._rest = ""  # the line that has not ended, or what of it no part has been made of
        self._safe: list[str] = []

    def feed(self, text: str) -> None:
        """Take the next piece, cut anywhere."""
        self._fed.append(text)

    def markdown(self) -> str:
        """Give safe Markdown of everything so far, with what is still open closed.

        At the end it equals `sanitize` of the whole text.
        """
        self._advance()
        rest = self._rest + visible("".join(self._fed))
        end = self._blocks.branch()
        if rest or end.in_mid_line:
            end.line(rest)
        end.close()
        whole = "".join([*self._safe, *end.out])
        return whole.removesuffix("\n") if rest or self._blocks.in_mid_line else whole

    def _advance(self) -> None:
        fed = "".join(self._fed)
        self._fed.clear()
        if fed.endswith("\r"):  # the other half of a line end may follow
            fed = fed[:-1]
            self._fed.append("\r")
        lines, newline, self._rest = (self._rest + visible(fed)).rpartition("\n")
        if newline:
            self._blocks.lines(lines + newline)
        self._rest = self._blocks.parts(self._rest)
        self._safe = ["".join([*self._safe, *self._blocks.out])]
        self._blocks.out.clear()


def sanitize(markdown: str) -> str:
    """Turn Markdown that a model wrote into Markdown that cannot act.

    Parameters
    ----------
    markdown : str
        What the model wrote, word for word.

    Returns
    -------
    str
        Markdown that looks as it was meant: raw HTML is shown as text, images are links, links go
        to http, https and mailto only, diagrams are code, formulas hold no command that acts.
    """
    live = LiveMarkdown()
    live.feed(markdown)
    return live.markdown()
