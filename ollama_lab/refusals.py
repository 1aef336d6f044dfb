"""What Ollama says when it says no, as errors that a person can act on. No I/O.

It says so in many shapes: a status with JSON, JSON inside a string (its inference process's own
words), an error line under status 200, plain text, an empty body; and a proxy may answer in its
place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ollama_lab import errors

if TYPE_CHECKING:
    from collections.abc import Mapping


class Asked(Protocol):
    """What a sentence needs to know of the call that was refused."""

    @property
    def path(self) -> str:
        """The path, such as ``/api/chat``."""

    @property
    def model(self) -> str:
        """The model's name, empty where the call names none."""

    @property
    def context_tokens(self) -> int:
        """The window that was asked for, 0 where the call has none."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What Ollama said: its words, and its inference process's error type and figures."""

    text: str
    kind: str = ""
    prompt_tokens: int = 0
    context_tokens: int = 0
    is_ollamas: bool = True


def failure(
    call: Asked, status: int, body: bytes, *, content_type: str = "", host: str = ""
) -> errors.OllamaLabError:
    """Turn a refusal (any status but 2xx) into the error that a person can act on."""
    report = _report(body)
    if not report.is_ollamas:
        return _foreign(call, status, content_type, host)
    if special := _by_status(call, status, report):
        return special
    return _by_words(report, call.model, call.context_tokens)


def failure_in_stream(line: Mapping[str, Any], call: Asked | None = None) -> errors.OllamaLabError:
    """Turn an ``{"error": ...}`` line of a stream with status 200 into an error."""
    report = _report_of(line.get("error"))
    if "unexpected EOF" in report.text or "terminated" in report.text:
        return errors.StreamBroken(
            f"The model's process on the server ended in mid-answer ({report.text}).",
            hint="Run the cell again: the server loads the model anew.",
        )
    model, window = (call.model, call.context_tokens) if call is not None else ("", 0)
    return _by_words(report, model, window)


def _report(body: bytes) -> _Report:
    try:
        value = json.loads(body)
    except ValueError:
        return _Report("", is_ollamas=False)
    if not isinstance(value, dict) or "error" not in value:
        return _Report("", is_ollamas=False)
    return _report_of(value["error"])


def _report_of(error: Any) -> _Report:
    """Unwrap the inference process's own JSON, which Ollama passes on as a string."""
    if isinstance(error, str) and error.startswith("{"):
        try:
            error = json.loads(error)
        except ValueError:
            return _Report(str(error))
        error = error.get("error", error)
    if isinstance(error, dict):
        return _Report(
            str(error.get("message") or error),
            str(error.get("type") or ""),
            int(error.get("n_prompt_tokens") or 0),
            int(error.get("n_ctx") or 0),
        )
    return _Report(str(error))


def _foreign(call: Asked, status: int, content_type: str, host: str) -> errors.OllamaLabError:
    """Word a reply that Ollama itself would not give in JSON."""
    at = host or "The server"
    if status == 403:  # noqa: PLR2004 (Ollama's empty 403: the Host or Origin header)
        return errors.Forbidden(
            f"{at} refused the request without a word (403).",
            hint="Ollama does that to host names it does not know: use its IP address, or "
            "localhost.",
        )
    if status in (401, 407):
        return errors.unauthorized(host)
    if status in (502, 503, 504):
        return errors.Unreachable(
            f"A proxy at {at} answered {status} instead of Ollama.", hint="Is Ollama running?"
        )
    if status in (404, 405) and content_type.startswith("text/plain"):
        return errors.Refused(
            f"{at} does not know {call.path} ({status}).", hint="A newer Ollama may know it."
        )
    kind = content_type.partition(";")[0] or "no content type"
    return errors.not_ollama(at, f"{status}, {kind}")


def _by_status(call: Asked, status: int, report: _Report) -> errors.OllamaLabError | None:
    if status == 401:  # noqa: PLR2004 (HTTP)
        return errors.Unauthorized(
            f"The server wants a key: {report.text}.",
            hint="Set OLLAMA_API_KEY, or sign in with: ollama signin",
        )
    if status == 503:  # noqa: PLR2004 (HTTP)
        return errors.Busy(
            f"The server's queue is full: {_sentence(report.text)}",
            hint="Run the cell again in a moment.",
        )
    if status == 404 and "not found" in report.text:  # noqa: PLR2004 (HTTP)
        return errors.model_not_found(call.model)
    if status == 403:  # noqa: PLR2004 (HTTP)
        return errors.Forbidden(f"The server does not allow it: {_sentence(report.text)}")
    return None


def _by_words(report: _Report, model: str, window: int) -> errors.OllamaLabError:  # noqa: PLR0911 (one return a kind of refusal)
    """Recognize a refusal by the fragments of Ollama's words that stayed stable."""
    text = report.text
    if report.kind == "exceed_context_size_error" or _OVERFLOW.search(text):
        return errors.prompt_too_long(report.prompt_tokens, report.context_tokens or window)
    if "pull model manifest: file does not exist" in text:
        return errors.ModelNotFound(
            f"The registry knows no model '{model}'." if model else _sentence(text),
            hint="Look its name up at https://ollama.com/library.",
        )
    if "pull model manifest" in text and _NO_NETWORK.search(text):
        return errors.Unreachable(
            f"The server cannot reach the model registry: {_sentence(text)}",
            hint="Pulling a model needs internet access on the server's side.",
        )
    if _FULL.search(text):
        return errors.NoRoom(
            f"The server's disk is full: {_sentence(text)}",
            hint="Remove a model with: %ollama rm NAME",
        )
    if _MEMORY.search(text):
        return errors.NoRoom(
            f"The server has not enough memory: {_sentence(text)}",
            hint="Take a smaller model, or a smaller --num-ctx.",
        )
    if "does not support" in text or "image input is not supported" in text:
        return errors.cannot(model, text)
    if "terminated" in text or "unexpected EOF" in text or "runner has unexpectedly" in text:
        return errors.Refused(
            f"The model's process on the server failed: {_sentence(text)}",
            hint="Run the cell again; if it fails again, look at the server's log.",
        )
    return errors.Refused(f"Ollama refused: {_sentence(text)}")


_OVERFLOW = re.compile(
    r"exceeds? (the|maximum) (available )?context|longer than the context", re.IGNORECASE
)
_NO_NETWORK = re.compile(r"no such host|dial tcp|timeout|connection refused|network is unreach")
_FULL = re.compile(r"no space left|file too large|disk quota exceeded", re.IGNORECASE)
_MEMORY = re.compile(
    r"out[- ]of[- ]memory|more system memory|requires more .*memory", re.IGNORECASE
)
_LONGEST_QUOTE = 300


def _sentence(text: str) -> str:
    """Quote a server's words on one line: they can be eight kilobytes of log."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_QUOTE:
        line = line[:_LONGEST_QUOTE] + "…"
    return line if line.endswith((".", "…", "!", "?")) else line + "."
