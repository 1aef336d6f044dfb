"""A store of its own for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file of chats, which is not there yet."""
    return tmp_path / "chats" / "chats.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """Open a store in an empty directory."""
    with Store(path) as opened:
        yield opened
