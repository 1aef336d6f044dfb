"""Interrupts, raised where a wait may be cut short and held back where work must be finished.

SIGINT can come between any two bytecodes: after the last token and before the answer is kept, or
in the middle of a message to the notebook. There it waits for a moment.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from ollama_lab.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

#: Two presses within this time are one: a double click must not end what the first one began.
_BOUNCE_SECONDS = 0.3


class Interrupts:
    """SIGINT for the length of one cell: held back, but for what runs inside `open`.

    A context manager. Outside the main thread, which gets no signals, it does nothing.
    """

    def __init__(self) -> None:
        self.is_waiting = False
        self._is_open = False
        self._raised_at = float("-inf")
        self._before: Callable[[int, FrameType | None], Any] | None = None

    def __enter__(self) -> Self:
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(before):
            self._before = before
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Let interrupts through, one that was held back at once."""
        self._is_open = True
        try:
            if self.is_waiting:
                self._raise()
            yield
        finally:
            self._is_open = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold them back inside `open`; one that came is raised at the end."""
        was_open, self._is_open = self._is_open, False
        yield
        self._is_open = was_open
        if was_open and self.is_waiting:
            self._raise()

    def close(self) -> None:
        """Hold them back from here on: what follows keeps what came."""
        self._is_open = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_bounce = time.monotonic() - self._raised_at < _BOUNCE_SECONDS
        if not self._is_open or is_bounce:
            # A bounce says nothing new.
            self.is_waiting = self.is_waiting or not is_bounce
            return
        self._raised_at = time.monotonic()
        if self._before is not None:
            self._before(number, frame)

    def _raise(self) -> None:
        self.is_waiting = False
        self._raised_at = time.monotonic()
        raise KeyboardInterrupt


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Word an interrupt that nothing else took as `Stopped`, so that no traceback is shown."""
    try:
        yield
    except Stopped:
        raise
    except KeyboardInterrupt:
        raise Stopped("nothing more is done.") from None
