"""Every way a call can fail, and the words a person reads then.

The tree, with the HTTP status a door answers with::

    OllamaLabError            message, hint, http_status; one line in IPython
    ├── Unreachable      502  nothing answers at the host
    ├── ModelNotFound    404  model not on this server
    ├── Refused          400  Ollama said no (its words are quoted)
    ├── StreamBroken     502  the answer ended before its last line
    ├── TimedOut         504  no byte for N seconds
    ├── PromptTooLong    413  does not fit the context window
    ├── Busy             503  the server's queue is full
    ├── Forbidden        403  not allowed here
    ├── Unauthorized     401  the host wants a key
    ├── NoRoom           507  memory or disk, with figures
    └── BadUsage         400  wrong option, bad value
    Stopped(KeyboardInterrupt)    the user pressed Stop; the partial answer is kept
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class OllamaLabError(Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    message : str
        What happened, one sentence that names the value.
    hint : str, optional
        What to do next, one sentence or command.
    """

    http_status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """Give IPython one line instead of a traceback; the cell fails all the same."""
        return [f"{type(self).__name__}: {self}"]


class Unreachable(OllamaLabError):
    """Nothing answers at the host."""

    http_status = 502


class ModelNotFound(OllamaLabError):
    """The server, or the registry, knows no model of this name."""

    http_status = 404


class Refused(OllamaLabError):
    """Ollama said no; its own words are quoted."""

    http_status = 400


class StreamBroken(OllamaLabError):
    """The answer ended before its last line; the text that came is kept."""

    http_status = 502


class TimedOut(OllamaLabError):
    """No byte came for as long as the settings allow."""

    http_status = 504


class PromptTooLong(OllamaLabError):
    """The prompt does not fit the context window."""

    http_status = 413


class Busy(OllamaLabError):
    """The server's queue is full."""

    http_status = 503


class Forbidden(OllamaLabError):
    """The server or the settings do not allow it."""

    http_status = 403


class Unauthorized(OllamaLabError):
    """The host wants a key."""

    http_status = 401


class NoRoom(OllamaLabError):
    """Memory or disk is short; the message has the figures."""

    http_status = 507


class BadUsage(OllamaLabError):
    """A wrong option or a bad value, found before anything was sent."""

    http_status = 400


class Stopped(KeyboardInterrupt):
    """The user pressed Stop: the socket is closed and the partial answer stored.

    Not an `OllamaLabError`: whatever lets an interrupt through must let this through.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]


def one_of(words: Sequence[str]) -> str:
    """Join names for a sentence.

    >>> one_of(["a"]), one_of(["a", "b"]), one_of(["a", "b", "c"])
    ('a', 'a or b', 'a, b or c')
    """
    if len(words) < 2:  # noqa: PLR2004 (one name needs no "or")
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"
