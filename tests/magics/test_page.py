"""The page on the magics: every example on it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from fake_ollama import FakeOllama
    from live_shell import Shell

PAGE = (Path(__file__).parents[2] / "docs" / "magics.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8"
    "cfc0000003010100c98dd8b00000000049454e44ae426082"
)


def lines(example: str) -> list[str]:
    """Split an example into the cells that a reader would make of it."""
    return example.splitlines() if example.startswith("%ollama") else [example]


CELLS = [cell for example in EXAMPLES for cell in lines(example)]


def test_every_example_runs(
    shell: Shell, ollama: FakeOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.csv").write_text("month,sum\nMay,3\n")
    (tmp_path / "photo.png").write_bytes(PIXEL)
    shell.user_ns["thing"] = "a brick"

    assert [cell for cell in CELLS if not runs(shell, cell)] == []
    assert len(ollama.calls("/api/chat")) > 8


def runs(shell: Shell, cell: str) -> bool:
    """Run a cell, and say whether it worked."""
    return bool(shell.run_cell(cell, store_history=True).success)  # type: ignore[no-untyped-call]  # (IPython's)
