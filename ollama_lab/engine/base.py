"""What every route has in common: who may ask, how errors look, what a hang-up does."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from ollama_lab.engine import reply
from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from ollama_lab.engine.app import Engine

JSON = "application/json; charset=utf-8"
# Streams, and errors found once the model was at hand, leave Ollama without a charset.
BARE_JSON = "application/json"
LINES = "application/x-ndjson"
_LOCAL_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
_VERBS = ("GET", "HEAD", "POST", "DELETE")


class Base(RequestHandler):
    """A route of the engine. Handlers subclass it, also those that come from outside."""

    _task: asyncio.Task[None] | None = None
    _has_hung_up = False
    #: Set once the work proper has begun: Ollama's errors look different from there on.
    is_under_way = False

    @property
    def engine(self) -> Engine:
        """The engine this route belongs to."""
        engine: Engine = self.settings["engine"]
        return engine

    def set_default_headers(self) -> None:
        """Say nothing that Ollama does not say."""
        self.clear_header("Server")

    def compute_etag(self) -> None:
        """Send no ETag: Ollama has none."""

    def prepare(self) -> None:
        """Refuse foreign pages (403, empty) and callers without the token (401)."""
        if not self._is_local_host() or not self._is_local_origin():
            self.reply_empty(403)
        elif not self._has_token():
            self.reply({"error": "unauthorized"}, 401)

    def _is_local_host(self) -> bool:
        if not self.engine.is_loopback:  # bound for others on purpose: they have other names for us
            return True
        host = self.request.host_name.lower().strip("[]")
        if host == "localhost" or host.endswith(_LOCAL_SUFFIXES):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _is_local_origin(self) -> bool:
        origin = self.request.headers.get("Origin")
        return origin is None or _LOCAL_ORIGIN.fullmatch(origin) is not None

    def _has_token(self) -> bool:
        if not self.engine.token:
            return True
        given = self.request.headers.get("Authorization", "")
        # Headers arrive as Latin-1, whatever a client meant by their bytes.
        wanted = f"Bearer {self.engine.token}".encode()
        return hmac.compare_digest(given.encode("latin-1", "replace"), wanted)

    def reply(self, value: Mapping[str, Any], status: int = 200, kind: str = JSON) -> None:
        """Answer with one JSON object."""
        self.set_status(status)
        self.set_header("Content-Type", kind)
        self.finish(reply.encode(value))

    def reply_empty(self, status: int) -> None:
        """Answer with a status and nothing else."""
        self.set_status(status)
        self.clear_header("Content-Type")
        self.finish()

    def reply_text(self, text: str, status: int = 200, kind: str = "text/plain") -> None:
        """Answer with plain text."""
        self.set_status(status)
        self.set_header("Content-Type", kind)
        self.finish(text)

    async def line(self, value: Mapping[str, Any]) -> None:
        """Send one object of a stream; the first one brings the headers."""
        if not self._headers_written:
            self.set_header("Content-Type", LINES)
        self.write(reply.encode(value) + "\n")
        await self.flush()

    async def answer(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a route's work: its errors become the answer, a hang-up of the client stops it."""
        self._task = asyncio.ensure_future(work)
        with self.engine.answering():
            try:
                await self._task
            except asyncio.CancelledError:
                if not self._has_hung_up:
                    raise
            except StreamClosedError:
                pass  # the client left between two lines
            except EngineError as error:
                await self.fail(error)
            except OSError as error:
                # A full or unreadable disk; Ollama passes on the system's words too.
                await self.fail(EngineError(error.strerror or str(error)))

    async def fail(self, error: EngineError) -> None:
        """Answer with an error, as Ollama does at this point of the answer."""
        if self._has_hung_up:
            return
        value = {"error": error.message}
        if self._headers_written:
            await self.line(value)
            self.finish()
        elif self.is_under_way:
            self.set_status(error.status)
            self.set_header("Content-Type", BARE_JSON)
            self.write(reply.encode(value))
            await self.flush()
            self.finish()
        else:
            self.reply(value, error.status)

    def on_connection_close(self) -> None:
        """Stop working for a client that left."""
        self._has_hung_up = True
        if self._task:
            self._task.cancel()

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """Answer what tornado itself found: a wrong verb, a bug of ours."""
        if status_code == 405:  # noqa: PLR2004 (HTTP's own number)
            self.set_header("Allow", ", ".join(self._verbs()))
            self.reply_text("405 method not allowed", status_code)
        else:
            self.reply({"error": self._reason}, status_code)

    def _verbs(self) -> list[str]:
        mine = type(self)
        return [
            verb
            for verb in _VERBS
            if getattr(mine, verb.lower()) is not getattr(RequestHandler, verb.lower())
        ]


class Unknown(Base):
    """Any path the engine does not have: plain text, by which clients tell it from a model."""

    def prepare(self) -> None:
        """Answer 404, or what every route answers to strangers."""
        super().prepare()
        if not self._finished:
            self.reply_text("404 page not found", 404)
