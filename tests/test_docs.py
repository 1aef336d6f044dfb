"""The documents keep their word: commands run, cells answer, links lead somewhere, versions agree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_ollama import FakeModel

if TYPE_CHECKING:
    from fake_ollama import FakeOllama
    from live_shell import Shell

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BIN = Path(sys.executable).parent

# What a document says -> what is run in its place. Everything else runs as it stands.
STAND_INS = {
    # The real installation is that of tests/packaging.
    'pip install "ollama-lab[jupyter,engine]" jupyterlab': "pip install --dry-run --no-deps '.[jupyter,engine]'",
    'pip install "ollama-lab[engine]"': "pip install --dry-run --no-deps '.[engine]'",
    # These end with Ctrl-C: test_lab.py and test_cli.py start them.
    "ollama-lab lab": "ollama-lab lab --help",
    "ollama-lab serve": "ollama-lab serve --help",
    "make lab": "make --dry-run lab",
    # These would run this test again.
    "make test": "make --dry-run test",
    # This one would switch the magics on for everybody who uses this environment.
    "ollama-lab autoload on": "ollama-lab autoload on --user",
    'git diff | ollama-lab ask --system "Review this change." -': 'echo x = 1 | ollama-lab ask --system "Review this change." -',
    "git clone ADDRESS ollama-lab": "git --version",
    "cd ollama-lab": "true",
    ".venv/bin/pre-commit install": "pre-commit validate-config",
}


def blocks(page: Path, language: str) -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for named, text in fences if named == language]


def commands(page: Path) -> list[str]:
    return [line for block in blocks(page, "bash") for line in block.splitlines() if line]


ALL_COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
# pip asks the package index for what builds the project.
MARKED = [
    pytest.param(command, marks=[pytest.mark.packaging] * command.startswith("pip "))
    for command in ALL_COMMANDS
]


@pytest.mark.parametrize("command", MARKED)
def test_a_command_in_the_documents_works(
    command: str, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    ollama.registry["llama3.2:1b"] = FakeModel("llama3.2:1b")

    done = subprocess.run(
        ["bash", "-euc", STAND_INS.get(command, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", STAND_INS)
def test_every_stand_in_stands_for_a_command_of_the_documents(command: str) -> None:
    assert command in ALL_COMMANDS


def test_the_cells_of_the_readme_answer(
    ip: Shell, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.say("Three sentences.")
    ip.user_ns["topic"] = "a pivot table"
    cells = blocks(README, "")

    for cell in cells:
        ip.run(cell)

    assert len(cells) == 2
    assert ip.user_ns["answer"].text == "Three sentences."
    sent = ollama.calls("/api/chat")[-1].body["messages"][-1]["content"]
    assert sent.startswith("Explain a pivot table to a colleague")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())

    missing = [
        target
        for target in targets
        if "://" not in target and not (page.parent / target).resolve().exists()
    ]

    assert missing == []


def test_the_tables_say_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "tools/docs_tables.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}Write them with: python tools/docs_tables.py"


def test_changelog_project_and_installation_have_one_version() -> None:
    project = json.loads((ROOT / "labextension" / "package.json").read_text())["version"]
    changelog = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert changelog is not None
    assert project == changelog[1] == version("ollama-lab")


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert "make test" in commands(README)
    assert re.search(r"^  OLLAMA_LAB_REQUIRE_ALL=1 make .*\btest$", script, re.MULTILINE)


def test_contributing_names_every_stage() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    stages = re.findall(r"^all_stages=\((.*)\)", script, re.MULTILINE)[0].split()

    text = (ROOT / "CONTRIBUTING.md").read_text()

    assert [stage for stage in stages if f"`.ci/run {stage}`" not in text] == []


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text().splitlines()) <= 160
