"""One engine for all tests of it, with the models of the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_engine import LiveEngine


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    """Run an engine that has every model of `shelf` but the slow one."""
    # Imported here, so that the tests without an engine run where its package is missing.
    from gguf_models import shelf
    from live_engine import LiveEngine

    names = [name for name in ("script", *shelf.RECIPES) if name != "slow"]
    with LiveEngine(shelf.store(tmp_path_factory.mktemp("models"), *names)) as running:
        yield running


@pytest.fixture
def engine(shared_engine: LiveEngine) -> LiveEngine:
    """Give the shared engine; what a test changes in its store it makes under names of its own."""
    return shared_engine
