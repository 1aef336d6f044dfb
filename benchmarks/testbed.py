"""Where the measurements run: the scripted Ollama as a process, and what the tests lend us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"

# The kernel we look at and the server we talk to are those of the tests.
sys.path.insert(0, str(TESTS))

import environment  # noqa: E402 (needs the line above)


@contextmanager
def scripted_ollama(models: Iterable[str] = ()) -> Iterator[str]:
    """Run the scripted server in a process of its own, so that its work is not ours; gives its URL."""
    named = [f"--model={name}" for name in models]
    command = [sys.executable, str(TESTS / "fake_ollama.py"), *named]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def generations(url: str) -> list[dict[str, Any]]:
    """Give the timelines of all generations since the last look."""
    with urllib.request.urlopen(f"{url}/__bench/log", timeout=30) as reply:
        log: list[dict[str, Any]] = json.load(reply)
    return log


@contextmanager
def clean_home() -> Iterator[dict[str, str]]:
    """Make an environment that says nothing about Ollama or Jupyter, with an empty home."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = environment.make_home(Path(folder))
        yield environment.clean(os.environ, home)
