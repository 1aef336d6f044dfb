"""Regular expressions as the server's grammar keeps them.

It reads ``^...$`` with classes, groups and counts, drops anything else without a word, and does not
escape what it lets through: a quote, a backslash or a control character inside a string of JSON
ends it. So classes lose these, and what cannot be said is left to be checked afterwards.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

#: Code points that a string of JSON cannot hold as they are.
_UNSAYABLE = ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x9F), (0xD800, 0xDFFF))
_ANYTHING = r'[^"\\\n]'
_SHORTHANDS = {"d": [(48, 57)], "w": [(48, 57), (65, 90), (95, 95), (97, 122)], "s": [(32, 32)]}
_CONTROLS = "nrtfv0"
#: What the server's converter takes for itself when a backslash stands before it.
_SPECIAL = set("^$.|?*+()[]{}")
_COUNT = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")
_MOST_REPETITIONS = 10_000

_Span = tuple[int, int]


class Unsayable(ValueError):
    """The pattern cannot be met inside a string of JSON, or is no regular expression."""


class _Unkept(Exception):
    """The server's grammar has nothing for this: lookaround, back references, boundaries."""


@dataclass(slots=True)
class _Branch:
    parts: list[str] = field(default_factory=list)
    is_anchored: bool = False
    is_ended: bool = False

    def whole(self) -> str:
        before = "" if self.is_anchored else _ANYTHING + "*"
        after = "" if self.is_ended else _ANYTHING + "*"
        return f"{before}{''.join(self.parts)}{after}"


def rewritten(pattern: str) -> str | None:
    r"""Return a pattern that the server keeps; None where it keeps none that means this.

    Raises
    ------
    Unsayable
        With the reason.

    Examples
    --------
    >>> rewritten(r"^\d{4}$"), rewritten("^a|b$"), rewritten(r"\bword")
    ('^[0-9]{4}$', '^(a[^"\\\\\\n]*|[^"\\\\\\n]*b)$', None)
    """
    try:
        branches = _Reading(pattern).branches()
    except _Unkept:
        _check(pattern)  # what is not sent is checked afterwards, by Python
        return None
    texts = [branch.whole() for branch in branches]
    made = f"^{texts[0]}$" if len(texts) == 1 else f"^({'|'.join(texts)})$"
    _check(made)
    return made


