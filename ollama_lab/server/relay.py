"""One stream of lines to a browser: few writes, a heartbeat, and an end.

The first words go out at once, then at most 20 writes a second: a browser that gets a frame for
every token spends its time on frames. While nothing comes a line says what is waited for, which
also keeps proxies from cutting the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from jupyter_server.base.handlers import APIHandler

#: Seconds between reads of an answer that comes slowly; and, at least, between writes.
READ_PACE, WRITE_PACE = 0.08, 0.05
_FIRST_BEAT_SECONDS, _BEAT_SECONDS = 0.5, 2.0
NDJSON = "application/x-ndjson"
_log = logging.getLogger(__name__)


class Relay:
    """Writes lines to the client of a handler.

    Parameters
    ----------
    handler : APIHandler
        Whose response it is; headers leave with the first line.

    Attributes
    ----------
    has_begun : bool
        Whether a line was written, so that no status can be sent any more.
    is_gone : bool
        Whether the client has hung up; what is sent then goes nowhere.
    outlives_client : bool
        Whether the work goes on without the client.
    """

    def __init__(self, handler: APIHandler) -> None:
        self._handler = handler
        self.has_begun = False
        self.is_gone = False
        self.outlives_client = False
        self._lines: list[bytes] = []
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._wrote_at = float("-inf")
        self._heard_at = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Future[None] | None = None

    def hang_up(self) -> None:
        """Take note that the client has left."""
        self.is_gone = True

    def send(self, line: Mapping[str, Any]) -> None:
        """Write a line now, after what waits."""
        self._take_delta()
        self._lines.append(_encoded(line))
        self._write()

    def delta(self, text: str = "", thinking: str = "") -> None:
        """Write some words: the first at once, then together with what comes soon after."""
        self._heard_at = time.monotonic()
        if text:
            self._text.append(text)
        if thinking:
            self._thinking.append(thinking)
        if self._timer is not None:
            return
        rest = self._wrote_at + WRITE_PACE - self._heard_at
        if rest > 0:
            self._timer = asyncio.get_running_loop().call_later(rest, self._write_delta)
        else:
            self._write_delta()

    async def finish(self) -> None:
        """Write what waits and end the response."""
        self._take_delta()
        self._write()
        while self._flushing is not None and not self.is_gone:
            await asyncio.wait([self._flushing])
            self._write()
        if not self.is_gone:
            await self._handler.finish()

    @contextlib.asynccontextmanager
    async def beating(self, words: Callable[[], Awaitable[str]]) -> AsyncIterator[None]:
        """Say every two seconds, while nothing else is said, what is waited for."""
        self._heard_at = time.monotonic()
        task = asyncio.ensure_future(self._beat(words))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (failure := task.exception()):
                _log.warning("The heartbeat of an answer ended: %r", failure)

    async def _beat(self, words: Callable[[], Awaitable[str]]) -> None:
        pause = _FIRST_BEAT_SECONDS
        while True:
            await asyncio.sleep(pause)
            quiet = time.monotonic() - self._heard_at
            if quiet < pause:
                pause = _BEAT_SECONDS
                continue
            said = await words()
            self.send({"type": "phase", "words": said, "seconds": round(quiet, 1)})
            pause = _BEAT_SECONDS

    def _write_delta(self) -> None:
        self._timer = None
        self._wrote_at = time.monotonic()
        self._take_delta()
        self._write()

    def _take_delta(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not (self._text or self._thinking):
            return
        line = {"type": "delta"}
        if self._text:
            line["text"] = "".join(self._text)
        if self._thinking:
            line["thinking"] = "".join(self._thinking)
        self._text, self._thinking = [], []
        self._lines.append(_encoded(line))

    def _write(self) -> None:
        """Hand lines to the socket, unless the last ones are still on their way."""
        if self._flushing is not None and self._flushing.done():
            self._flushing = None
        if self.is_gone:
            self._lines = []
        if not self._lines or self._flushing is not None:
            return
        self._begin()
        self._handler.write(b"".join(self._lines))
        self._lines = []
        self._flushing = asyncio.ensure_future(self._handler.flush())
        self._flushing.add_done_callback(self._flushed)

    def _flushed(self, flushing: asyncio.Future[None]) -> None:
        if flushing.cancelled() or flushing.exception() is not None:
            self.is_gone = True  # (the socket is closed)
        self._write()

    def _begin(self) -> None:
        if self.has_begun:
            return
        self.has_begun = True
        self._handler.set_header("Content-Type", NDJSON)
        self._handler.set_header("Cache-Control", "no-store")
        # What nginx and its like need to pass lines on as they come.
        self._handler.set_header("X-Accel-Buffering", "no")


def _encoded(line: Mapping[str, Any]) -> bytes:
    # ASCII only: a lone surrogate of a model's stays an escape that every reader takes.
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"
