"""The engine: Ollama's API over local model files."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from ollama_lab.engine import creation, embedding, generation, library, pulling
from ollama_lab.engine.base import Unknown
from ollama_lab.engine.pool import Pool
from ollama_lab.engine.recipe import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tornado.web import RequestHandler

    from ollama_lab.engine.store import Store

_ROUTES: tuple[tuple[str, Any], ...] = (
    (r"/", library.Root),
    (r"/api/version", library.Version),
    (r"/api/status", library.Status),
    (r"/api/tags", library.Tags),
    (r"/api/ps", library.Ps),
    (r"/api/show", library.Show),
    (r"/api/copy", library.Copy),
    (r"/api/delete", library.Delete),
    (r"/api/push", library.Push),
    (r"/api/chat", generation.Chat),
    (r"/api/generate", generation.Generate),
    (r"/api/embed", embedding.Embed),
    (r"/api/embeddings", embedding.Embeddings),
    (r"/api/create", creation.Create),
    (r"/api/blobs/([^/]+)", creation.Blob),
    (r"/api/pull", pulling.Pull),
)
_LARGEST_BODY = 1 << 28
_CLOSE_SECONDS = 5


class Engine:
    """One embedded engine.

    Parameters
    ----------
    store : Store
        Where the models are.
    token : str, optional
        What callers send as ``Authorization: Bearer TOKEN``; without one everybody may ask.
    handlers : Sequence
        Further routes, as tornado takes them. A handler that subclasses `base.Base` gets the
        same checks as ours.
    limits : Limits, optional
        How much of the machine is used; by default what Ollama's own variables say.
    log_request : callable
        Called with the handler of each request that was answered; by default nothing is logged.
    """

    def __init__(
        self,
        store: Store,
        *,
        token: str | None = None,
        handlers: Sequence[Any] = (),
        limits: Limits | None = None,
        log_request: Callable[[RequestHandler], None] = lambda _handler: None,
    ) -> None:
        self.store = store
        self.token = token
        self.limits = limits or Limits.from_environment()
        self.pool = Pool(self.limits)
        self.is_loopback = True
        self._answering: set[asyncio.Task[Any] | None] = set()
        self._server: HTTPServer | None = None
        self._application = Application(
            [*handlers, *_ROUTES],
            default_handler_class=Unknown,
            engine=self,
            log_function=log_request,
        )

    async def start(self, port: int = 0, address: str = "127.0.0.1") -> int:
        """Listen, and return the port; 0 takes a free one.

        Raises
        ------
        OSError
            The port is taken.
        """
        sockets = bind_sockets(port, address)
        self.is_loopback = all(_is_loopback(one.getsockname()[0]) for one in sockets)
        self._server = HTTPServer(self._application, max_buffer_size=_LARGEST_BODY)
        self._server.add_sockets(sockets)
        bound: int = sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening, cut what is running and end all model processes."""
        if self._server:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None
        # Their clients are gone, so they end at once; a child being started must not be left.
        if tasks := {task for task in self._answering if task}:
            await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
        await self.pool.close()

    @property
    def in_flight(self) -> int:
        """Number of requests that are being answered."""
        return len(self._answering)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count the task at hand as a request that is being answered."""
        task = asyncio.current_task()
        self._answering.add(task)
        try:
            yield
        finally:
            self._answering.discard(task)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
