"""One line of prose, made safe sign by sign."""

from __future__ import annotations

import html
import re

from ollama_lab.sanitize.address import AUTOLINK, DESTINATION, ENTITY, ESCAPED, address
from ollama_lab.sanitize.characters import escape, visible
from ollama_lab.sanitize.formula import ENVIRONMENT, STEP, acts, formula

# A construct that opens and does not close within this many characters is text.
_REACH = 2048
# After this many constructs that did not close, the rest of a line is text: keeps the work linear.
_MISSES = 16
# First the character, then what follows it: `re` skips to a set of characters fast, but not to a
# choice of words.
SIGN = re.compile(
    r"""[<&$\\`\]!~:wW>\-*+\[_](?:
      (?<=[<&$\\`])
    | (?<=\])[(:]
    | (?<=!)\[
    | (?<=:)(?://|:{2,})
    | (?<=[xX][mM][pP][pP]:)
    | (?<=[wW])[wW]{2}\.
    | (?<=~)~{2,}
    | (?<=>)(?:[ \t]*>){15,}
    | (?<=[-*+])[ \t](?:[ \t]*[-*+][ \t]){16,}
    | (?<=\[)\[{11,}
    | (?<=[*_])[*_]{23,}
    )""",
    re.VERBOSE,
)
_TICKS = re.compile("`+")
_SPACE = re.compile(r"\s")
_ALT = re.compile(r"!\[([^\[\]\\\n]{0,500})(?=\]\()")
# Brackets escaped for their own sake, ``\[like this\]`` in a sentence: no formula.
_ESCAPED_BRACKETS = re.compile(r"\\\[[^\n\\^_={}<>+/]{0,200}\\\]")
_LITERAL = {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "$": "<span>&#36;</span>",
    "\\": "<span>&#92;</span>",
}


class Unclosed(Exception):
    """A displayed formula opens on this line and may close on a later one."""

    def __init__(self, closer: str) -> None:
        super().__init__(closer)
        self.closer = closer


def literal(text: str) -> str:
    """Signs that stand for themselves, in a form that means nothing."""
    return "".join(
        _LITERAL.get(sign) or (f"&#{ord(sign)};" if ord(sign) < 0xA1 else sign)  # noqa: PLR2004 (ASCII)
        for sign in text
    )


