"""The running conversation of a kernel: in memory only, gone at restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_lab.prompts import Turn


@dataclass(frozen=True, slots=True)
class _Entry:
    cell: str
    turns: tuple[Turn, ...]


class History:
    """The turns of a conversation, by the cells that made them.

    Running a cell again replaces what it made before and drops what followed: that answered a
    conversation which no longer exists.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def before(self, cell: str) -> list[Turn]:
        """Return the turns that a cell continues; an empty cell id continues them all."""
        return [turn for entry in self._entries[: self._place(cell)] for turn in entry.turns]

    def put(self, cell: str, turns: tuple[Turn, ...]) -> None:
        """Keep what a cell asked and what was answered."""
        del self._entries[self._place(cell) :]
        self._entries.append(_Entry(cell, turns))

    def clear(self) -> None:
        """Begin anew."""
        self._entries.clear()

    def _place(self, cell: str) -> int:
        for index, entry in enumerate(self._entries):
            if cell and entry.cell == cell:
                return index
        return len(self._entries)
