"""Where in a Markdown text a ``{name}`` may stand for a value.

Braces in a prompt are mostly not ours: JSON, LaTeX, CSS, templates, code. This finds those that no
reader takes for something else, in one pass and in time linear in the text. What the names mean is
no matter of this file.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# {name}, {a.b[0]["k"]}, {x:.2f}, {day:%d %B}. A format is one of Python's own or one with a `%`, as
# dates have: {x: 1} is YAML, {a:1,b:2} JavaScript, {color:red} CSS. Possessive: no text is read twice.
_EXPRESSION = r"""
    (?P<expression> \{
        (?P<path> (?P<name> [^\W\d]\w*+ )
            (?P<steps> (?: \.[^\W\d]\w*+ | \[ (?: -?\d++ | "[^"\\\n{}]*+" | '[^'\\\n{}]*+' ) \] )*+ ) )
        (?: : (?P<format>
            (?: [^{}\n]? [<>=^] )? [-+]? z? \#? \d*+ [,_]? (?: \.\d++ )? [A-Za-z%]?
            | (?! \s ) [^{};%\n]*+ % [^{};\n]*+ ) )?
    \} )"""

# Read from left to right; a brace that belongs to LaTeX, a shell or a template is eaten by one of
# the first three lines and so never starts an expression.
_CANDIDATE = re.compile(
    rf"""
    \\++ [A-Za-z]++ \*? (?: \[ [^\[\]{{}}\n]*+ \] )*+ \{{?  # \frac{{a}}, \sqrt[3]{{x}}
    | \\++ [_^$]? \{{*+                                     # \{{a\}}, \_{{a}}
    | [_^$] \{{++ | \{{{{2,}}+                              # x_{{i}}, ${{HOME}}, {{{{jinja}}}}
    | {_EXPRESSION}""",
    re.VERBOSE,
)
_ALONE = re.compile(rf"^[ \t>]*+ {_EXPRESSION} [ \t]*+ \r?$", re.VERBOSE | re.MULTILINE)

_FENCE = re.compile(
    r"^[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?(?P<fence>`{3,}+(?=[^`\n]*+$)|~{3,}+)[^\n]*+\n?",
    re.MULTILINE,
)
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*+\n)++")
_MARK = re.compile(r"\\.|`++|\$\$?", re.DOTALL)
_TICKS = re.compile(r"`++")
_CLOSED_BY = {r"\(": r"\)", r"\[": r"\]"}


def expressions(text: str) -> Iterator[re.Match[str]]:
    """Find every expression that stands where expansion happens, from left to right.

    Yields
    ------
    re.Match
        Groups ``expression`` (with its braces), ``path`` (``d["k"].a``), ``name`` (``d``),
        ``steps`` (``["k"].a``) and ``format`` (None where there is no colon).

    Examples
    --------
    >>> [match["expression"] for match in expressions("{a.b[0]:>8}, `{c}`, ${d}$, x_{e}, {{f}}")]
    ['{a.b[0]:>8}']
    """
    for start, end, is_fenced in _blocks(text):
        if text.find("{", start, end) < 0:
            continue
        if is_fenced:
            yield from _ALONE.finditer(text, start, end)
        else:
            yield from _in_prose(text, start, end)


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Cut a text into paragraphs and the insides of fences: start, end, fenced or not."""
    position = 0
    while opening := _FENCE.search(text, position):
        yield from _paragraphs(text, position, opening.start())
        mark = opening["fence"]
        closing = re.compile(rf"^[ \t>]*+{mark[0]}{{{len(mark)},}}+[ \t]*+\r?$", re.MULTILINE)
        closed = closing.search(text, opening.end())
        yield opening.end(), closed.start() if closed else len(text), True
        position = closed.end() if closed else len(text)
    yield from _paragraphs(text, position, len(text))


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    if text.find("{", start, end) < 0:
        return
    for blank in _BLANK_LINES.finditer(text, start, end):
        yield start, blank.start(), False
        start = blank.end()
    yield start, end, False


def _in_prose(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    spans = _code_and_math(text, start, end)
    span = (start, start)
    for match in _CANDIDATE.finditer(text, start, end):
        if match["expression"] is None:
            continue
        while span[1] <= match.start():
            span = next(spans, (end + 1, end + 1))
        if match.start() < span[0]:
            yield match


def _code_and_math(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find inline code and math in a paragraph: what opens first wins, unclosed marks are text."""
    marks = list(_MARK.finditer(text, start, end))
    closers: dict[str, list[int]] = defaultdict(list)
    for ticks in _TICKS.finditer(text, start, end):  # a backslash inside code escapes nothing
        closers[ticks.group()].append(ticks.start())
    for mark in marks:
        if mark.group()[0] != "`" and _may_close(text, mark):
            closers[mark.group()].append(mark.start())
    done = start
    for mark in marks:
        closer = _CLOSED_BY.get(mark.group(), mark.group())
        places = closers.get(closer, ())
        if mark.start() < done or not places or not _may_open(text, mark):
            continue
        nearest = bisect.bisect_left(places, mark.end())
        if nearest < len(places):
            done = places[nearest] + len(closer)
            yield mark.start(), done


def _may_open(text: str, mark: re.Match[str]) -> bool:
    if mark.group() == "$":
        return not text[mark.end() : mark.end() + 1].isspace()
    return mark.group()[0] in "`$" or mark.group() in _CLOSED_BY


def _may_close(text: str, mark: re.Match[str]) -> bool:
    """Apply Pandoc's rule to ``$``: "costs $5 and {x} then $6" is no math."""
    if mark.group() == "$":
        before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
        return not before.isspace() and not after.isdigit()
    return True
