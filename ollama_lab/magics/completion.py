"""Completion of model names, options and commands; never the network inside the completer."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from IPython.core.completer import (
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from ollama_lab.errors import OllamaLabError
from ollama_lab.magics import arguments
from ollama_lab.magics.arguments import FORMS
from ollama_lab.magics.line import COMMANDS
from ollama_lab.wire import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from IPython.core.completer import CompletionContext

    from ollama_lab.hosts import Host

    ContextMatcher = Callable[[CompletionContext], SimpleMatcherResult]

#: What IPython knows the matcher by.
IDENTIFIER = "ollama_lab"
_FRESH_SECONDS = 10.0
_PATIENCE_SECONDS = 2.0


class Names:
    """The server's model names as they were lately, refreshed in the background.

    Parameters
    ----------
    chosen : callable
        Gives the server in use or None; a completer starts no engine and probes no port.
    """

    def __init__(self, chosen: Callable[[], Host | None]) -> None:
        self._chosen = chosen
        self._names: tuple[str, ...] = ()
        self._asked: Host | None = None
        self._asked_at = float("-inf")
        self._thread: threading.Thread | None = None

    def known(self) -> tuple[str, ...]:
        """Return the names known now, and see to it that newer ones are fetched."""
        self.refresh()
        return self._names

    def refresh(self) -> None:
        """Ask the server in a thread, unless that was done just now."""
        host, now = self._chosen(), time.monotonic()
        if host is None or (self._thread is not None and self._thread.is_alive()):
            return
        if host != self._asked:
            self._names = ()
        elif now - self._asked_at < _FRESH_SECONDS:
            return
        self._asked, self._asked_at = host, now
        self._thread = threading.Thread(target=self._fetch, args=(host,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for a running refresh, for at most some seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _fetch(self, host: Host) -> None:
        from ollama_lab.client import Client
        from ollama_lab.transport import Patience

        patience = Patience(_PATIENCE_SECONDS, _PATIENCE_SECONDS, _PATIENCE_SECONDS)
        try:
            with Client(host, patience) as client:
                self._names = tuple(model.name for model in client.list())
        except OllamaLabError:
            return


def matcher(names: Names, magics: Collection[str]) -> ContextMatcher:
    """Make a matcher for IPython's completer: for lines of these magics, and for no other.

    Not a ``complete_command`` hook: what that finds stands behind Jedi's guesses at the line as
    if it were Python, and ends at a colon, which every model's name has.
    """

    def match(context: CompletionContext) -> SimpleMatcherResult:
        head, *before = context.text_until_cursor.lstrip().split(" ")
        is_cell = head.startswith("%%")
        is_ours = before and head.startswith("%") and head.lstrip("%") in magics
        if not is_ours or (is_cell and context.cursor_line):
            return SimpleMatcherResult(completions=[])
        word = before.pop()
        before = [other for other in before if other]
        found = _in_cell(names, before, word) if is_cell else _in_line(names, before)
        fitting = [name for name in found if name.casefold().startswith(word.casefold())]
        return SimpleMatcherResult(
            completions=[SimpleCompletion(name) for name in fitting],
            matched_fragment=word,
            suppress=True,
            ordered=True,
        )

    made: ContextMatcher = context_matcher(identifier=IDENTIFIER)(match)
    return made


def _in_cell(names: Names, before: list[str], word: str) -> list[str]:
    if word.startswith("-"):
        return arguments.flags()
    last = before[-1] if before else ""
    if last == "--as":
        return list(FORMS)
    if last == "--think":
        return [*LEVELS, *names.known()]
    takes_any = last not in ("-m", "--model") and arguments.takes_value(last)
    if takes_any or _names_a_model(before):
        return []
    return list(names.known())


def _in_line(names: Names, before: list[str]) -> list[str]:
    if not before:
        return list(COMMANDS)
    command = COMMANDS.get(before[0])
    if command is not None and command.takes_models:
        return list(names.known())
    return []


def _names_a_model(words: list[str]) -> bool:
    """Whether a word is neither an option nor an option's value."""
    return any(
        not word.startswith("-") and not arguments.takes_value(previous)
        for previous, word in pairwise(["", *words])
    )
