"""One measured cell: what the kernel published, beside what the server did."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from testbed import generations

if TYPE_CHECKING:
    from contestants import Contestant
    from live_kernel import Kernel
    from live_messages import Message, Result

FIRST, LAST = "ZQSTART", "ZQEND"


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one cell; times in milliseconds, None where something did not happen."""

    status: str
    problem: str
    total_ms: float
    sent_to_visible_ms: float | None
    cpu_ms: float
    messages: int
    size_bytes: int
    live_bytes_per_second: float
    text_is_kept: bool
    is_whole: bool
    to_idle_ms: float | None
    to_released_ms: float | None


def cpu_ns(pid: int) -> int:
    """CPU time of a process, threads that have ended included (Linux: its CPU clock)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def measure(kernel: Kernel, contestant: Contestant, url: str, model: str, **how: Any) -> Measured:
    """Run a contestant's cell once and give its figures."""
    generations(url)
    before = cpu_ns(kernel.pid)
    result: Result = kernel.run(contestant.code(model), linger=0.15, **how)
    cpu = cpu_ns(kernel.pid) - before
    log = generations(url)
    server = log[-1] if log else {}
    visible = next((m.seen_ns for m in result.published if FIRST in m.text), 0)
    interrupted = result.interrupted_ns
    return Measured(
        status=result.status,
        problem=result.evalue,
        total_ms=result.seconds * 1e3,
        sent_to_visible_ms=_ms(server.get("first_sent_ns", 0), visible),
        cpu_ms=cpu / 1e6,
        messages=len(result.published),
        size_bytes=result.size_bytes,
        live_bytes_per_second=_live_rate(result.published),
        text_is_kept=FIRST in str(result.outputs),
        is_whole=LAST in str(result.outputs),
        to_idle_ms=_ms(interrupted, result.idle_ns),
        to_released_ms=_ms(interrupted, server.get("hung_up_ns", 0)),
    )


def _live_rate(published: list[Message]) -> float:
    """Bytes a second from the first message to the last, which is the exact bundle and not counted."""
    if len(published) < 2:
        return 0.0
    *live, last = published
    seconds = (last.seen_ns - live[0].seen_ns) / 1e9
    return sum(message.size_bytes for message in live) / seconds


def _ms(start_ns: int, end_ns: int) -> float | None:
    return (end_ns - start_ns) / 1e6 if start_ns and end_ns else None


def bare_socket(url: str, model: str) -> tuple[float, float]:
    """Read the same answer with nothing in between: total and first token, in milliseconds."""
    address = urlsplit(url)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]}).encode()
    head = (
        f"POST /api/chat HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    started, first, rest = time.monotonic_ns(), 0, b""
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + body)
        while True:
            data = connection.recv(65536)
            first = first or time.monotonic_ns()
            *lines, rest = (rest + data).split(b"\n")
            parsed = [json.loads(line) for line in lines if line[:1] == b"{"]
            if not data or any(line["done"] for line in parsed):
                break
    ended = time.monotonic_ns()
    log = generations(url)
    return (ended - started) / 1e6, (first - log[-1]["first_sent_ns"]) / 1e6
