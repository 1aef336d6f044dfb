"""JSON while it is written: what of it is finished."""

from __future__ import annotations

import json
from typing import Any

_CLOSERS = {"{": "}", "[": "]"}
_BLANKS = " \t\r\n"


class Reader:
    """Takes a text of JSON piece by piece, and gives the fields that are whole so far.

    Each character is looked at once.

    Examples
    --------
    >>> reader = Reader()
    >>> reader.feed('{"name": "Ada", "born": 18')
    >>> reader.value()
    {'name': 'Ada'}
    >>> reader.feed('15, "tags": ["mathem')
    >>> reader.value()
    {'name': 'Ada', 'born': 1815, 'tags': []}
    """

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._stack: list[str] = []
        self._is_string = self._is_escaped = self._is_key = self._is_scalar = False
        self._whole, self._open = 0, ""
        self._read: tuple[int, Any] = (0, None)

    def feed(self, text: str) -> None:
        """Take the next piece."""
        self._text += text
        while self._at < len(self._text):
            self._step(self._text[self._at])
            self._at += 1

    @property
    def text(self) -> str:
        """Everything so far."""
        return self._text

    @property
    def whole(self) -> str:
        """The text up to the end of the last value that is whole."""
        return self._text[: self._whole]

    def value(self) -> Any:
        """Return what is whole so far; None before anything is, and for what is no JSON."""
        if self._read[0] != self._whole:
            closers = "".join(_CLOSERS[mark] for mark in reversed(self._open))
            try:
                value = json.loads(self._text[: self._whole] + closers)
            except ValueError:
                value = self._read[1]
            self._read = (self._whole, value)
        return self._read[1]

    def _step(self, char: str) -> None:
        if self._is_string:
            self._in_string(char)
            return
        if self._is_scalar and char in ",]}" + _BLANKS:
            self._is_scalar = False
            self._finish(self._at)
        if char == '"':
            self._is_string = True
        elif char in "{[":
            self._stack.append(char)
            self._is_key = char == "{"
            self._finish(self._at + 1)
        elif char in "}]" and self._stack:
            self._stack.pop()
            self._finish(self._at + 1)
        elif char == ",":
            self._is_key = self._stack[-1:] == ["{"]
        elif char == ":":
            self._is_key = False
        elif char not in _BLANKS:
            self._is_scalar = True

    def _in_string(self, char: str) -> None:
        if self._is_escaped:
            self._is_escaped = False
        elif char == "\\":
            self._is_escaped = True
        elif char == '"':
            self._is_string = False
            if not self._is_key:
                self._finish(self._at + 1)

    def _finish(self, end: int) -> None:
        self._whole, self._open = end, "".join(self._stack)
