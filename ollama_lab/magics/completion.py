"""Completion of model names, options and commands; never the network inside the completer."""

from __future__ import annotations

import threading
import time
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
        self._asked_at = float("-inf")
        self._thread: threading.Thread | None = None

    def known(self) -> tuple[str, ...]:
        """Return the names known now, and see to it that newer ones are fetched."""
        self.refresh()
        return self._names

    def refresh(self) -> None:
        """Ask the server in a thread, unless that was done just now."""
        now = time.monotonic()
        is_busy = self._thread is not None and self._thread.is_alive()
        if is_busy or now - self._asked_at < _FRESH_SECONDS or self._chosen() is None:
            return
        self._asked_at = now
        self._thread = threading.Thread(target=self._fetch, name="ollama-lab names", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for a running refresh, for at most some seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _fetch(self) -> None:
        from ollama_lab.client import Client
        from ollama_lab.transport import Patience

        host = self._chosen()
        if host is None:
            return
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
        words = event.line.split()
        is_cell = event.line.lstrip().startswith("%%")
        before = words[1:-1] if event.symbol else words[1:]
        found = self._cell(before, event.symbol) if is_cell else self._line(before, event.symbol)
        return [word for word in found if word.startswith(event.symbol)]

    def _cell(self, before: list[str], symbol: str) -> list[str]:
        if symbol.startswith("-"):
            return arguments.flags()
        last = before[-1] if before else ""
        if last == "--as":
            return list(FORMS)
        if last == "--think":
            return [*LEVELS, *self._names.known()]
        if last in ("-m", "--model") or not any(not word.startswith("-") for word in before):
            return list(self._names.known())
        return []

    def _line(self, before: list[str], symbol: str) -> list[str]:
        del symbol
        if not before:
            return list(COMMANDS)
        command = COMMANDS.get(before[0])
        if command is not None and command.takes_models:
            return list(self._names.known())
        return []
