"""Waiting for something real, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_SECONDS = 20.0


def wait_until(is_so: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as `is_so` says True; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s"
        time.sleep(0.01)
