"""What the extension costs before anybody uses it: next to nothing, and no look at Ollama."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import live_server

if TYPE_CHECKING:
    from fake_ollama import FakeOllama

ROOT = Path(__file__).parents[2]
#: Jupyter's own modules are there anyway; what comes with the extension is what counts.
IMPORTED = """
import sys
import jupyter_server.extension.application, jupyter_server.base.handlers
before = set(sys.modules)
import ollama_lab
points = ollama_lab._jupyter_server_extension_points()
print(*set(sys.modules) - before)
"""


def test_a_server_starts_without_a_look_at_ollama_or_at_chats(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    with live_server.running(tmp_path, ollama.url) as server:
        log = server.log

    assert "ollama_lab | extension was successfully loaded." in log
    assert ollama.requests == []
    assert not (server.home / "data" / "ollama_lab").exists()


def test_the_extension_brings_nothing_heavy_at_server_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, timeout=60, check=True
    )

    newly = set(done.stdout.split())
    packages = {name.partition(".")[0] for name in newly}
    assert packages - sys.stdlib_module_names == {"ollama_lab"}
    assert packages & {"sqlite3", "ssl", "difflib"} <= {"difflib"}
    # Of our own, what only a prompt needs is a quarter of the time.
    assert newly & {"ollama_lab.session", "ollama_lab.prompts", "ollama_lab.answer"} == set()


def test_the_file_that_enables_it_names_the_package() -> None:
    path = ROOT / "ollama_lab" / "etc" / "jupyter_server_config.d" / "ollama_lab.json"

    assert json.loads(path.read_text()) == {
        "ServerApp": {"jpserver_extensions": {"ollama_lab": True}}
    }
