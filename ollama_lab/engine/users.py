"""Who uses the engine: the server's side of leases, and the routes of `lease`."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tornado.iostream import StreamClosedError

from ollama_lab.engine import lease as leases
from ollama_lab.engine.base import Base

# Who started an engine takes its lease right away, unless it was killed in between.
FIRST_LEASE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Users:
    """Counts the leases, and says when there has been none for some time.

    Parameters
    ----------
    linger_seconds : float
        How long after the last lease the engine stays.
    first_seconds : float
        How long it waits for the first one.
    """

    def __init__(self, linger_seconds: float, first_seconds: float = FIRST_LEASE_SECONDS) -> None:
        self.count = 0
        self.is_over = False
        self._linger_seconds = linger_seconds
        self._ended = asyncio.Event()
        self._timer = asyncio.get_running_loop().call_later(first_seconds, self.end)

    def open(self) -> None:
        """Somebody uses the engine."""
        self.count += 1
        self._timer.cancel()

    def close(self) -> None:
        """Somebody stopped using it."""
        self.count -= 1
        if self.count == 0 and not self.is_over:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._linger_seconds, self.end)

    def end(self) -> None:
        """Grant no lease any more, and let `wait` return."""
        self.is_over = True
        self._timer.cancel()
        self._ended.set()

    async def wait(self) -> None:
        """Return when the engine is to end."""
        await self._ended.wait()


def rules(users: Users, version: str) -> list[tuple[str, type[Base], dict[str, Any]]]:
    """Return the tornado rules by which processes take leases, look, and stop the engine."""
    return [
        (leases.PATH, _Lease, {"users": users}),
        (leases.STATUS_PATH, _Status, {"users": users, "version": version}),
        (leases.STOP_PATH, _Stop, {"users": users}),
    ]


class _Lease(Base):
    """Answers with headers only and stays open until the other side goes."""

    def initialize(self, users: Users) -> None:
        self._users = users
        self._gone = asyncio.Event()

    async def get(self) -> None:
        if self._users.is_over:
            self.reply({"error": "the engine is stopping"}, 503)
            return
        self._users.open()
        try:
            await self.flush()
            await self._gone.wait()
        except StreamClosedError:
            log.debug("a lease ended before it was granted")
        finally:
            self._users.close()

    def on_connection_close(self) -> None:
        self._gone.set()
        super().on_connection_close()


class _Status(Base):
    """Says how much the engine is used."""

    def initialize(self, users: Users, version: str) -> None:
        self._users = users
        self._version = version

    def get(self) -> None:
        used = {"leases": self._users.count, "in_flight": self.engine.in_flight}
        self.reply({"version": self._version, **used})


class _Stop(Base):
    """Ends the engine; with ``?if=idle`` only when nobody uses it."""

    def initialize(self, users: Users) -> None:
        self._users = users

    def post(self) -> None:
        is_used = bool(self._users.count or self.engine.in_flight)
        if self.get_query_argument("if", "") == "idle" and is_used:
            self.reply({"error": "the engine is in use"}, 409)
            return
        self.reply({"stopping": True})
        self._users.end()
