"""What ``%load_ext ollama_lab`` costs in a plain IPython shell."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

#: Each of these would be paid for in every kernel, used or not.
FORBIDDEN = (
    "tornado",
    "requests",
    "httpx",
    "ipywidgets",
    "flask",
    "jupyter_server",
    "sqlite3",
    "markdown_it",
)
_SCRIPT = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("pass")
before, started = set(sys.modules), time.process_time_ns()
shell.run_line_magic("load_ext", "ollama_lab")
cpu = time.process_time_ns() - started
print(json.dumps({"cpu_ms": cpu / 1e6, "new": sorted(set(sys.modules) - before)}))
"""


@dataclass(frozen=True, slots=True)
class Loading:
    """CPU in milliseconds, how many modules came, and those that should not have."""

    cpu_ms: float
    modules: int
    forbidden: tuple[str, ...]


def measure_loading(env: dict[str, str], *, times: int = 5) -> Loading:
    """Load the extension in fresh processes, compiled as an installed package is; the median."""
    env = {name: value for name, value in env.items() if name != "PYTHONDONTWRITEBYTECODE"}
    _load_once(env)  # writes the compiled files
    runs = [_load_once(env) for _ in range(times)]
    new = set(runs[-1]["new"])
    return Loading(
        cpu_ms=statistics.median(run["cpu_ms"] for run in runs),
        modules=len(new),
        forbidden=tuple(name for name in FORBIDDEN if name in new),
    )


def _load_once(env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    loaded: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return loaded
