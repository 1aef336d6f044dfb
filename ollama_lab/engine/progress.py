"""Blocking work in a thread of its own, its progress as lines on the wire."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ollama_lab.engine.base import BARE_JSON, Base

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[[dict[str, Any]], None]
    IsStopped = Callable[[], bool]
    Work = Callable[[Report, IsStopped], None]


class Progress(Base):
    """A route that reports while it works, such as a pull."""

    async def report(self, work: Work, *, is_streamed: bool) -> None:
        """Run blocking work and answer with what it reports: each line, or the last one.

        Parameters
        ----------
        work : callable
            Gets a function to report with and one that says whether the client has left.
        is_streamed : bool
            Whether every line is sent.
        """
        job = _Job(work)
        last: dict[str, Any] = {}
        try:
            while (value := await job.lines.get()) is not None:
                last = value
                if is_streamed:
                    await self.line(value)
            await job.ended
        finally:
            job.is_stopped = True
        if is_streamed:
            self.finish()
        else:
            self.reply(last, kind=BARE_JSON)


class _Job:
    """Work in a daemon thread: an engine that ends does not wait for a stalled download."""

    def __init__(self, work: Work) -> None:
        self.lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.is_stopped = False
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        # Asked for once, so that the error of a job nobody waits for any more is not logged.
        self.ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Work) -> None:
        error: Exception | None = None
        try:
            work(self._report, lambda: self.is_stopped)
        except Exception as caught:  # noqa: BLE001 (carried over to the event loop and raised there)
            error = caught
        self._in_loop(self._end, error)

    def _report(self, line: dict[str, Any]) -> None:
        self._in_loop(self.lines.put_nowait, line)

    def _end(self, error: Exception | None) -> None:
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self.lines.put_nowait(None)

    def _in_loop(self, function: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(function, *arguments)
