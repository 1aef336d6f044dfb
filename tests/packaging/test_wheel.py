"""The wheel, in environments that have never seen the source."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import fresh_environment
import pytest
from fresh_environment import Environment, find_python, make

if TYPE_CHECKING:
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
OTHER_PYTHONS = {"3.11", "3.12", "3.13"} - {f"{sys.version_info[0]}.{sys.version_info[1]}"}
CELL = "%%ollama\nSay something"
DEMO_CELL = "%%ollama demo --temperature 0\nWhat is a kernel?"
NO_SERVER = {"OLLAMA_LAB_ALLOW_PROBE": "False", "OLLAMA_LAB_ENGINE_LINGER_SECONDS": "0"}


@dataclass(frozen=True, slots=True)
class Added:
    """What the wheel brings into an environment that has JupyterLab and ipywidgets."""

    environment: Environment
    distributions: set[str]
    size_bytes: int


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Nothing but the wheel: no Jupyter, no IPython."""
    environment = make(tmp_path_factory.mktemp("bare"))
    environment.install(str(wheel))
    return environment


@pytest.fixture(scope="session")
def added(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Added:
    environment = make(tmp_path_factory.mktemp("lab"))
    environment.install("jupyterlab>=4.4,<5", "ipywidgets>=8.1", "requests")
    before = environment.distributions()
    environment.install(str(wheel))
    brought = environment.distributions() - before
    return Added(environment, brought, environment.size_bytes(brought))


@pytest.fixture(scope="session")
def with_engine(added: Added, wheel: Path) -> Environment:
    added.environment.install(f"{wheel}[engine]")
    return added.environment


@pytest.fixture(scope="session")
def oldest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Every dependency of ours at its lower bound."""
    environment = make(tmp_path_factory.mktemp("oldest"))
    environment.install(f"{wheel}[jupyter,engine]", *lowest("jupyter", "engine"))
    return environment


@pytest.fixture
def ollama(ollama: FakeOllama) -> FakeOllama:
    ollama.say("Words from the server.")
    return ollama


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= 3 * MEGABYTE


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    stem = "-".join(wheel.name.split("-")[:2])
    assert tops == {"ollama_lab", f"{stem}.data", f"{stem}.dist-info"}


def test_the_wheel_holds_the_front_end_once_and_where_jupyterlab_looks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert [name.partition("/data/")[2] for name in names if name.endswith("/static/style.js")] == [
        "share/jupyter/labextensions/ollama-lab/static/style.js"
    ]
    assert any(name.endswith("labextensions/ollama-lab/install.json") for name in names)


def test_a_tree_that_was_installed_into_its_own_environment_makes_the_same_wheel(
    wheel: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    skipped = (".venv", ".git", "*_cache", "__pycache__", "dist", "build", "node_modules")
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*skipped))
    # What pip writes there through the link of `make bundle`.
    shutil.copy(tree / "labextension" / "install.json", tree / "ollama_lab" / "labextension")

    made = fresh_environment.build_wheel(tree, tmp_path / "out")

    with zipfile.ZipFile(wheel) as plain, zipfile.ZipFile(made) as again:
        assert sorted(again.namelist()) == sorted(plain.namelist())


def test_a_source_distribution_carries_the_front_end_so_that_nobody_needs_node(
    tmp_path: Path,
) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )

    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "ollama_lab/labextension/static/style.js" in names
    assert "labextension/yarn.lock" in names
    assert not any("node_modules" in name for name in names)


def test_jupyterlab_finds_the_front_end(added: Added) -> None:
    found = (
        "from jupyter_core.paths import jupyter_path;"
        "from jupyterlab_server.config import get_federated_extensions;"
        "found = get_federated_extensions(jupyter_path('labextensions'));"
        "print(found['ollama-lab']['install']['packageName'])"
    )

    assert added.environment.run("python", "-c", found).strip() == "ollama-lab"


def test_the_wheel_enables_the_server_extension(added: Added) -> None:
    found = (
        "from jupyter_core.paths import jupyter_config_path;"
        "from jupyter_server.extension.config import ExtensionConfigManager;"
        "print(ExtensionConfigManager(read_config_path=jupyter_config_path())"
        ".get_jpserver_extensions()['ollama_lab'])"
    )

    assert added.environment.run("python", "-c", found).strip() == "True"


@pytest.mark.parametrize(
    "module", ["ollama_lab", "ollama_lab.hosts", "ollama_lab.client", "ollama_lab.cli"]
)
def test_the_python_side_imports_without_jupyter(bare: Environment, module: str) -> None:
    bare.run("python", "-c", f"import {module}")

    assert not bare.distributions() & {"ipython", "ipykernel", "jupyter_core", "tornado"}


def test_the_command_asks_without_jupyter(bare: Environment, ollama: FakeOllama) -> None:
    printed = bare.run("ollama-lab", "ask", "Say something", OLLAMA_HOST=ollama.url)

    assert "Words from the server." in printed


def test_at_most_three_packages_come_on_top_of_jupyterlab_and_ipywidgets(added: Added) -> None:
    assert len(added.distributions) <= 3, added.distributions


def test_what_is_added_takes_little_room(added: Added) -> None:
    assert added.size_bytes <= 6 * MEGABYTE


def test_a_cell_is_answered_beside_jupyterlab(added: Added, ollama: FakeOllama) -> None:
    printed = added.environment.cell(CELL, OLLAMA_HOST=ollama.url)

    assert "Words from the server." in printed


@pytest.mark.engine
def test_with_the_engine_a_cell_is_answered_without_any_server(with_engine: Environment) -> None:
    assert "process that runs the code" in with_engine.cell(DEMO_CELL, **NO_SERVER)


@pytest.mark.parametrize("version", sorted(OTHER_PYTHONS))
def test_a_cell_is_answered_on_python(
    version: str, wheel: Path, tmp_path: Path, ollama: FakeOllama
) -> None:
    python = find_python(version)
    if python is None:
        # Also where nothing else may be skipped: no registry has Pythons.
        pytest.skip(f"no Python {version} here; put a python{version} on PATH")
    environment = make(tmp_path / "environment", python)
    environment.install(f"{wheel}[jupyter]")

    printed = environment.cell(CELL, OLLAMA_HOST=ollama.url)

    assert "Words from the server." in printed


def test_a_cell_is_answered_with_the_oldest_packages_allowed(
    oldest: Environment, ollama: FakeOllama
) -> None:
    printed = oldest.cell(CELL, OLLAMA_HOST=ollama.url)

    assert "Words from the server." in printed


@pytest.mark.engine
def test_the_demo_model_answers_with_the_oldest_packages_allowed(oldest: Environment) -> None:
    assert "process that runs the code" in oldest.cell(DEMO_CELL, **NO_SERVER)


def lowest(*extras: str) -> list[str]:
    """Pin every dependency to its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    bounds = [*project["dependencies"], *(bound for extra in extras for bound in optional[extra])]
    return [bound.partition(",")[0].replace(">=", "==") for bound in bounds]
