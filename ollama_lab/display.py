"""One live answer in a cell: a status line, the growing text, one exact final bundle.

A notebook gets one output area that is updated in place; a plain terminal gets the text as it
comes. How often is a matter of bytes: the pause between two updates grows with the text, so that
what is sent grows linearly with the answer.
"""

from __future__ import annotations

import re
import sys
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ollama_lab.sanitize import LiveMarkdown, escape, sanitize, visible
from ollama_lab.terminal import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ollama_lab.answer import Answer
    from ollama_lab.tools import Run

METADATA_KEY = "ollama_lab"

_MARKDOWN_PAUSE_SECONDS, _TEXT_PAUSE_SECONDS = 0.05, 0.1
#: Characters that lengthen the pause by a second: about this many bytes a second are sent.
_MARKDOWN_CHARACTERS_PER_SECOND, _TEXT_CHARACTERS_PER_SECOND = 8000, 4000
_STATUS_SECONDS = 0.9
#: Text that comes so fast that its pause would never end: what half a second brings at that rate,
#: or a tenth of all if that is more (what is sent stays linear in the answer), is shown after it.
_FAST_SECONDS, _FAST_SHARE = 0.5, 10
#: Longer than any run of backticks a person would expect, for a fence around unfinished source.
_LIVE_FENCE = "`" * 24


@dataclass(frozen=True, slots=True)
class Look:
    """How an answer is shown and what of it is saved."""

    form: str = "markdown"
    is_quiet: bool = False
    show_thinking: bool = True
    save_thinking: bool = True


class Screen(Protocol):
    """Where a live answer is shown; ``pace`` is how often it is worth reading, in seconds."""

    pace: float

    def status(self, phase: str, seconds: float | None = None) -> None:
        """Say what is being waited for, and for how long it has been."""

    def add(self, text: str) -> None:
        """Show the next piece of the answer, now or soon."""

    def refresh(self) -> None:
        """Show what was held back, if it is time."""

    def restart(self) -> None:
        """Take what was shown away: the answer begins anew."""

    def finish(self, answer: Answer, footer: Sequence[str], thought_seconds: float) -> None:
        """Show the answer for good; status lines go away."""

    def clear(self) -> None:
        """Take the status line away: no answer will come."""


def screen(shell: Any, look: Look) -> Screen:
    """Return the screen of a shell: a kernel's front end, or the terminal it runs in."""
    if getattr(shell, "kernel", None) is None and not _captures(shell):
        return TerminalScreen(look, sys.stdout)
    return NotebookScreen(look, shell.display_pub.publish, is_live=not _captures(shell))


def _captures(shell: Any) -> bool:
    """Whether ``%%capture`` collects outputs: it would keep each update as one of its own."""
    return type(shell.display_pub).__name__ == "CapturingDisplayPublisher"


