"""Who uses the engine: the server's side of leases, and the routes of `lease`."""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from ollama_lab.engine import lease as leases

if TYPE_CHECKING:
    from collections.abc import Callable

    Rules = list[tuple[str, type[RequestHandler], dict[str, Any]]]

# Who started an engine takes its lease right away, unless it was killed in between.
FIRST_LEASE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Users:
    """Counts who uses the engine, and says when nobody has for some time.

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
        if self.count == 0:
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


def rules(token: str, users: Users, about: Callable[[], dict[str, Any]]) -> Rules:
    """Return the tornado rules by which processes take leases, look, and stop the engine.

    Parameters
    ----------
    token : str
        Asked of every caller.
    users : Users
        Counts the leases.
    about : callable
        Says ``version`` and ``in_flight``; the number of leases is added here.
    """
    shared = {"token": token, "users": users, "about": about}
    return [
        (leases.PATH, _LeaseHandler, shared),
        (leases.STATUS_PATH, _StatusHandler, shared),
        (leases.STOP_PATH, _StopHandler, shared),
    ]


class _Handler(RequestHandler):
    """Base of the routes by which the engine's own users speak to it."""

    def initialize(self, token: str, users: Users, about: Callable[[], dict[str, Any]]) -> None:
        self.token = token
        self.users = users
        self._about = about

    def about(self) -> dict[str, Any]:
        return {**self._about(), "leases": self.users.count}

    def prepare(self) -> None:
        said = self.request.headers.get("Authorization", "")
        if not hmac.compare_digest(said.encode(), f"Bearer {self.token}".encode()):
            self.refuse(401, "unauthorized")

    def refuse(self, status: int, error: str) -> None:
        self.set_status(status)
        self.finish({"error": error})


class _LeaseHandler(_Handler):
    """Answers with headers only and stays open until the other side goes."""

    def initialize(self, token: str, users: Users, about: Callable[[], dict[str, Any]]) -> None:
        super().initialize(token, users, about)
        self.gone = asyncio.Event()

    async def get(self) -> None:
        if self.users.is_over:
            self.refuse(503, "the engine is stopping")
            return
        self.users.open()
        try:
            await self.flush()
            await self.gone.wait()
        except StreamClosedError:
            log.debug("a lease ended before it was granted")
        finally:
            self.users.close()

    def on_connection_close(self) -> None:
        self.gone.set()


class _StatusHandler(_Handler):
    """Says how much the engine is used."""

    def get(self) -> None:
        self.finish(self.about())


class _StopHandler(_Handler):
    """Ends the engine; with ``?if=idle`` only when nobody uses it."""

    def post(self) -> None:
        about = self.about()
        if self.get_query_argument("if", "") == "idle" and (about["leases"] or about["in_flight"]):
            self.refuse(409, "the engine is in use")
            return
        self.finish({"stopping": True})
        self.users.end()
