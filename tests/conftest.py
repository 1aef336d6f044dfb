"""Fixtures every test may ask for, and the gates in front of the slow suites."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import environment
import fresh_environment
import gates
import pytest
from fake_ollama import FakeOllama
from live_kernel import Kernel
from live_shell import Shell, fresh_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Take interrupts again: a run in a shell's background ignores them, and so would its kernels."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, with the command that changes it; fail in ``.ci/run``."""
    for marker in item.iter_markers():
        if reason := gates.missing(marker.name):
            if gates.require_all():
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty home and an environment that says nothing about Ollama or Jupyter."""
    folder = environment.make_home(tmp_path / "home")
    for name, value in environment.replaced(folder).items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """Run a scripted Ollama for one test."""
    with FakeOllama() as server:
        yield server
        # The completer's refresh of names would else connect while the server stops.
        for thread in threading.enumerate():
            if thread.name == "ollama-lab names":
                thread.join(5)


@pytest.fixture
def ip(home: Path) -> Iterator[Shell]:
    """Run a fresh IPython shell in this process; `ip.published` has what was displayed."""
    with fresh_shell() as shell:
        yield shell


@pytest.fixture
def kernel(ollama: FakeOllama, home: Path) -> Iterator[Kernel]:
    """Run a fresh ipykernel whose OLLAMA_HOST is the `ollama` of the same test."""
    with Kernel({**os.environ, "OLLAMA_HOST": ollama.url}) as running:
        yield running


@pytest.fixture(scope="module")
def warm_ollama() -> Iterator[FakeOllama]:
    """Run the scripted Ollama behind `warm_kernel`; `forget` it where it matters."""
    with FakeOllama() as server:
        yield server


@pytest.fixture(scope="module")
def warm_kernel(
    warm_ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """Run one ipykernel for a whole file of tests, for those that leave nothing behind."""
    folder = environment.make_home(tmp_path_factory.mktemp("home"))
    env = environment.clean(os.environ, folder)
    with Kernel({**env, "OLLAMA_HOST": warm_ollama.url}) as running:
        yield running


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this tree, for environments that have never seen it."""
    return fresh_environment.build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))
