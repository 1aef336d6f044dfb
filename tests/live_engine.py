"""A running engine, in a thread of this process, for the tests that talk to one."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
import ollama

from ollama_lab.engine.app import Engine
from ollama_lab.engine.recipe import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from types import TracebackType

    from ollama_lab.engine.store import Store

T = TypeVar("T")
DEADLINE_SECONDS = 20


def lines_of(response: httpx.Response) -> Iterator[bytes]:
    """Give the lines of a stream, each as it comes.

    httpx's own ``iter_lines`` also cuts at U+0085, which a model of random words writes now and then.
    """
    waiting = b""
    for data in response.iter_bytes():
        *lines, waiting = (waiting + data).split(b"\n")
        yield from lines
    if waiting:
        yield waiting


class LiveEngine:
    """An engine on loopback; ``with`` starts it and ends it with its children.

    ``client`` is the official Python client, ``http`` a plain one without a time-out.
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
        self._arguments: dict[str, Any] = {
            "token": token,
            "handlers": handlers,
            "limits": limits or Limits(),
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.engine = self.run(self._make())
        self.port = self.run(self.engine.start())
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=None)
        self.client = ollama.Client(self.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        self.client.close()  # type: ignore[no-untyped-call]  # (the client's own)
        self.run(self.engine.close())
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self._loop.close()

    async def _make(self) -> Engine:
        return Engine(self.store, **self._arguments)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the engine's event loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_SECONDS)

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait for a state of the engine, looking from its own event loop."""

        async def look() -> None:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not is_true():  # noqa: ASYNC110 (what is waited for has no event of its own)
                    await asyncio.sleep(0.005)

        self.run(look())

    def children(self) -> dict[str, int]:
        """Give the process id of each loaded model's child."""
        return {one.card.model.name.short: one.runner.pid for one in self.engine.pool.loaded}

    def unload_all(self) -> None:
        """Empty the memory; waits until the children are gone."""

        async def empty() -> None:
            await self.engine.pool.close()

        self.run(empty())
