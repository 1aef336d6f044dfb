"""Short questions to Ollama, asked in threads.

A `Session` is for one thread, so there are as many as threads that ask at once; they share the
settings and the choice of the server.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ollama_lab import settings
from ollama_lab.hosts import Host, Hosts

if TYPE_CHECKING:
    from collections.abc import Callable

    from traitlets.config import Configurable

    from ollama_lab.server.administration import Administration
    from ollama_lab.session import Session
    from ollama_lab.settings import OllamaLab
    from ollama_lab.transport import Patience

_Found = TypeVar("_Found")
_THREADS = 4
#: Lists and details come in milliseconds; a server that says nothing must not hold a thread.
_LONGEST_SILENCE_SECONDS = 15.0


class Sessions:
    """The sessions of one Jupyter server; nothing is read or made before the first question.

    Parameters
    ----------
    parent : Configurable
        The server application, whose configuration counts.
    administration : Administration
        Which hosts may be used.
    """

    def __init__(self, parent: Configurable, administration: Administration) -> None:
        self._parent = parent
        self._administration = administration
        self._threads = ThreadPoolExecutor(_THREADS, "ollama-lab asks")
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._made: list[Session] = []
        self._settings: OllamaLab | None = None
        self._hosts: _AllowedHosts | None = None
        self._patience: Patience | None = None

    async def run(self, work: Callable[[Session], _Found]) -> _Found:
        """Run something short with a session, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    @property
    def patience(self) -> Patience:
        """How long the wait for an answer may be, by the settings; known after the first question."""
        assert self._patience is not None
        return self._patience

    def forget_models(self) -> None:
        """Ask for the list of models anew: one was pulled, copied or removed."""
        for session in list(self._made):
            session.forget_models()

    def forget_host(self) -> None:
        """Choose the server anew at the next question: it did not answer."""
        if self._hosts is not None:
            self._hosts.forget()

    def close(self) -> None:
        """Close connections and give the embedded engine back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for session in self._made:
            session.close()
        if self._hosts is not None:
            self._hosts.close()

    def _run(self, work: Callable[[Session], _Found]) -> _Found:
        session = self._take()
        try:
            return work(session)
        finally:
            self._idle.append(session)

    def _take(self) -> Session:
        from ollama_lab.session import Session  # takes longer than all of our own to import

        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._settings is None or self._hosts is None:
                self._settings = self._load()
                self._hosts = _AllowedHosts(self._settings, self._administration)
            session = Session(self._settings, self._hosts)
            self._made.append(session)
            return session

    def _load(self) -> OllamaLab:
        from ollama_lab.transport import Patience  # brings requests: not at server start

        loaded = settings.load(self._parent)
        waits = loaded.connect_seconds, loaded.first_byte_seconds, loaded.idle_seconds
        self._patience = Patience(*waits)
        asked = loaded.first_byte_seconds or _LONGEST_SILENCE_SECONDS
        loaded.first_byte_seconds = min(asked, _LONGEST_SILENCE_SECONDS)
        if fixed := self._administration.fixed_context_tokens:
            loaded.options = {**loaded.options, "num_ctx": fixed}
        return loaded


class _AllowedHosts(Hosts):
    """The choice of the server, and only of those that are allowed."""

    def __init__(self, chosen_by: OllamaLab, administration: Administration) -> None:
        super().__init__(chosen_by)
        self._administration = administration

    def resolve(self, flag: str = "") -> Host:
        host = super().resolve(flag)
        self._administration.check_host(host)
        return host
