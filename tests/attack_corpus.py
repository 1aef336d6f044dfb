"""The hostile and the harmless answers of ``tests/attacks``, one after another in files by kind.

A case starts at a line ``%% its name``. In hostile ones ``FIRE`` stands for a script that tells the
page its number, and ``CANARY`` for the address of a server that must never be asked. ``⟦1B⟧`` is the
character of that number, for those an editor would not keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "attacks"
_HEAD = re.compile(r"^%% (.+)\n", re.MULTILINE)
_CHARACTER = re.compile("⟦([0-9A-F]+)⟧")


@dataclass(frozen=True, slots=True)
class Case:
    """One answer; `kind` is its file, `name` its line in it."""

    kind: str
    name: str
    text: str

    def armed(self, number: int, canary: str) -> str:
        """Give the text with its script and its address filled in."""
        return self.text.replace("FIRE", f"fire({number})").replace("CANARY", f"{canary}/{number}")


def _read(path: Path) -> list[Case]:
    written = _CHARACTER.sub(lambda found: chr(int(found[1], 16)), path.read_text(encoding="utf-8"))
    _, *parts = _HEAD.split(written)
    return [
        Case(path.stem, name, text.removesuffix("\n"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def attacks() -> list[Case]:
    """Every hostile answer, file by file."""
    files = sorted(path for path in FOLDER.glob("*.md") if path.stem != "benign")
    return [case for path in files for case in _read(path)]


def benign() -> list[Case]:
    """Every harmless answer, which must look as it was meant."""
    return _read(FOLDER / "benign.md")