def _check(pattern: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sets in sets, which Python may have one day
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as exc:
        raise Unsayable(f"is no regular expression that Python reads: {exc}") from exc


class _Reading:
    """One pattern, read from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at, self._depth = pattern, 0, 0
        self._branches = [_Branch()]

    def branches(self) -> list[_Branch]:
        while self._at < len(self._pattern):
            self._step(self._pattern[self._at])
        if self._depth:
            raise Unsayable("is no regular expression: a parenthesis is left open")
        return self._branches

    def _add(self, text: str, taken: int = 1) -> None:
        if self._branches[-1].is_ended:
            raise _Unkept  # something behind $
        self._branches[-1].parts.append(text)
        self._at += taken

    def _step(self, char: str) -> None:
        simple = {"\\": self._escape, "[": self._class, "(": self._group, "{": self._count}
        if char in simple:
            simple[char]()
        elif char == "^":
            self._anchor()
        elif char == "$":
            self._end()
        elif char == ".":
            self._add(_ANYTHING)
        elif char == "|":
            self._alternative()
        elif char == ")":
            self._depth -= 1
            if self._depth < 0:
                raise Unsayable("is no regular expression: a parenthesis closes none")
            self._add(char)
        elif char in "*+?":
            self._quantifier(char)
        else:
            self._literal(char, 1)

    def _literal(self, char: str, taken: int) -> None:
        if not _without_unsayable([(ord(char), ord(char))]):
            raise Unsayable("holds a quote, a backslash or a control character")
        self._add(f"\\{char}" if char in _SPECIAL else char, taken)

    def _anchor(self) -> None:
        branch = self._branches[-1]
        if self._depth or branch.parts or branch.is_anchored:
            raise _Unkept
        branch.is_anchored = True
        self._at += 1

    def _end(self) -> None:
        if self._depth or self._branches[-1].is_ended:
            raise _Unkept
        self._branches[-1].is_ended = True
        self._at += 1

    def _alternative(self) -> None:
        if self._depth:
            self._add("|")
            return
        self._branches.append(_Branch())
        self._at += 1

    def _group(self) -> None:
        rest = self._pattern[self._at :]
        opened = re.match(r"\((\?:|\?P?<[A-Za-z_]\w*>)?(?!\?)", rest)
        if opened is None:
            raise _Unkept  # lookaround, flags, back references
        self._depth += 1
        self._add("(", opened.end())

    def _count(self) -> None:
        found = _COUNT.match(self._pattern, self._at)
        if found is None or not (found[1] or found[3]):
            raise _Unkept
        low, high = found[1] or "0", found[3] if found[2] else found[1]
        if high and int(high) < int(low):
            raise Unsayable(f"asks for at least {low} and at most {high}")
        if max(int(low), int(high or 0)) > _MOST_REPETITIONS:
            raise _Unkept
        text = f"{{{low}}}" if not found[2] else f"{{{low},{high}}}"
        self._add(text, found.end() - self._at)
        self._skip_lazy()

    def _quantifier(self, char: str) -> None:
        self._add(char)
        self._skip_lazy()

    def _skip_lazy(self) -> None:
        following = self._pattern[self._at : self._at + 1]
        if following == "+":
            raise _Unkept
        if following == "?":  # what is matched is the same
            self._at += 1

    def _escape(self) -> None:
        char, taken = self._escaped()
        kind = char.lower()
        if taken == 0:
            self._add(_class_of(_SHORTHANDS[kind], is_negated=char != kind), 2)
        else:
            self._literal(char, taken)

    def _escaped(self) -> tuple[str, int]:
        """Return the character behind a backslash and what it takes; 0 for a shorthand."""
        char = self._pattern[self._at + 1 : self._at + 2]
        if char == "":
            raise Unsayable("is no regular expression: it ends in a backslash")
        if char.lower() in _SHORTHANDS:
            return char, 0
        if char in _CONTROLS:
            raise Unsayable("holds a quote, a backslash or a control character")
        for mark, digits in (("x", 2), ("u", 4)):
            code = self._pattern[self._at + 2 : self._at + 2 + digits]
            if char == mark and re.fullmatch(r"[0-9A-Fa-f]+", code) and len(code) == digits:
                return chr(int(code, 16)), 2 + digits
        if char.isalnum():
            raise _Unkept
        return char, 2

    def _class(self) -> None:
        self._at += 1
        is_negated = self._pattern[self._at : self._at + 1] == "^"
        self._at += is_negated
        spans: list[_Span] = []
        while (char := self._pattern[self._at : self._at + 1]) != "]":
            if not char:
                raise Unsayable("is no regular expression: a class is left open")
            spans += self._class_item()
        self._add(_class_of(spans, is_negated=bool(is_negated)))

    def _class_item(self) -> list[_Span]:
        first = self._class_character()
        if isinstance(first, list):
            return first
        if self._pattern[self._at : self._at + 1] != "-" or self._pattern[
            self._at + 1 : self._at + 2
        ] in ("]", ""):
            return [(first, first)]
        self._at += 1
        last = self._class_character()
        if isinstance(last, list) or last < first:
            raise Unsayable("is no regular expression: a range in a class is turned round")
        return [(first, last)]

    def _class_character(self) -> int | list[_Span]:
        char = self._pattern[self._at]
        if char != "\\":
            self._at += 1
            return ord(char)
        following = self._pattern[self._at + 1 : self._at + 2]
        if following and following in _CONTROLS:
            self._at += 2
            return ord({"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}.get(following, "\0"))
        char, taken = self._escaped()
        self._at += taken or 2
        if taken:
            return ord(char)
        if char.isupper():
            raise _Unkept
        return _SHORTHANDS[char]


def _class_of(spans: list[_Span], *, is_negated: bool) -> str:
    if is_negated:
        return f'[^{"".join(map(_span, spans))}"\\\\\\n]'
    kept = _without_unsayable(spans)
    if not kept:
        raise Unsayable("holds a quote, a backslash or a control character")
    return f"[{''.join(map(_span, kept))}]"


def _without_unsayable(spans: list[_Span]) -> list[_Span]:
    kept = spans
    for low, high in _UNSAYABLE:
        kept = [
            part
            for first, last in kept
            for part in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if part[0] <= part[1]
        ]
    return sorted(set(kept))


def _span(span: _Span) -> str:
    first, last = span
    return _char(first) if first == last else f"{_char(first)}-{_char(last)}"


def _char(code: int) -> str:
    """Write a character of a class; the server's grammar knows no escaped minus and caret."""
    if chr(code) in r"\]^-[" or code < ord(" "):
        return f"\\x{code:02X}"
    return chr(code)
