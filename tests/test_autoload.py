"""The switch that loads the magics in every kernel, against real kernels of throw-away homes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import KernelManager

from ollama_lab import autoload
from ollama_lab.errors import Forbidden

if TYPE_CHECKING:
    from pathlib import Path

ASK_WHETHER_LOADED = "print('loaded:', 'ollama_lab' in get_ipython().extension_manager.loaded)"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An IPython directory of our own, where the user's startup files live."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return tmp_path / "ipython" / "profile_default" / "startup"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh environment that sees this one's packages; nothing is installed twice."""
    root = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    site = next(root.glob("**/site-packages"))
    (site / "outer.pth").write_text("\n".join(path for path in sys.path if path))
    monkeypatch.setattr(sys, "prefix", str(root))
    return root


def files_under(directory: Path) -> set[Path]:
    return set(directory.rglob("*"))


def run_in_kernel(python: str, code: str) -> str:
    """Start a kernel of `python`, run `code`, and give what it printed."""
    manager: Any = KernelManager()
    manager.kernel_spec.argv[0] = python
    manager.start_kernel(env=dict(os.environ), stderr=subprocess.DEVNULL)
    client: Any = manager.client()
    client.start_channels()
    printed: list[str] = []
    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(
            code,
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy()
    return "".join(printed)


def test_on_loads_the_extension_in_a_kernel_of_this_user(profile: Path) -> None:
    autoload.switch_on("user")

    assert "loaded: True" in run_in_kernel(sys.executable, ASK_WHETHER_LOADED)


def test_on_loads_the_extension_in_a_kernel_of_this_environment(
    profile: Path, environment: Path
) -> None:
    autoload.switch_on("environment")

    assert "loaded: True" in run_in_kernel(str(environment / "bin" / "python"), ASK_WHETHER_LOADED)


def test_a_kernel_after_off_does_not_load_it(profile: Path) -> None:
    autoload.switch_on("user")

    autoload.switch_off()

    assert "loaded: False" in run_in_kernel(sys.executable, ASK_WHETHER_LOADED)


def test_the_startup_file_leaves_no_name_behind(profile: Path) -> None:
    autoload.switch_on("user")

    printed = run_in_kernel(sys.executable, "print([n for n in dir() if 'ollama' in n])")

    assert printed == "[]\n"


def test_on_prefers_the_environment_where_it_may_be_written(
    profile: Path, environment: Path
) -> None:
    place = autoload.switch_on()

    assert place.scope == "environment"
    assert place.file.is_relative_to(environment)


def test_off_leaves_the_environment_as_it_was(profile: Path, environment: Path) -> None:
    before = files_under(environment)

    autoload.switch_on("environment")
    autoload.switch_off()

    assert files_under(environment) == before


def test_off_leaves_the_other_startup_files_of_the_user(profile: Path) -> None:
    profile.mkdir(parents=True)
    mine = profile / "00-mine.py"
    mine.write_text("x = 1\n")
    autoload.switch_on("user")

    autoload.switch_off()

    assert files_under(profile) == {mine}
    assert mine.read_text() == "x = 1\n"


def test_off_says_which_places_it_cleared(profile: Path, environment: Path) -> None:
    autoload.switch_on("environment")
    autoload.switch_on("user")

    removed = autoload.switch_off()

    assert [place.scope for place in removed] == ["environment", "user"]


def test_off_without_on_removes_nothing(profile: Path, environment: Path) -> None:
    assert autoload.switch_off() == []


def test_on_twice_is_the_same_as_once(profile: Path) -> None:
    autoload.switch_on("user")
    before = files_under(profile)

    autoload.switch_on("user")

    assert files_under(profile) == before


def test_a_file_of_the_same_name_that_is_not_ours_is_never_touched(profile: Path) -> None:
    profile.mkdir(parents=True)
    theirs = profile / autoload.FILE_NAME
    theirs.write_text("# mine\n")

    with pytest.raises(Forbidden) as caught:
        autoload.switch_on("user")
    removed = autoload.switch_off()

    assert str(caught.value) == (
        f"{theirs} exists and was not written by ollama-lab. "
        "Move it away, then run the command again."
    )
    assert removed == []
    assert theirs.read_text() == "# mine\n"


def test_a_place_that_cannot_be_written_says_so(
    profile: Path, environment: Path, tmp_path: Path
) -> None:
    (environment / "etc").write_text("a file where a directory belongs")

    with pytest.raises(Forbidden, match="autoload on --user"):
        autoload.switch_on("environment")


def test_status_knows_both_places(profile: Path, environment: Path) -> None:
    autoload.switch_on("user")

    assert [(place.scope, place.is_on) for place in autoload.places()] == [
        ("environment", False),
        ("user", True),
    ]
