"""The front end: its own unit tests, how much it weighs, and what it says twice with Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bundle
import gates
import pytest

from ollama_lab.sanitize import formula

ROOT = Path(__file__).parents[1]
KILOBYTE = 1000
#: What yarn reads to know which packages.
NAMES_PACKAGES = ("package.json", "yarn.lock", ".yarnrc.yml")


def node() -> str:
    """Find node: on PATH, or where ``make npm`` puts it."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which("node", path=places)
    assert found is not None
    return found


@pytest.mark.frontend
def test_the_unit_tests_of_the_front_end_pass() -> None:
    done = subprocess.run(
        [node(), "node_modules/vitest/vitest.mjs", "run"],
        cwd=gates.LABEXTENSION,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.frontend
def test_without_npms_registry_two_sentences_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "labextension").mkdir()
    for name in (".ci/npm-install", *(f"labextension/{one}" for one in NAMES_PACKAGES)):
        shutil.copy(ROOT / name, tmp_path / name)
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "YARN_NPM_REGISTRY_SERVER": "http://127.0.0.1:9",  # where nobody listens
        "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
        "YARN_GLOBAL_FOLDER": str(tmp_path / "yarn"),
    }

    done = subprocess.run(
        [tmp_path / ".ci/npm-install"],
        env=env,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == (
        "http://127.0.0.1:9 does not answer; trying with what was installed before.\n"
    )
    assert done.stderr == (
        "The JupyterLab extension cannot be built: npm's packages are missing.\n"
        "Connect to the network, or name a mirror with: "
        "export YARN_NPM_REGISTRY_SERVER=https://...\n"
    )


@pytest.mark.frontend
def test_the_scripts_of_the_front_end_are_small() -> None:
    assert bundle.whole_bytes() <= 200 * KILOBYTE
    assert bundle.packed_bytes() <= 65 * KILOBYTE


def test_jupyterlab_is_asked_for_no_newer_packages_than_the_sources_are() -> None:
    # The builder asks for those of the JupyterLab it was made with; the browser's console says so
    # in any older one.
    package = json.loads((gates.LABEXTENSION / "package.json").read_text())
    shared = package["jupyterlab"]["sharedPackages"]

    assert {name: entry["requiredVersion"] for name, entry in shared.items()} == {
        name: version
        for name, version in package["dependencies"].items()
        if name.startswith("@jupyterlab/")
    }


@pytest.mark.frontend
def test_the_bundle_is_the_one_of_a_release() -> None:
    assert not list((gates.BUNDLE / "static").glob("*.map"))


def test_both_languages_know_the_same_active_commands_of_latex() -> None:
    source = (ROOT / "labextension" / "src" / "markdown" / "formula.ts").read_text()
    listed = re.search(r"ACTIVE = new Set\(\s*`([^`]+)`", source)
    declares = re.search(r"DECLARES = /\^\(\?:(.+)\)/;", source)

    assert listed is not None
    assert declares is not None
    assert set(listed[1].split()) == formula._ACTIVE
    assert declares[1] == formula._DECLARES.pattern
