"""Completion of model names, options and commands; never the network inside the completer."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import OllamaLabError
from ollama_lab.magics import arguments
from ollama_lab.magics.arguments import FORMS, LEVELS
from ollama_lab.magics.line import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.hosts import Host

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


class Completer:
    """What IPython's ``complete_command`` hook calls for ``%ollama`` and ``%%ollama`` lines."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __call__(self, _shell: Any, event: Any) -> list[str]:
        """Return what may stand at the cursor."""
        head, *before = event.text_until_cursor.split(" ")
        word = before.pop() if before else ""
        before = [other for other in before if other]
        found = self._cell(before, word) if head.startswith("%%") else self._line(before)
        # IPython ends a word at a colon, and every name has one: it completes what follows.
        done = len(word) - len(event.symbol)
        return [name[done:] for name in found if name.casefold().startswith(word.casefold())]

    def _cell(self, before: list[str], word: str) -> list[str]:
        if word.startswith("-"):
            return arguments.flags()
        last = before[-1] if before else ""
        if last == "--as":
            return list(FORMS)
        if last == "--think":
            return [*LEVELS, *self._names.known()]
        takes_any = last not in ("-m", "--model") and arguments.takes_value(last)
        if takes_any or _names_a_model(before):
            return []
        return list(self._names.known())

    def _line(self, before: list[str]) -> list[str]:
        if not before:
            return list(COMMANDS)
        command = COMMANDS.get(before[0])
        if command is not None and command.takes_models:
            return list(self._names.known())
        return []


def _names_a_model(words: list[str]) -> bool:
    """Whether a word is neither an option nor an option's value."""
    return any(
        not word.startswith("-") and not arguments.takes_value(previous)
        for previous, word in pairwise(["", *words])
    )
