"""Loaded models: one child per model file, the least recently used goes first.

A request that fits the loaded model starts at once. One that needs other settings waits until the
running answers have ended, and so does an unload: nothing is ever cut off.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import layouts
from ollama_lab.engine.durations import FOR_EVER
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.recipe import memory_bytes
from ollama_lab.engine.runner import Runner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ollama_lab.engine.card import Card
    from ollama_lab.engine.recipe import Limits, Recipe

_BUSY = "server busy, please try again.  maximum pending requests exceeded"


@dataclass(slots=True, eq=False)
class Loaded:
    """A model in memory; times are those of `time.monotonic`.

    Size and details are noted when it is loaded: its file may be deleted meanwhile.
    """

    card: Card
    recipe: Recipe
    runner: Runner
    keep_seconds: float
    size_bytes: int
    details: dict[str, Any]
    busy: int = 0
    used_at: float = field(default_factory=time.monotonic)
    timer: asyncio.TimerHandle | None = None

    @property
    def seconds_left(self) -> float:
        """Until it is unloaded; counted from its last use, below 0 when only an answer holds it."""
        return self.used_at + self.keep_seconds - time.monotonic()


class Pool:
    """All model processes of an engine.

    Parameters
    ----------
    limits : Limits
        How many at once, how long each stays, how many requests may wait for a load.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._loaded: dict[str, Loaded] = {}
        # One door per model file, in the order of arrival: a waiting reload is not overtaken.
        self._doors: dict[str, asyncio.Lock] = {}
        self._loading = asyncio.Lock()
        self._freed = asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()
        self._waiting = 0

    @property
    def loaded(self) -> list[Loaded]:
        """Models in memory, longest remaining time first."""
        return sorted(self._loaded.values(), key=lambda one: -one.seconds_left)

    @asynccontextmanager
    async def use(self, card: Card, recipe: Recipe, keep: float | None) -> AsyncIterator[Runner]:
        """Hold a model while an answer is made; it is loaded first where needed.

        Parameters
        ----------
        card, recipe : Card, Recipe
            The model and how it must be loaded.
        keep : float or None
            Seconds it stays after its last use, for everybody; None leaves what was asked before.

        Raises
        ------
        EngineError
            Too many requests wait (503), or the model cannot be loaded.
        """
        loaded = await self._enter(card, recipe, keep)
        try:
            yield loaded.runner
        finally:
            self._leave(loaded)

    def unload(self, card: Card) -> None:
        """Let a model go: now, or when its running answers have ended."""
        if loaded := self._loaded.get(str(card.file)):
            loaded.keep_seconds = 0
            if not loaded.busy:
                self._drop(loaded)

    async def close(self) -> None:
        """End all children, whatever they are doing."""
        for loaded in list(self._loaded.values()):
            self._drop(loaded)
        await self._await_leaving()

    async def _enter(self, card: Card, recipe: Recipe, keep: float | None) -> Loaded:
        if self._waiting >= self._limits.max_queue:
            raise EngineError(_BUSY, 503)
        self._waiting += 1
        try:
            async with self._doors.setdefault(recipe.model, asyncio.Lock()):
                loaded = await self._fitting(recipe) or await self._load(card, recipe)
                if keep is not None:
                    loaded.keep_seconds = keep
                return loaded
        finally:
            self._waiting -= 1

    async def _fitting(self, recipe: Recipe) -> Loaded | None:
        """Return the loaded model, held, or None after one that does not fit has gone."""
        loaded = self._loaded.get(recipe.model)
        if loaded is None:
            return None
        self._hold(loaded)
        fits = False
        try:
            fits = loaded.recipe == recipe and await loaded.runner.answers()
        finally:
            if not fits:
                self._leave(loaded)
        if fits:
            return loaded
        await self._until(lambda: loaded.busy == 0)
        self._drop(loaded)
        return None

    async def _load(self, card: Card, recipe: Recipe) -> Loaded:
        async with self._loading:  # one at a time, as in Ollama
            await self._make_room()
            loaded = Loaded(
                card,
                recipe,
                Runner(recipe.settings()),
                keep_seconds=self._limits.keep_alive_seconds,
                size_bytes=memory_bytes(card, recipe),
                details=card.details(),
            )
            await _start(loaded)
            self._loaded[recipe.model] = loaded
            self._hold(loaded)
            return loaded

    async def _make_room(self) -> None:
        def is_full() -> bool:
            return len(self._loaded) >= self._limits.max_loaded

        def idle() -> list[Loaded]:
            return [one for one in self._loaded.values() if not one.busy]

        while is_full():
            await self._until(lambda: bool(idle()) or not is_full())
            if is_full():
                self._drop(min(idle(), key=lambda one: one.used_at))
        await self._await_leaving()

    async def _until(self, is_true: Callable[[], bool]) -> None:
        """Wait for something that can only come true when a model is let go."""
        while not is_true():
            self._freed.clear()
            await self._freed.wait()

    def _hold(self, loaded: Loaded) -> None:
        loaded.busy += 1
        loaded.used_at = time.monotonic()
        if loaded.timer:
            loaded.timer.cancel()
            loaded.timer = None

    def _leave(self, loaded: Loaded) -> None:
        loaded.busy -= 1
        loaded.used_at = time.monotonic()
        if not loaded.busy:
            self._freed.set()
            if loaded.keep_seconds <= 0:
                self._drop(loaded)
            elif loaded.keep_seconds != FOR_EVER:
                loop = asyncio.get_running_loop()
                loaded.timer = loop.call_later(loaded.keep_seconds, self._drop, loaded)

    def _drop(self, loaded: Loaded) -> None:
        if self._loaded.get(loaded.recipe.model) is not loaded:
            return
        del self._loaded[loaded.recipe.model]
        if loaded.timer:
            loaded.timer.cancel()
        self._freed.set()
        task = asyncio.ensure_future(loaded.runner.stop())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _await_leaving(self) -> None:
        # Two models at once would take twice the memory.
        if self._leaving:
            await asyncio.wait(self._leaving)


async def _start(loaded: Loaded) -> None:
    try:
        await loaded.runner.start()
    except EngineError as error:
        remedy = layouts.remedy(loaded.card.header.architecture)
        raise EngineError(f"{error.message} {remedy}".strip(), error.status) from None
