"""Measure the Jupyter server's relay, beside one that writes every token by itself.

    python benchmarks/relay.py            # prints the table and writes results-relay.md
    python benchmarks/relay.py --check    # exits 1 when a ratio, a count or a size misses its target

The work: one answer of 2,000 tokens and 9 kB from the scripted server, as a burst and paced at
200 tokens a second, by way of a real Jupyter server in a process of its own. Ours also finds the
model, keeps the chat on disk and counts; the other only passes on.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import testbed
from probe import cpu_ns
from report import Report, number
from starting import Starting, measure_starting

from live_server import Server  # isort: skip (testbed makes the tests importable)

TOKENS = 2000
BURST, PACED, WAITING = f"bench-n{TOKENS}", f"bench-n{TOKENS}-r200", "bench-n20-d5000"
MODELS = (BURST, PACED, WAITING)
STREAMS = 8


@dataclass(frozen=True, slots=True)
class Run:
    """One answer: CPU of the Jupyter server, and what the client saw; times in milliseconds."""

    cpu_ms: float
    total_ms: float
    first_ms: float
    size_bytes: int
    lines: int


def main() -> int:
    """Measure, print, write; 1 when a checked target is missed."""
    options = argparse.ArgumentParser(description="Measure the Jupyter server's relay.")
    options.add_argument("--check", action="store_true", help="exit 1 on a missed ratio or size")
    options.add_argument("--times", type=int, default=7, help="bursts a relay (7)")
    given = options.parse_args()
    load_before = os.getloadavg()[0]
    with testbed.scripted_ollama(MODELS) as url, tempfile.TemporaryDirectory() as folder:
        with testbed.clean_home() as env:
            start = measure_starting(env)
        env = {"OLLAMA_HOST": url, "PYTHONPATH": str(testbed.HERE)}
        also = "naive_relay"
        with Server(Path(folder), env=env, also=also) as server:
            report = _measured(server, url, given.times, start, load_before)
    report.write(testbed.HERE / "results-relay.md")
    missed = report.failures()
    if missed:
        print(f"Missed: {'; '.join(missed)}.", file=sys.stderr)
    return 1 if given.check and missed else 0


def _measured(server: Server, url: str, times: int, start: Starting, load_before: float) -> Report:
    _ours(server, url, WAITING)  # the first prompt opens everything
    _naive(server, url, BURST)
    bursts = [(_ours(server, url, BURST), _naive(server, url, BURST)) for _ in range(times)]
    idle = _idle_cpu(server)
    writes = server.get("changes")["version"]
    paced = [(_ours(server, url, PACED), _naive(server, url, PACED))]
    writes = server.get("changes")["version"] - writes
    report = Report(
        "The relay in the Jupyter server",
        "One answer of 2,000 tokens, as a burst and paced at 200 tokens/s. CPU is the Jupyter "
        "server's, for 1,000 tokens, paced without what it takes idle.",
        ("ollama-lab", "a write a token"),
        load_before,
    )
    _burst_rows(report, bursts)
    _paced_rows(report, paced[0], idle)
    _waiting_rows(report, server, url)
    report.add(
        "chat store, writes for an answer of 10 s: 3 to begin, 1 a second, 1 to end",
        "<= 14",
        (f"{writes}", "-"),
        passes=writes <= 14,
        is_checked=True,
    )
    report.add(
        "server start with the extension, CPU",
        "<= 0.05 s",
        (number(start.cpu_s, "s", digits=3), "-"),
        passes=start.cpu_s <= 0.05,
    )
    report.add(
        "server start with the extension, memory",
        "<= 3 MB",
        (number(start.memory_mb, "MB"), "-"),
        passes=start.memory_mb <= 3,
    )
    return report


def _burst_rows(report: Report, bursts: list[tuple[Run, Run]]) -> None:
    ours, naive = [[pair[i] for pair in bursts] for i in (0, 1)]
    cpu = [statistics.median(run.cpu_ms for run in runs) * 1000 / TOKENS for runs in (ours, naive)]
    first = [statistics.median(run.first_ms for run in runs) for runs in (ours, naive)]
    total = [statistics.median(run.total_ms for run in runs) for runs in (ours, naive)]
    size = [runs[-1].size_bytes / 1000 for runs in (ours, naive)]
    _pair(report, "CPU for 1,000 tokens, burst", "<= 10 ms", cpu, most=10)
    report.add(
        "the same, over that of a write a token",
        "<= 1/2",
        (number(cpu[0] / cpu[1], digits=2), "1"),
        passes=cpu[0] <= cpu[1] / 2,
        is_checked=True,
    )
    _pair(report, "first token, sent -> seen", "", first)
    _pair(report, "burst, from the request on", "", total)
    report.add(
        "bytes to the browser, burst",
        "<= 40 kB",
        [number(one, "kB") for one in size],
        passes=size[0] <= 40,
        is_checked=True,
    )
    report.add("lines to the browser, burst", "", [f"{runs[-1].lines}" for runs in (ours, naive)])


def _paced_rows(report: Report, pair: tuple[Run, Run], idle: float) -> None:
    cpu = [(run.cpu_ms - idle * run.total_ms) * 1000 / TOKENS for run in pair]
    size = [run.size_bytes / 1000 for run in pair]
    _pair(report, "CPU for 1,000 tokens, paced", "<= 60 ms", cpu, most=60)
    report.add(
        "the same, over that of a write a token",
        "<= 1/2",
        (number(cpu[0] / cpu[1], digits=2), "1"),
        passes=cpu[0] <= cpu[1] / 2,
        is_checked=True,
    )
    report.add(
        "bytes to the browser, paced",
        "<= 40 kB",
        [number(one, "kB") for one in size],
        passes=size[0] <= 40,
        is_checked=True,
    )
    report.add(
        "lines to the browser, paced",
        "<= 210",
        [f"{run.lines}" for run in pair],
        passes=pair[0].lines <= 210,
        is_checked=True,
    )


def _waiting_rows(report: Report, server: Server, url: str) -> None:
    worst = _status_during_streams(server)
    report.add(
        f"/api/status during {STREAMS} streams, worst",
        "<= 50 ms",
        (number(worst, "ms"), "-"),
        passes=worst <= 50,
    )
    for words, model, body in (
        ("in mid-answer", PACED, 1),
        ("before the first token", WAITING, 0),
    ):
        left = statistics.median(_hang_up(server, url, model, body) for _ in range(3))
        report.add(
            f"browser hangs up {words} -> upstream closed",
            "<= 50 ms",
            (number(left, "ms"), "-"),
            passes=left <= 50,
        )


def _pair(
    report: Report, measure: str, target: str, values: list[float], *, most: float | None = None
) -> None:
    passes = None if most is None else values[0] <= most
    report.add(measure, target, [number(value, "ms") for value in values], passes=passes)


# ---------------------------------------------------------------- one answer


def _ours(server: Server, url: str, model: str) -> Run:
    return _run(server, url, "chat", {"parent_id": None, "text": "x", "model": model})


def _naive(server: Server, url: str, model: str) -> Run:
    return _run(server, url, "naive", {"model": model})


def _run(server: Server, url: str, path: str, body: dict[str, Any]) -> Run:
    testbed.generations(url)
    before, begun, first = cpu_ns(server.pid), time.monotonic_ns(), 0
    with server.stream(path, body) as stream:
        lines = 0
        while line := stream.line():
            lines += 1
            if not first and line["type"] == "delta":
                first = time.monotonic_ns()
    ended = time.monotonic_ns()
    cpu = cpu_ns(server.pid) - before
    sent = testbed.generations(url)[-1]["first_sent_ns"]
    return Run(cpu / 1e6, (ended - begun) / 1e6, (first - sent) / 1e6, stream.size_bytes, lines)


def _idle_cpu(server: Server, seconds: float = 3.0) -> float:
    """Give what the server takes with nothing to do, in milliseconds a millisecond."""
    before = cpu_ns(server.pid)
    time.sleep(seconds)
    return (cpu_ns(server.pid) - before) / 1e9 / seconds


def _hang_up(server: Server, url: str, model: str, deltas: int) -> float:
    """Leave an answer; how long Ollama is held after that."""
    testbed.generations(url)
    with server.stream("chat", {"parent_id": None, "text": "x", "model": model}) as stream:
        stream.line()
        for _ in range(deltas):
            stream.until("delta")
        time.sleep(0.3)
        left = time.monotonic_ns()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if (log := testbed.generations(url)) and log[-1]["hung_up_ns"]:
            return float(log[-1]["hung_up_ns"] - left) / 1e6
    return float("inf")


def _status_during_streams(server: Server) -> float:
    """Ask for the server's status again and again while answers are written; the longest wait."""
    asked = {"parent_id": None, "text": "x", "model": PACED}
    streams = [server.stream("chat", asked) for _ in range(STREAMS)]
    worst = 0.0
    try:
        for stream in streams:
            stream.until("delta")
        for _ in range(100):
            begun = time.monotonic()
            server.call("GET", "/api/status")
            worst = max(worst, time.monotonic() - begun)
            time.sleep(0.02)
    finally:
        for stream in streams:
            stream.hang_up()
    return worst * 1e3


if __name__ == "__main__":
    sys.exit(main())