class Line:
    """One pass over a part of a line; `run` gives its safe form."""

    def __init__(
        self, text: str, *, is_whole: bool = True, may_open: bool = False, in_url: bool = False
    ) -> None:
        self.text = text
        self.is_whole = is_whole
        self.may_open = may_open
        self.out: list[str] = []
        self.at = 0
        self.misses = 0
        self.url_from = 0 if in_url else -1
        self.is_row = text.lstrip().startswith("|")

    def run(self) -> str:
        """Give the safe form; a formula may be found to need the next lines.

        Raises
        ------
        Unclosed
            Only where `may_open` allows it.
        """
        text, out = self.text, self.out
        while (match := SIGN.search(text, self.at)) is not None:
            start = match.start()
            out.append(text[self.at : start])
            self.at = start + len(match[0])
            out.append(self._safe(match[0], start))
        out.append(text[self.at :])
        return "".join(out)

    def _safe(self, sign: str, start: int) -> str:  # noqa: PLR0911 (a table of cases)
        match sign:
            case "<":
                return self._autolink(start)
            case "&":
                return self._entity(start)
            case "$":
                return self._dollar(start)
            case "\\":
                return self._backslash(start)
            case "`":
                return self._code(start)
            case "](":
                return self._link(start)
            case "]:":
                return "]&#58;"
            case "![":
                return self._image(start)
        if sign[0] in "wW" or sign == "://":
            self.url_from = start
            is_ftp = self.text[max(start - 3, 0) : start].lower() == "ftp"
            return "&#58;//" if is_ftp else sign
        return literal(sign)

    def _find(self, closer: str, start: int) -> int:
        """Where the closer stands on this line, or -1; each miss is counted."""
        if self.misses > _MISSES:
            return -1
        found = self.text.find(closer, start, start + _REACH)
        if found < 0:
            self.misses += 1
        return found

    def in_url(self, start: int) -> bool:
        """Whether a bare address runs up to here: a formula there would land in an attribute."""
        if self.url_from < 0 or _SPACE.search(self.text, self.url_from, start) is not None:
            self.url_from = -1
            return False
        self.url_from = start
        return True

    def _autolink(self, start: int) -> str:
        match = AUTOLINK.match(self.text, start)
        if match is None:
            return "&lt;"
        to = address(match["url"] or f"mailto:{match['mail']}")
        if to is None:
            return "&lt;"
        self.at = match.end()
        return self._bracket() + f"{escape(match['url'] or match['mail'])}]({to})"

    def _entity(self, start: int) -> str:
        match = ENTITY.match(self.text, start)
        told = html.unescape(match[0]) if match else ""
        if match is None or told == match[0]:
            return "&amp;"
        self.at = match.end()
        return literal(visible(told))

    def _code(self, start: int) -> str:
        text = self.text
        ticks = _TICKS.match(text, start)
        assert ticks is not None
        self.at = ticks.end()
        length = len(ticks[0])
        if self.misses > _MISSES:
            return "&#96;" * length
        stop = text.find("\n", self.at)
        stop = min(self.at + _REACH, len(text) if stop < 0 else stop)
        for closing in _TICKS.finditer(text, self.at, stop):
            if len(closing[0]) == length and not text.startswith("`", closing.end()):
                content = text[self.at : closing.start()]
                self.at = closing.end()
                return self._code_span(text[start : self.at], content)
        self.misses += 1
        return "&#96;" * length

    def _code_span(self, written: str, content: str) -> str:
        """Code as it was written where that can only be code, else as an element."""
        after_role = "".join(self.out[-1:]).endswith("}")  # MyST runs {role}`content`
        if (
            SIGN.search(content) is None
            and "|" not in content
            and "@@" not in content
            and not after_role
        ):
            return written
        if self.is_row:
            content = content.replace("\\|", "|")
        if content.startswith(" ") and content.endswith(" ") and content.strip():
            content = content[1:-1]
        return f"<code>{escape(content)}</code>"

    def _link(self, start: int) -> str:
        if self.misses > _MISSES:
            return "&#93;("
        match = DESTINATION.match(self.text, start, start + _REACH)
        to = address(match["to"]) if match else None
        if match is None or to is None:
            self.misses += 1
            return "&#93;("
        self.at = match.end()
        is_bare = "".join(self.out[-2:]).endswith("[")
        return f"{escape(html.unescape(to)) if is_bare else ''}]({to})"

    def _image(self, start: int) -> str:
        """Make an image a link to it: showing it would fetch it."""
        match = _ALT.match(self.text, start)
        if match is None:
            return "&#33;["
        return self._bracket() + ("" if match[1].strip() else "image")

    def _bracket(self) -> str:
        """Open a link; an exclamation mark just before must not make an image of it."""
        if self.out[-1].endswith("!"):
            self.out[-1] = self.out[-1][:-1] + "&#33;"
        return "["

    def _dollar(self, start: int) -> str:
        if self.in_url(start):
            return "%24"
        if self.text.startswith("$$", start):
            return self._displayed(start, "$$", start + 2)
        end = self._end_of_inline(start + 1)
        content = self.text[start + 1 : end]
        if end < 0 or not _reads_as_formula(content, self.text[end + 1 : end + 2]):
            return _LITERAL["$"]
        return self._typeset(start, content, end + 1, "$")

    def _end_of_inline(self, start: int) -> int:
        if self.misses > _MISSES:
            return -1
        depth = 0
        for step in STEP.finditer(self.text, start, start + _REACH):
            if step[0] == "\n":
                break
            if step[0] == "$" and depth <= 0:
                return step.start()
            depth += {"{": 1, "}": -1}.get(step[0], 0)
        self.misses += 1
        return -1

    def _displayed(self, start: int, closer: str, inside: int) -> str:
        """Take a displayed formula, from its opener at `start`; its content begins at `inside`."""
        end = self._find(closer, inside)
        if end < 0:
            if self.may_open and self.misses <= _MISSES:
                raise Unclosed(closer)
            self.at = start + 1
            return _LITERAL[self.text[start]]
        if closer.startswith("\\end"):
            return self._typeset(
                start, self.text[start : end + len(closer)], end + len(closer), "$$"
            )
        return self._typeset(start, self.text[inside:end], end + len(closer), "$$")

    def _typeset(self, start: int, content: str, end: int, mark: str) -> str:
        tex = formula(content)
        if tex is None:
            self.misses += 1
            self.at = start + 1
            return _LITERAL[self.text[start]]
        self.at = end
        if acts(tex):
            return f"<code>{escape(' '.join(self.text[start:end].split()))}</code>"
        return f"{mark}{tex}{mark}"

    def _backslash(self, start: int) -> str:
        if self.in_url(start):
            return "%5C"
        shown = self._bracketed(start)
        return self._escaped(start) if shown is None else shown

    def _bracketed(self, start: int) -> str | None:
        r"""Take ``\(...\)``, ``\[...\]`` or an environment; None where none opens here."""
        text = self.text
        if text.startswith("\\(", start):
            end = self._find("\\)", start + 2)
            if end >= 0 and "\n" not in text[start:end]:
                return self._typeset(start, text[start + 2 : end], end + 2, "$")
        elif text.startswith("\\[", start) and not _ESCAPED_BRACKETS.match(text, start):
            return self._displayed(start, "\\]", start + 2)
        elif (begin := ENVIRONMENT.match(text, start)) is not None:
            return self._displayed(start, f"\\end{{{begin[1]}}}", begin.end())
        return None

    def _escaped(self, start: int) -> str:
        following = self.text[start + 1 : start + 2]
        if following == "\n" or (not following and self.is_whole):
            return "  "  # a hard line break, in its other form
        if ESCAPED.match(self.text, start) is None:
            return _LITERAL["\\"]
        self.at = start + 2
        return literal(following)


def _reads_as_formula(content: str, following: str) -> bool:
    """Tell ``$x$`` from ``$5 and $6``, by the rule of Pandoc and GitHub, a little more generous.

    >>> [_reads_as_formula(*case) for case in [("x", " "), ("5 and ", "6"), (" x_1 ", "")]]
    [True, False, True]
    """
    if not content.strip() or following.isdigit():
        return False
    return content == content.strip() or re.search(r"[\\^_=]", content) is not None
