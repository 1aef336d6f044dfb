"""``make lab`` in a copy of the tree that has no environment yet: what a newcomer types."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from started_lab import ADDRESS, free_port
from waiting import wait_until

if TYPE_CHECKING:
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[2]
# pip resolves and unpacks about a hundred packages here, and yarn five hundred.
INSTALL_SECONDS = 400


class MakeLab:
    """One ``make lab``, with a terminal's Ctrl-C: an interrupt of the whole group."""

    def __init__(self, tree: Path, name: str, ollama: FakeOllama) -> None:
        self._log = tree.parent / f"{name}.log"
        env = {**os.environ, "OLLAMA_HOST": ollama.url, "JUPYTER_PORT": str(free_port())}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                ["make", "lab"],
                cwd=tree,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_until_it_runs(self) -> None:
        def is_there() -> bool:
            assert self.process.poll() is None, self.output
            return bool(ADDRESS.search(self.output))

        wait_until(is_there, seconds=INSTALL_SECONDS)

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C, and give the processes that were running."""
        family: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        return family


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The working tree as a clone has it: nothing installed, nothing built."""
    made = tmp_path / "tree"
    skipped = (".venv", ".git", "*_cache", "__pycache__", "dist", "build", "node_modules")
    shutil.copytree(ROOT, made, ignore=shutil.ignore_patterns(*skipped))
    shutil.rmtree(made / "ollama_lab" / "labextension", ignore_errors=True)
    return made


@pytest.mark.timeout(2 * INSTALL_SECONDS)
def test_one_command_makes_an_environment_and_opens_the_notebook_and_leaves_nothing_running(
    tree: Path, ollama: FakeOllama
) -> None:
    first = MakeLab(tree, "first", ollama)
    first.wait_until_it_runs()
    family = first.stop()
    second = MakeLab(tree, "second", ollama)
    second.wait_until_it_runs()
    family += second.stop()

    assert "/lab/tree/notebooks/01-first-prompt.ipynb?token=" in first.output
    assert "Installing" in first.output
    assert "Installing" not in second.output
    assert len(family) >= 2
    wait_until(lambda: not any(process.is_running() for process in family))
