"""The gates in front of the slow suites, seen from a test run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gates
import pytest

ROOT = Path(__file__).parent.parent
NEEDS_A_BROWSER = """
import pytest

@pytest.mark.ui
def test_page():
    pass
"""


def run_without_a_browser(folder: Path, **env: str) -> str:
    """Run pytest where no browser is on PATH, with our configuration; gives what it printed."""
    test = folder / "test_page.py"
    test.write_text(NEEDS_A_BROWSER)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "conftest"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "--no-header", str(test)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PATH": "", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_missing_need_is_a_skip_that_says_the_command(tmp_path: Path) -> None:
    said = run_without_a_browser(tmp_path, **{gates.REQUIRE_ALL: ""})

    assert "1 skipped" in said
    assert "apt-get install chromium" in said or "pip install playwright" in said


def test_a_missing_need_is_a_failure_where_all_is_required(tmp_path: Path) -> None:
    said = run_without_a_browser(tmp_path, **{gates.REQUIRE_ALL: "1"})

    assert "1 error" in said or "1 failed" in said
    assert "apt-get install chromium" in said or "pip install playwright" in said


@pytest.mark.parametrize("value", ["", "0"])
def test_not_all_is_required_unless_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(gates.REQUIRE_ALL, value)

    assert not gates.require_all()


def test_a_marker_without_needs_lets_its_tests_through() -> None:
    assert gates.missing("parametrize") == ""
