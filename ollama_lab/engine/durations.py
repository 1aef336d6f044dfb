"""``keep_alive`` and time stamps, as Go writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from ollama_lab.engine.failure import EngineError

FOR_EVER = float("inf")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")
# Go's longest duration, about 292 years: what Ollama's "for ever" is.
_LONGEST_NS = 2**63 - 1


def keep_alive(value: Any) -> float | None:
    """Read a request's ``keep_alive`` in seconds; None stays None, negative is for ever.

    >>> keep_alive("1h30m"), keep_alive(1.5), keep_alive(-1), keep_alive("0")
    (5400.0, 1.5, inf, 0.0)

    Raises
    ------
    EngineError
        Go's own words, status 400.
    """
    if value is None:
        return None
    if isinstance(value, str):
        seconds = _parse(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        kind = {bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
        raise EngineError(f"Unsupported type: '{kind.get(type(value), 'unknown')}'", 400)
    return FOR_EVER if seconds < 0 else seconds


def _parse(text: str) -> float:
    """Go's ``time.ParseDuration``: ``"5m"``, ``"1h30m"``, ``"-1.5s"``, and ``"0"``."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    while match := _PART.match(rest, at):
        number, unit = match.groups()
        if not unit:
            raise EngineError(f'time: missing unit in duration "{text}"', 400)
        if unit not in _UNITS:
            raise EngineError(f'time: unknown unit "{unit}" in duration "{text}"', 400)
        total += float(number) * _UNITS[unit]
        at = match.end()
    if at == 0 or at != len(rest):
        raise EngineError(f'time: invalid duration "{text}"', 400)
    return sign * total


def timestamp(at_ns: int) -> str:
    """Write a time as Go does: RFC 3339 in UTC, up to nine digits after the second.

    >>> timestamp(1_795_487_632_657_704_800)
    '2026-11-24T02:33:52.6577048Z'
    """
    seconds, rest = divmod(at_ns, 10**9)
    # timedelta, since fromtimestamp() has a platform's own last year.
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def expiry(now_ns: int, seconds: float) -> str:
    """Write the moment in ``seconds`` from now; for ever is Go's longest duration from now."""
    left = _LONGEST_NS if seconds == FOR_EVER else min(int(seconds * 1e9), _LONGEST_NS)
    return timestamp(now_ns + left)
