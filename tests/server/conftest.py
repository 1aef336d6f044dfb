"""One Jupyter server and one scripted Ollama for all tests that leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import live_server
import pytest
from fake_models import default_models
from fake_ollama import FakeOllama

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture(scope="session")
def shared_server(
    shared_ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live_server.Server]:
    with live_server.running(tmp_path_factory.mktemp("jupyter"), shared_ollama.url) as server:
        yield server


@pytest.fixture
def ollama(shared_ollama: FakeOllama) -> FakeOllama:
    """Give the scripted Ollama that the server of the same test talks to."""
    shared_ollama.forget()
    shared_ollama.models = default_models()
    return shared_ollama


@pytest.fixture
def server(shared_server: live_server.Server) -> live_server.Server:
    """Give a running Jupyter server with the extension."""
    return shared_server
