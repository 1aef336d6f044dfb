"""A store of its own for each test."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file of chats, which is not there yet."""
    return tmp_path / "chats" / "chats.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """Open a store in an empty directory."""
    with Store(path) as opened:
        yield opened


@pytest.fixture
def shelf() -> Iterator[Path]:
    """Make a directory that every user can reach, and take it away."""
    folder = Path(tempfile.mkdtemp(prefix="chats-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)
