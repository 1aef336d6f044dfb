"""A line that moves while the server works: in a notebook updated in place, else on the terminal."""

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from ollama_lab.progress import Pull
from ollama_lab.sanitize import visible
from ollama_lab.terminal import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ollama_lab.wire import PullProgress

_REDRAW_SECONDS = 0.25


class Board:
    """Shows one line at a time, at most four times a second."""

    def __init__(self, write: Callable[[str], None], erase: Callable[[], None]) -> None:
        self._write = write
        self._erase = erase
        self._drawn_at = float("-inf")

    def say(self, words: str) -> None:
        """Show a line, if it is time for the next."""
        now = time.monotonic()
        if now - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = now
            self._write(words)

    def follow(self, steps: Iterable[PullProgress]) -> None:
        """Show the progress of a pull to its end."""
        pull = Pull()
        for step in steps:
            pull.feed(step, time.monotonic())
            self.say(f"{pull.bar()} {pull.figures() or pull.status}")

    def clear(self) -> None:
        """Take the line away."""
        self._erase()


def board(shell: Any) -> Board:
    """Return the board of a shell: a kernel's front end, or the terminal it runs in."""
    if getattr(shell, "kernel", None) is None:
        line = StatusLine(sys.stdout)
        return Board(line.show, line.clear)
    return _notebook_board(shell.display_pub.publish)


def _notebook_board(publish: Callable[..., None]) -> Board:
    transient = {"display_id": uuid.uuid4().hex}
    is_open = False

    def write(words: str) -> None:
        nonlocal is_open
        publish({"text/plain": visible(words)}, transient=transient, update=is_open)
        is_open = True

    def erase() -> None:
        if is_open:
            publish({"text/plain": ""}, transient=transient, update=True)

    return Board(write, erase)
