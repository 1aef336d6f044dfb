"""What the scripted server remembers of one request, from its first byte to the client's leaving."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit


class Record:
    """One request and what became of its answer.

    Every time is on the system-wide monotonic clock in nanoseconds, so that another process can
    compare it with its own ``time.monotonic_ns()``; 0 means it has not happened.
    """

    def __init__(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> None:
        self.received_ns = time.monotonic_ns()
        self.method = method
        self.path = urlsplit(target).path
        self.query = urlsplit(target).query
        self.headers = headers
        self.raw = raw
        self.status: int | None = None
        self.lines_sent = 0
        self.bytes_sent = 0
        self.first_sent_ns = 0
        self.last_sent_ns = 0
        self.hung_up_ns = 0
        self.outcome = "running"
        self._hung_up = threading.Event()
        self._over = threading.Event()

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.status} {self.outcome}>"

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; an empty one when there was none."""
        try:
            value = json.loads(self.raw)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def model(self) -> str:
        """The model's name as it was sent."""
        return str(self.body.get("model") or self.body.get("name") or "")

    @property
    def hangup_seconds(self) -> float | None:
        """How long after the last byte sent the client left, or None if it stayed to the end."""
        if not self.hung_up_ns:
            return None
        return (self.hung_up_ns - (self.last_sent_ns or self.received_ns)) / 1e9

    def wait_for_hangup(self, timeout: float = 5.0) -> float:
        """Wait until the client has left before the end; seconds after the last byte sent."""
        if not self._hung_up.wait(timeout):
            raise AssertionError(f"the client did not hang up within {timeout} s: {self!r}")
        seconds = self.hangup_seconds
        assert seconds is not None
        return seconds

    def wait_until_over(self, timeout: float = 5.0) -> str:
        """Wait for the end of the answer, whichever it is, and say which."""
        if not self._over.wait(timeout):
            raise AssertionError(f"the answer did not end within {timeout} s: {self!r}")
        return self.outcome

    def sent(self, size: int, *, lines: int = 0) -> None:
        """Note that bytes are about to leave."""
        self.last_sent_ns = time.monotonic_ns()
        self.first_sent_ns = self.first_sent_ns or self.last_sent_ns
        self.bytes_sent += size
        self.lines_sent += lines

    def hung_up(self) -> None:
        """Note that the client left before the end."""
        if self.outcome == "running" and not self.hung_up_ns:
            self.hung_up_ns = time.monotonic_ns()
            self._hung_up.set()

    def over(self, outcome: str) -> None:
        """Note how the answer ended: done, cut, reset or client gone."""
        self.outcome = outcome
        self._over.set()

    def as_json(self) -> dict[str, Any]:
        """Give the timeline to another process."""
        return {
            "method": self.method,
            "path": self.path,
            "model": self.model,
            "body": self.body,
            "status": self.status,
            "outcome": self.outcome,
            "lines_sent": self.lines_sent,
            "bytes_sent": self.bytes_sent,
            "received_ns": self.received_ns,
            "first_sent_ns": self.first_sent_ns,
            "last_sent_ns": self.last_sent_ns,
            "hung_up_ns": self.hung_up_ns,
        }
