"""One kernel for all tests of the magics: starting one takes longer than most of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import environment
import pytest
from fake_ollama import FakeOllama
from live_kernel import Kernel
from live_notebook import Notebook

import ollama_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_shell import Shell


@pytest.fixture(scope="session")
def loaded_notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Run a kernel with the extension loaded."""
    home = environment.make_home(tmp_path_factory.mktemp("magics") / "home")
    with FakeOllama() as ollama:
        env = {**environment.clean(os.environ, home), "OLLAMA_HOST": ollama.url}
        with Kernel(env) as kernel:
            loaded = kernel.run("%load_ext ollama_lab")
            assert loaded.status == "ok", loaded.error_text
            yield Notebook(kernel, ollama)


@pytest.fixture
def notebook(loaded_notebook: Notebook) -> Notebook:
    """Give that kernel as if it were fresh."""
    loaded_notebook.reset()
    return loaded_notebook


@pytest.fixture
def shell(ip: Shell, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Run a shell in this process with the extension loaded and `ollama` as its server."""
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ip.run("%load_ext ollama_lab")
    yield ip
    unload(ip)


def unload(ip: Shell) -> None:
    """Take the extension away, and wait for the thread that asks for names: its server goes next."""
    if id(ip) in ollama_lab._LOADED:
        ollama_lab._LOADED[id(ip)].names.wait(5)
        ip.run("%unload_ext ollama_lab")
