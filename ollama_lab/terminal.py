"""A terminal as a door needs it: one line that is written over, columns, any character."""

from __future__ import annotations

import io
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from ollama_lab.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CLEAR_LINE = "\r\x1b[K"


class StatusLine:
    """One line on a terminal that is written over; where there is no terminal, nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_shown = False
        self.is_terminal = stream.isatty()

    def show(self, text: str) -> None:
        """Write over what was there; what does not fit the width is cut."""
        if self.is_terminal:
            columns = shutil.get_terminal_size().columns
            self._stream.write(_CLEAR_LINE + visible(text)[: columns - 1])
            self._stream.flush()
            self._is_shown = True

    def clear(self) -> None:
        """Take it away."""
        if self._is_shown:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()
            self._is_shown = False


def confirmed(question: str) -> bool | None:
    """Ask a person yes or no; None where there is nobody, as in a notebook that runs by itself."""
    try:
        typed = input(f"{question} [y/N] ")
    except (EOFError, NotImplementedError, RuntimeError):  # a kernel's own is one of these
        return None
    return typed.strip().lower() in ("y", "yes")


def take_any_character() -> None:
    """Let output show what the terminal's encoding lacks as an escape, in place of ending."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay rows out in columns as wide as their widest word, two blanks apart.

    >>> list(columns([("NAME", "SIZE"), ("demo", "1.7 MB")]))
    ['NAME  SIZE', 'demo  1.7 MB']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