class NotebookScreen:
    """One output area of a notebook, updated in place.

    Live updates carry Markdown only; the last state is the one a saved notebook keeps.
    """

    def __init__(self, look: Look, publish: Callable[..., None], *, is_live: bool = True) -> None:
        self._look = look
        self._publish = publish
        self._is_live = is_live
        self._id = uuid.uuid4().hex
        self._is_open = False
        self._phase, self._status_at = "", float("-inf")
        self._shown_at = float("-inf")
        is_text = look.form == "text"
        self.pace = _TEXT_PAUSE_SECONDS if is_text else _MARKDOWN_PAUSE_SECONDS
        self._per_second = (
            _TEXT_CHARACTERS_PER_SECOND if is_text else _MARKDOWN_CHARACTERS_PER_SECOND
        )
        self.restart()

    def restart(self) -> None:
        self._is_fresh = False
        self._characters = self._shown_characters = 0
        form = self._look.form
        self._live: LiveMarkdown | _LiveText = _LiveText() if form == "text" else LiveMarkdown()
        if form in ("html", "json", "code"):
            self._live.feed(f"{_LIVE_FENCE}{_language(form)}\n")

    def status(self, phase: str, seconds: float | None = None) -> None:
        now = time.monotonic()
        is_due = phase != self._phase or now - self._status_at >= _STATUS_SECONDS
        if self._is_live and not self._characters and is_due:
            self._phase, self._status_at = phase, now
            words = harmless(_waiting(phase, seconds))
            self._send({"text/markdown": f"<sub>{words}</sub>", "text/plain": ""})

    def add(self, text: str) -> None:
        self._live.feed(text)
        self._characters += len(text)
        self._is_fresh = True
        self.refresh()

    def refresh(self) -> None:
        if not (self._is_live and self._is_fresh):
            return
        now = time.monotonic()
        if now - self._shown_at < self._pause():
            return
        self._shown_at, self._is_fresh = now, False
        self._shown_characters = self._characters
        if isinstance(self._live, LiveMarkdown):
            self._send({"text/markdown": self._live.markdown(), "text/plain": ""})
        else:
            self._send({"text/plain": self._live.text()})

    def _pause(self) -> float:
        """Give the seconds between two updates; they grow with the text."""
        pause = self.pace + self._characters / self._per_second
        new = self._characters - self._shown_characters
        if new >= max(self._per_second * _FAST_SECONDS, self._characters / _FAST_SHARE):
            return min(pause, _FAST_SECONDS)
        return pause

    def finish(self, answer: Answer, footer: Sequence[str], thought_seconds: float) -> None:
        look = self._look
        metadata = {METADATA_KEY: answer.provenance.metadata(answer.stats, answer.done_reason)}
        whole = self._live.markdown() if isinstance(self._live, LiveMarkdown) else ""
        if look.form != "markdown":
            whole = ""
        self._send(bundle(answer, look, footer, thought_seconds, shown=whole), metadata)

    def clear(self) -> None:
        if self._is_open:
            self._send({"text/plain": ""})

    def _send(self, data: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
        self._publish(
            data,
            metadata,
            transient={"display_id": self._id},
            update=self._is_open,
        )
        self._is_open = True


class TerminalScreen:
    """A terminal: plain text as it comes, nothing written over but the status line."""

    pace = _TEXT_PAUSE_SECONDS

    def __init__(self, look: Look, stream: TextIO) -> None:
        self._look = look
        self._stream = stream
        self._line = StatusLine(stream)
        self._ends_line = True

    def status(self, phase: str, seconds: float | None = None) -> None:
        self._line.show(_waiting(phase, seconds))

    def add(self, text: str) -> None:
        self._line.clear()
        shown = visible(text)
        self._stream.write(shown)
        self._stream.flush()
        self._ends_line = shown.endswith("\n")

    def refresh(self) -> None:
        """Nothing is ever held back."""

    def restart(self) -> None:
        self._line.clear()
        if not self._ends_line:
            self._stream.write("\n")
            self._ends_line = True

    def finish(self, answer: Answer, footer: Sequence[str], thought_seconds: float) -> None:  # noqa: ARG002 (a screen's signature)
        self._line.clear()
        if answer.text and not self._ends_line:
            self._stream.write("\n")
        if not self._look.is_quiet:
            self._stream.writelines(f"[{visible(line)}]\n" for line in footer)
        self._stream.flush()

    def clear(self) -> None:
        self._line.clear()


def _waiting(phase: str, seconds: float | None) -> str:
    return f"{phase} …" if seconds is None else f"{phase} · {seconds:.0f} s …"


class _LiveText:
    """Exact text so far, with what a terminal would act on made visible."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def feed(self, text: str) -> None:
        self._pieces.append(visible(text))

    def text(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


# ---------------------------------------------------------------- the final bundle


def bundle(
    answer: Answer,
    look: Look,
    footer: Sequence[str],
    thought_seconds: float = 0.0,
    *,
    shown: str = "",
) -> dict[str, str]:
    """Build the mime bundle that stays: plain text is the answer alone, Markdown has the rest.

    Parameters
    ----------
    shown : str, optional
        The sanitized answer, where the caller has it.
    """
    data = {"text/plain": visible(answer.text)}
    if look.form == "text":
        if look.is_quiet or not footer:
            return data
        data["text/markdown"] = _preformatted(answer.text)
    elif look.form == "markdown":
        data["text/markdown"] = shown or sanitize(answer.text)
    else:
        data["text/markdown"] = sanitize(_source(answer.text, _language(look.form)))
    parts = [data["text/markdown"]]
    if answer.trail:
        parts.insert(0, _trail(answer.trail))
    if answer.thinking and look.show_thinking and look.save_thinking:
        parts.append(_thinking(answer.thinking, thought_seconds))
    if footer and not look.is_quiet:
        parts.append("<sub>" + "<br>".join(harmless(line) for line in footer) + "</sub>")
    data["text/markdown"] = "\n\n".join(part for part in parts if part)
    return data


def _language(form: str) -> str:
    return "" if form == "code" else form


def _source(text: str, language: str) -> str:
    """Put text into a fence longer than any in it."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _thinking(text: str, seconds: float) -> str:
    took = f" for {seconds:.1f} s" if seconds else ""
    return f"<details><summary>Thought{took}</summary>{_preformatted(text)}</details>"


def _trail(runs: Sequence[Run]) -> str:
    """Fold what tools were called, and what each gave."""
    names = ", ".join(dict.fromkeys(run.name for run in runs))
    lines = "\n\n".join(map(str, runs))
    return f"<details><summary>Called {escape(names)}</summary>{_preformatted(lines)}</details>"


def _preformatted(text: str) -> str:
    """Put foreign text into a ``<pre>`` on one line: no Markdown and no math is read in there."""
    return f"<pre>{escape(text)}</pre>"


#: What MathJax pairs up wherever it stands, even as an entity.
_MATH = re.compile(r"[$\\]")


def harmless(words: str) -> str:
    """Make words of ours that quote a server's names safe in Markdown, math and HTML.

    >>> harmless("a$b <x>")
    'a\ufffdb &#60;x&#62;'
    """
    return escape(_MATH.sub("\ufffd", words))


# ---------------------------------------------------------------- the footer


def footer(
    answer: Answer,
    *,
    why: str = "",
    first_token_seconds: float | None = None,
    context_tokens: int = 0,
    own_limit: int = 0,
    notes: Sequence[str] = (),
) -> list[str]:
    """Word the lines below an answer: what wrote it, how fast, and what a person must know.

    Parameters
    ----------
    why : str, optional
        Why this model, where the user named none.
    first_token_seconds : float, optional
        From sending to the first token.
    context_tokens : int, optional
        The window that was sent.
    own_limit : int, optional
        The model's own ``num_predict``, which counts where none was sent.
    notes : sequence of str, optional
        Further sentences, a line each.
    """
    stats = answer.stats
    parts = [f"{answer.provenance.model} ({why})" if why else answer.provenance.model]
    if stats.answer_tokens:
        word = "token" if stats.answer_tokens == 1 else "tokens"
        parts.append(f"{stats.answer_tokens:,} {word}")
    if rate := stats.tokens_per_second:
        parts.append(f"{rate:,.1f} tokens/s" if rate < 100 else f"{rate:,.0f} tokens/s")  # noqa: PLR2004 (digits that mean nothing)
    if first_token_seconds is not None:
        parts.append(f"first token {first_token_seconds:.2f} s")
    if context_tokens and stats.prompt_tokens:
        parts.append(f"window {stats.prompt_tokens + stats.answer_tokens:,} of {context_tokens:,}")
    return [" · ".join(parts), *ending(answer, context_tokens, own_limit), *notes]


def ending(answer: Answer, context_tokens: int, own_limit: int) -> list[str]:
    """Say in words why an answer is not whole."""
    has_begun = bool(answer.text or answer.thinking)
    if answer.done_reason == "stopped":
        what = ": this is what had come" if has_begun else " before the first word"
        return [f"Stopped by you{what}."]
    if answer.done_reason == "broken":
        what = ": this is what had come" if has_begun else " before its first word"
        return [f"The answer broke off{what}."]
    return cut(answer, context_tokens, own_limit)


def cut(answer: Answer, context_tokens: int, own_limit: int) -> list[str]:
    """Say in words why an answer that the server ended is not whole."""
    if answer.done_reason != "length":
        return []
    limit = answer.provenance.options.get("num_predict")
    if limit and 0 < limit <= answer.stats.answer_tokens:
        return [f"Cut off after {limit:,} tokens: --num-predict says so."]
    if not limit and 0 < own_limit <= answer.stats.answer_tokens:
        return [f"Cut off after {own_limit:,} tokens: the model's own num_predict says so."]
    return [f"Cut off: the window of {context_tokens:,} tokens is full. --num-ctx makes it larger."]
