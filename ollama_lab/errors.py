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
        └── NotFound     404  a chat or a pull that is not, or no longer, there
    Stopped(KeyboardInterrupt)    the user pressed Stop; the partial answer is kept
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
        self.message = _one_line(message)
        self.hint = _one_line(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """Give IPython one line instead of a traceback; the cell fails all the same."""
        return [f"{type(self).__name__}: {self}"]


def _one_line(text: str) -> str:
    r"""Make the words of a server, or of a name, harmless on a terminal and in a cell.

    >>> _one_line("no\nroom for \x1b[31m'\ud800'")
    "no room for \\x1b[31m'\\ud800'"
    """
    line = " ".join(text.split("\n")) if "\n" in text else text
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() or char == "\xa0" else ascii(char)[1:-1] for char in line
    )


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


class NotFound(BadUsage):
    """What is named, a chat or a pull, is not or no longer there."""

    http_status = 404


class Stopped(KeyboardInterrupt):
    """The user pressed Stop: the socket is closed and the partial answer stored.

    Not an `OllamaLabError`: whatever lets an interrupt through must let this through.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]


# ---------------------------------------------------------------- sentences said in several places


def model_not_found(model: str, nearest: Sequence[str] = ()) -> ModelNotFound:
    """Word a missing model, with the names a person may have meant."""
    if not model:
        return ModelNotFound(
            "The server does not have this model.", hint="List them: %ollama models"
        )
    names = one_of([f"'{name}'" for name in nearest])
    meant = f"Did you mean {names}? " if nearest else ""
    return ModelNotFound(
        f"Model '{model}' is not on this server.",
        hint=f"{meant}Pull it with: %ollama pull {model}",
    )


def prompt_too_long(prompt_tokens: int, context_tokens: int) -> PromptTooLong:
    """Word an overflow of the context window, in tokens; 0 where a figure is unknown."""
    size = f" is {prompt_tokens:,} tokens long and" if prompt_tokens else ""
    window = f" of {context_tokens:,} tokens" if context_tokens else ""
    wanted = max(prompt_tokens + 1024, 2 * context_tokens, 4096)
    return PromptTooLong(
        f"The prompt{size} does not fit the context window{window}.",
        hint=f"Shorten it, or give it room: --num-ctx {-(-wanted // 1024) * 1024}",
    )


def cannot(model: str, words: str) -> Refused:
    """Word a capability the model lacks; ``words`` are Ollama's."""
    # Only behind these words: a model may be called 'qwen3-thinking'.
    lacks = words.rpartition("does not support ")[2]
    for fragment, sentence, hint in _LACKING:
        if fragment in lacks:
            return Refused(f"Model '{model}' {sentence}.", hint=hint)
    return Refused(f"Ollama refused: {words}")


_LACKING = (
    ("thinking", "cannot think", "Leave out --think."),
    ("tools", "cannot call tools", "Choose one that can: %ollama models"),
    ("insert", "cannot fill in the middle", "Choose one that can: %ollama models"),
    ("vision", "cannot see images", "Choose one that can: %ollama models"),
    ("multimodal", "cannot see images", "Choose one that can: %ollama models"),
    ("image", "cannot see images", "Choose one that can: %ollama models"),
    ("chat", "makes embeddings and cannot chat", "Choose a chat model: %ollama models"),
    ("generate", "makes embeddings and cannot write", "Choose a chat model: %ollama models"),
    ("embeddings", "makes no embeddings", "Choose an embedding model: %ollama models"),
)


def not_ollama(host: str, what: str) -> Refused:
    """Word an answer of something that is not Ollama."""
    return Refused(
        f"{host} answers, but not as Ollama does ({what}).",
        hint="Check the address with: %ollama host URL",
    )


def unauthorized(host: str) -> Unauthorized:
    """Word a host that wants a key."""
    return Unauthorized(
        f"{host or 'The server'} wants a key.",
        hint="Set OLLAMA_API_KEY; it goes only to the host of the setting or OLLAMA_HOST.",
    )


def unreachable(host: str, why: str = "") -> Unreachable:
    """Word a host at which nothing answers."""
    reason = f" ({why})" if why else ""
    return Unreachable(f"Nothing answers at {host}{reason}.", hint=_how_to_start(host))


def too_slow_to_connect(host: str, seconds: float) -> Unreachable:
    """Word a connection that was not made in time."""
    return unreachable(host, f"no connection within {seconds:g} s")


def no_such_machine(host: str) -> Unreachable:
    """Word a name that stands for no address."""
    return unreachable(host, f"no machine is called '{urlsplit(host).hostname}'")


def untrusted(host: str) -> Unreachable:
    """Word a certificate that is not trusted."""
    return Unreachable(
        f"{host} shows a certificate that is not trusted here.",
        hint="Name its authority with the setting ca_file.",
    )


def silent(host: str, seconds: float) -> TimedOut:
    """Word a wait for a byte that took too long."""
    return TimedOut(
        f"{host} has sent nothing for {seconds:g} s.",
        hint="It may be overloaded; settings: first_byte_seconds, idle_seconds.",
    )


def closed_unanswered(host: str) -> StreamBroken:
    """Word a connection that ended before its answer began."""
    return StreamBroken(
        f"{host} closed the connection before it answered.",
        hint="Run it again; if it fails again, look at the server's log.",
    )


def unfinished(host: str) -> StreamBroken:
    """Word a pull, or another long work, whose last line did not come."""
    return StreamBroken(
        f"The connection to {host} ended before the work was done.",
        hint="Run it again: it goes on where it was.",
    )


def behind_proxy(host: str) -> Unreachable:
    """Word a proxy of the environment that does not lead to a host."""
    return Unreachable(
        f"The proxy of the environment does not lead to {host}.",
        hint=f"Go there without it: set NO_PROXY={urlsplit(host).hostname}",
    )


def _how_to_start(host: str) -> str:
    name = urlsplit(host).hostname or ""
    try:
        is_here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_here = name in ("", "localhost") or name.endswith(".localhost")
        if not is_here and _SERVICE.fullmatch(name):
            return f"Start it with: docker compose up -d {name}"
    if is_here:
        return "Start it with: ollama serve"
    return "Is it running there, and does it listen beyond its own loopback?"


#: A name without a dot is, nearly always, a service of a compose file.
_SERVICE = re.compile(r"[a-z0-9][a-z0-9_-]*")


def redirected(host: str, location: str) -> Refused:
    """Word a redirect, which is never followed: it would carry the prompt to another machine."""
    parts = urlsplit(location)
    named = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    other = named if parts.scheme and parts.netloc and named != host else "another address"
    hint = "Name the right address with: %ollama host "
    return Refused(
        f"{host} sends on to {other}, and redirects are not followed.",
        hint=hint + (other if "://" in other else "URL"),
    )


def cut_off(host: str) -> StreamBroken:
    """Word a connection that ended in mid-answer."""
    return StreamBroken(
        f"The connection to {host} broke in mid-answer.",
        hint="What came is kept. Run the cell again.",
    )


def ended_early() -> StreamBroken:
    """Word an answer that ended properly but without Ollama's last line."""
    return StreamBroken(
        "The server ended the answer without its last line, as it does when a model repeats "
        "itself without end.",
        hint="What came is kept. Run the cell again, or raise repeat_penalty.",
    )


def one_of(words: Sequence[str]) -> str:
    """Join names for a sentence.

    >>> one_of(["a"]), one_of(["a", "b"]), one_of(["a", "b", "c"])
    ('a', 'a or b', 'a, b or c')
    """
    if len(words) < 2:  # noqa: PLR2004 (one name needs no "or")
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"
