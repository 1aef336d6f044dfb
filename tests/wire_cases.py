"""The recorded and written answers in ``wire_cases/``, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "wire_cases"


@dataclass(frozen=True, slots=True)
class Case:
    """One request, its answer byte for byte, and what a client must make of it."""

    name: str
    method: str
    path: str
    request: Any
    status: int | None
    content_type: str
    body: bytes
    ended: str
    expected: dict[str, Any]


@cache
def load(name: str) -> Case:
    """Read one case."""
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    request, response = raw["request"], raw["response"]
    return Case(
        name=raw["case"],
        method=request["method"],
        path=request["path"],
        request=request["body"],
        status=response["status"],
        content_type=response["headers"].get("content-type", ""),
        body="".join(response["lines"]).encode(),
        ended=response["ended"],
        expected=raw["expected"],
    )


def names(*kinds: str) -> list[str]:
    """Give the cases of some kinds, in order."""
    every = sorted(path.stem for path in FOLDER.glob("*.json"))
    return [name for name in every if not kinds or load(name).expected["kind"] in kinds]
