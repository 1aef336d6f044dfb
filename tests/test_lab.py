"""JupyterLab as ``ollama-lab lab`` and ``make lab`` start it: real servers, real kernels."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from started_lab import DEADLINE_SECONDS, StartedLab
from waiting import wait_until

from ollama_lab import lab
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_ollama import FakeOllama

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a notebook in it."""
    made = tmp_path / "work"
    (made / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "01-first-prompt.ipynb", made / "notebooks")
    return made


@pytest.fixture
def running(folder: Path, ollama: FakeOllama) -> Iterator[StartedLab]:
    """A JupyterLab whose prompts go to the scripted server."""
    env = {"OLLAMA_HOST": ollama.url}
    with StartedLab(folder, "notebooks/01-first-prompt.ipynb", env=env) as started:
        yield started


def run_cell(connection_file: str, code: str) -> str:
    """Run a cell in a kernel that somebody else started, and give what it printed."""
    client: Any = BlockingKernelClient(connection_file=connection_file)
    client.load_connection_file()
    client.start_channels()
    printed: list[str] = []
    try:
        client.wait_for_ready(timeout=DEADLINE_SECONDS)
        client.execute_interactive(
            code,
            timeout=DEADLINE_SECONDS,
            output_hook=lambda message: printed.append(str(message["content"])),
        )
    finally:
        client.stop_channels()
        client.context.destroy()
    return "".join(printed)


# ---------------------------------------------------------------- what it is started with


def test_a_notebook_below_here_opens_with_here_as_the_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)

    words = lab.arguments(Path("notebooks/01-first-prompt.ipynb"))

    assert f"--ServerApp.root_dir={folder}" in words
    assert "--LabApp.default_url=/lab/tree/notebooks/01-first-prompt.ipynb" in words


def test_a_notebook_elsewhere_opens_with_its_own_directory_as_the_root(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    words = lab.arguments(folder / "notebooks" / "01-first-prompt.ipynb")

    assert f"--ServerApp.root_dir={folder / 'notebooks'}" in words
    assert "--LabApp.default_url=/lab/tree/01-first-prompt.ipynb" in words


def test_a_directory_is_the_root(folder: Path) -> None:
    words = lab.arguments(folder)

    assert f"--ServerApp.root_dir={folder}" in words
    assert "--LabApp.default_url=/lab" in words


def test_a_notebook_that_is_not_there_is_said_so() -> None:
    with pytest.raises(BadUsage) as caught:
        lab.arguments(Path("nowhere.ipynb"))

    assert str(caught.value) == (
        "nowhere.ipynb is not there. Name a notebook or a directory: ollama-lab lab PATH"
    )


def test_without_a_display_no_browser_is_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    assert "--no-browser" in lab.arguments(folder)


def test_with_a_display_the_browser_opens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")

    assert "--no-browser" not in lab.arguments(folder)


# ---------------------------------------------------------------- a running one


def test_it_prints_one_address_with_the_notebook_and_a_token(
    running: StartedLab, ollama: FakeOllama
) -> None:
    _, path, token = running.wait_until_it_runs()

    assert path == "/lab/tree/notebooks/01-first-prompt.ipynb"
    assert len(token) >= 32
    assert running.printed[0] == f"ollama-lab: prompts go to {ollama.url} (OLLAMA_HOST).\n"


def test_its_kernels_have_the_magics_without_load_ext(
    running: StartedLab, ollama: FakeOllama
) -> None:
    ollama.say("Words from the server.")

    printed = run_cell(running.start_kernel(), "%%ollama\nSay something")

    assert "Words from the server." in printed


def test_one_ctrl_c_ends_it_with_its_kernels(running: StartedLab) -> None:
    running.start_kernel()
    family = psutil.Process(running.process.pid).children(recursive=True)

    running.stop()

    assert family
    wait_until(lambda: not any(child.is_running() for child in family))


@pytest.mark.engine
def test_one_ctrl_c_ends_the_engine_that_its_kernels_started(folder: Path) -> None:
    from ollama_lab.engine import launcher

    with StartedLab(folder, env={"OLLAMA_LAB_ALLOW_PROBE": "False"}) as started:
        printed = run_cell(started.start_kernel(), "%%ollama --temperature 0\nWhat is a kernel?")
        engine = launcher.status()
        started.stop()

    assert "process that runs the code" in printed
    assert engine is not None
    wait_until(lambda: not psutil.pid_exists(engine.pid))


@pytest.mark.engine
def test_without_ollama_and_libgomp_it_stops_with_the_command_that_installs_it(
    folder: Path, tmp_path: Path
) -> None:
    # A file of that name which is no library is what the loader meets first.
    (tmp_path / "libgomp.so.1").write_text("no library")

    started = StartedLab(
        folder, env={"OLLAMA_LAB_ALLOW_PROBE": "False", "LD_LIBRARY_PATH": str(tmp_path)}
    )
    code = started.process.wait(DEADLINE_SECONDS)
    started.close()

    assert code == 1
    assert "apt-get install libgomp1" in started.output
    assert "Jupyter" not in started.output
