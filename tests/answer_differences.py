"""How a replayed answer differs from the recorded one."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What is another each time, or on each machine; only type and place are compared.
_VOLATILE = re.compile(r"(created_at|modified_at|expires_at|digest|size|id|version|\w+_duration)$")
# A model file's digest, a path and a number of llama.cpp's own in the middle of a text.
_VOLATILE_TEXT = re.compile(r"sha256:[0-9a-f]{64}|FROM /\S+|FROM <path>")


@dataclass(frozen=True, slots=True)
class Got:
    """An answer of the engine."""

    status: int
    headers: Mapping[str, str]
    body: str


def differences(recorded: Mapping[str, Any], got: Got) -> list[str]:
    """Say each way in which an answer is not as recorded; nothing is as it should be."""
    found = []
    if got.status != recorded["status"]:
        found.append(f"status {got.status}, not {recorded['status']}")
    kind = recorded["headers"].get("content-type")
    if got.headers.get("content-type") != kind:
        found.append(f"content type {got.headers.get('content-type')}, not {kind}")
    if allow := recorded["headers"].get("allow"):
        found += [] if got.headers.get("allow") == allow else ["another Allow"]
    wanted, lines = "".join(recorded["lines"]).split("\n"), got.body.split("\n")
    if len(wanted) != len(lines):
        found.append(f"{len(lines)} lines, not {len(wanted)}")
    for number, (want, line) in enumerate(zip(wanted, lines, strict=False), 1):
        found += [f"line {number}: {one}" for one in _line(want, line)]
    return found


def _line(want: str, line: str) -> Iterator[str]:
    if not want.startswith("{"):
        if want != line:
            yield f"{line!r}, not {want!r}"
        return
    if not line.startswith("{"):
        yield f"no JSON: {line!r}"
        return
    yield from _value("", json.loads(want), json.loads(line))
    # Compact, and escaped as Go escapes: what is equal as JSON is equal in what is escaped.
    for mark in ("\\u003c", "\\u0026", "\\u2028", "\u0085"):
        if want.count(mark) != line.count(mark):
            yield f"{mark!r} comes another number of times"
    if ", " in re.sub(r'"(\\.|[^"\\])*"', '""', line):
        yield "not compact"


def _value(path: str, want: Any, got: Any) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        if list(want) != list(got):
            yield f"{path} has {list(got)}, not {list(want)}"
        for key in want:
            if key in got:
                yield from _value(f"{path}/{key}", want[key], got[key])
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path} has {len(got)} items, not {len(want)}"
        for index, (one, other) in enumerate(zip(want, got, strict=False)):
            yield from _value(f"{path}/{index}", one, other)
    elif isinstance(want, int | float) and isinstance(got, int | float):
        # The shape of a batch changes the last digits of a probability.
        if not _VOLATILE.search(path) and not math.isclose(want, got, rel_tol=0.01, abs_tol=0.01):
            yield f"{path} is {got}, not {want}"
    elif type(want) is not type(got):
        yield f"{path} is a {type(got).__name__}, not a {type(want).__name__}"
    elif not _VOLATILE.search(path) and _plain(want) != _plain(got):
        yield f"{path} is {got!r}, not {want!r}"


def _plain(value: Any) -> Any:
    return _VOLATILE_TEXT.sub("~", value) if isinstance(value, str) else value
