"""The engine: Ollama's API over local model files."""

from __future__ import annotations

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
    from collections.abc import Iterator, Sequence

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
    """

    def __init__(
        self,
        store: Store,
        *,
        token: str | None = None,
        handlers: Sequence[Any] = (),
        limits: Limits | None = None,
    ) -> None:
        self.store = store
        self.token = token
        self.limits = limits or Limits.from_environment()
        self.pool = Pool(self.limits)
        self.is_loopback = True
        self.in_flight = 0
        self._server: HTTPServer | None = None
        self._application = Application(
            [*handlers, *_ROUTES],
            default_handler_class=Unknown,
            engine=self,
            log_function=lambda _handler: None,
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
        await self.pool.close()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as being answered."""
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
