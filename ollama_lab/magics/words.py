"""What a line magic shows: lines and tables that read well in a notebook and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ollama_lab.display import harmless
from ollama_lab.sanitize import visible
from ollama_lab.terminal import columns


@dataclass(frozen=True, slots=True)
class Words:
    """Some sentences, a line each; names of a server's in them are made harmless."""

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(visible(line) for line in self.lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = "<br>\n".join(harmless(line) for line in self.lines)
        return {"text/plain": repr(self), "text/markdown": shown}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; ``rows`` is what it shows, for further use."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        shown = [self.head, *self.rows]
        lines = columns([tuple(visible(cell) for cell in row) for row in shown])
        return "\n".join([*lines, *(visible(note) for note in self.notes)])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = [self.head, ("---",) * len(self.head), *self.rows]
        lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
        notes = [f"\n{harmless(note)}" for note in self.notes]
        return {"text/plain": repr(self), "text/markdown": "\n".join([*lines, *notes])}


def _cell(text: str) -> str:
    return text if text == "---" else harmless(text)
