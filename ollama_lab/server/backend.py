"""What all handlers of one Jupyter server share."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ollama_lab import models
from ollama_lab.errors import Busy
from ollama_lab.server.administration import Administration
from ollama_lab.server.pulls import Pulls
from ollama_lab.server.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from traitlets.config import Configurable

    from ollama_lab.conversations import Store
    from ollama_lab.session import Session

    Task = asyncio.Task[None]

_Found = TypeVar("_Found")
_LONGEST_END_SECONDS = 5.0


class Backend:
    """Sessions, chats, pulls and running answers; nothing is opened before it is used.

    Parameters
    ----------
    parent : Configurable
        The server application, whose configuration counts.
    """

    def __init__(self, parent: Configurable) -> None:
        self.administration = Administration(parent=parent)
        self.sessions = Sessions(parent, self.administration)
        self.pulls = Pulls(self)
        self.is_closing = False
        self._disk = ThreadPoolExecutor(1, "ollama-lab chats")
        self._store: Store | None = None
        self._store_lock = threading.Lock()
        self._told = ""
        self._streams: dict[Task, list[int | str]] = {}

    # ------------------------------------------------------------ threads

    async def ask(self, work: Callable[[Session], _Found]) -> _Found:
        """Ask Ollama something short, in a thread."""
        return await self.sessions.run(work)

    async def disk(self, work: Callable[[Store], _Found]) -> _Found:
        """Do something with the chats, in the one thread that does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, lambda: work(self._opened()))

    def disk_later(self, work: Callable[[], object]) -> None:
        """Do something with the chats although nobody waits for it any more."""
        self._disk.submit(work)

    def _opened(self) -> Store:
        with self._store_lock:
            if self._store is None:
                from ollama_lab.conversations import Store  # brings sqlite3

                self._store = Store(is_read_only=self.administration.read_only)
            return self._store

    def news(self, store: Store) -> list[str]:
        """Give what a person must be told of the file of chats, once: that it was set aside."""
        told, self._told = self._told, store.notice
        return [store.notice] if store.notice != told else []

    # ------------------------------------------------------------ models

    def choose(self, session: Session, name: str) -> models.Choice:
        """Say which model a call goes to: the named one, else the default of those allowed."""
        if name:
            self.administration.check_model(name)
            return models.Choice(name, "")
        if session.settings.model or not self.administration.models_allowed:
            choice = session.default_model()
            self.administration.check_model(choice.name)
            return choice
        listed = models.with_loaded(session.list_models(), session.client().ps())
        allow = session.settings.allow_remote_models
        return models.choose(self.administration.allowed(listed), allow_remote=allow)

    # ------------------------------------------------------------ running answers

    def enter(self, task: Task) -> None:
        """Count an answer that begins.

        Raises
        ------
        Busy
            As many as allowed are being written.
        """
        most = self.administration.streams_per_user
        if most and len(self._streams) >= most:
            written = "One answer is" if most == 1 else f"{most} answers are"
            raise Busy(
                f"{written} being written already, the most at once here.",
                hint="Wait for one to end, or stop one.",
            )
        self._streams[task] = []

    def leave(self, task: Task) -> None:
        """Count an answer that has ended."""
        self._streams.pop(task, None)

    def name(self, task: Task | None, name: int | str) -> None:
        """Let a running answer be found by the id of its message, or by its client's key."""
        if task in self._streams:
            self._streams[task].append(name)

    def stop(self, name: int | str) -> bool:
        """Stop an answer by one of its names; whether there was one."""
        found = next((task for task, names in self._streams.items() if name in names), None)
        return found is not None and found.cancel()

    async def close(self) -> None:
        """End every answer with a last word, and close everything."""
        self.is_closing = True
        tasks = list(self._streams)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LONGEST_END_SECONDS)
        await self.pulls.close()
        self.sessions.close()
        self._disk.shutdown(wait=True)
        if self._store is not None:
            self._store.close()
