"""Measure the embedded engine: first token, tokens a second, and what its front adds.

    python benchmarks/engine.py           # prints the table and writes results-engine.md

The same model process is asked through the engine's `/api/chat` and, beside it, on its own
endpoint, in turn. The model is small and babbles, so that the front's share shows.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import testbed
from probe import cpu_ns
from report import Report, number

import gates  # isort: skip (testbed makes the tests importable)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live_engine import LiveEngine

#: Slow enough, at some hundred tokens a second, not to starve the front on two cores.
MODEL, TOKENS = "slow", 128
MESSAGES = [{"role": "user", "content": "hello"}]


@dataclass(frozen=True, slots=True)
class Door:
    """Where the model is asked, with the request in the words of that endpoint."""

    name: str
    address: tuple[str, int]
    path: str
    body: dict[str, Any]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer; milliseconds."""

    first_ms: float
    total_ms: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens a second, the prompt's share included; the model never ends by itself."""
        return TOKENS / self.total_ms * 1e3


def doors(engine: LiveEngine) -> tuple[Door, Door]:
    """Give the model process's own endpoint and the engine's, with equal requests."""
    sampling = {"seed": 1, "temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.0}
    options = {**sampling, "num_predict": TOKENS, "num_ctx": 512}
    chat = {"model": MODEL, "messages": MESSAGES, "options": options}
    engine.http.post("/api/chat", json={**chat, "messages": []}).raise_for_status()
    runner = engine.engine.pool.loaded[0].runner
    direct = {"messages": MESSAGES, "stream": True, "n_predict": TOKENS, **sampling}
    address, key = runner._address, runner._key  # noqa: SLF001 (nobody else is meant to ask it)
    return (
        Door("model process", address, "/v1/chat/completions", direct, key),
        Door("engine", ("127.0.0.1", engine.port), "/api/chat", chat),
    )


def ask(door: Door) -> Timed:
    """Read one streamed answer to its end."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {door.key}"}
    started, first = time.monotonic_ns(), 0
    connection = http.client.HTTPConnection(*door.address, timeout=60)
    try:
        connection.request("POST", door.path, json.dumps(door.body), headers)
        reply = connection.getresponse()
        if reply.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{door.name}: {reply.read()[:500]!r}")
        while line := reply.readline():
            if b'"content":"' in line and b'"content":""' not in line:
                first = first or time.monotonic_ns()
    finally:
        connection.close()
    return Timed((first - started) / 1e6, (time.monotonic_ns() - started) / 1e6)


def race(both: Sequence[Door], times: int) -> list[list[Timed]]:
    """Ask in turn, so that a busy minute falls on both."""
    for door in both:
        ask(door)
    turns = [[ask(door) for door in both] for _ in range(times)]
    return [list(runs) for runs in zip(*turns, strict=True)]


def tell(
    both: Sequence[Door], runs: list[list[Timed]], cpu_ms: float, load_before: float
) -> Report:
    """Make the table."""
    report = Report(
        "The embedded engine",
        f"A small model of ours that babbles {TOKENS} tokens, streamed; the model process asked directly "
        "and through the engine in turn, medians. CPU is the engine's own process, the client included.",
        [door.name for door in both],
        load_before,
    )
    for name, figure, unit in (
        ("first token", "first_ms", "ms"),
        ("total", "total_ms", "ms"),
        ("tokens a second", "tokens_per_second", ""),
    ):
        middles = [statistics.median(getattr(run, figure) for run in one) for one in runs]
        report.add(name, "", [number(middle, unit) for middle in middles])
    fastest = [min(run.total_ms for run in one) for one in runs]
    ratio = number(fastest[1] / fastest[0], digits=2)
    report.add("total over the model process's (fastest runs)", "", ["1.0", ratio])
    report.add("CPU per 1,000 tokens beside the model process", "", ["-", number(cpu_ms, "ms")])
    return report


def engine_cpu_ms(door: Door, times: int = 5) -> float:
    """CPU per 1,000 tokens of this process, which holds the engine and the client."""
    before = cpu_ns(os.getpid())
    for _ in range(times):
        ask(door)
    return (cpu_ns(os.getpid()) - before) / 1e6 * 1000 / (TOKENS * times)


def main() -> int:
    """Measure, print, write; nothing to do where the engine's package is missing."""
    options = argparse.ArgumentParser(description="Measure the embedded engine.")
    options.add_argument(
        "--check", action="store_true", help="accepted for `make bench`; no targets here"
    )
    options.add_argument("--times", type=int, default=12, help="answers a door (12)")
    given = options.parse_args()
    if reason := gates.missing("engine"):
        print(f"The engine was not measured. {reason}", file=sys.stderr)
        return 0
    from gguf_models import shelf
    from live_engine import LiveEngine

    load_before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        LiveEngine(shelf.store(Path(folder), MODEL)) as engine,
    ):
        both = doors(engine)
        runs = race(both, given.times)
        cpu_ms = engine_cpu_ms(both[1])
    tell(both, runs, cpu_ms, load_before).write(testbed.HERE / "results-engine.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
