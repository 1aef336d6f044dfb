"""The environment tests run in: a home of their own, and nothing of the person's settings."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS_OR_JUPYTERS = re.compile(
    r"(OLLAMA_|JUPYTER|IPYTHON|JPY_|XDG_)|.*_PROXY$|(MPLBACKEND|PYTHONSTARTUP)$", re.IGNORECASE
)
#: Switches of the test run itself, which must reach the tests.
_KEPT = ("OLLAMA_LAB_REQUIRE_ALL",)


def clean(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Copy an environment without what changes how we behave, and with `home` as the home."""
    real_home = Path(environ.get("HOME", "~")).expanduser()
    kept = {k: v for k, v in environ.items() if k in _KEPT or not _OURS_OR_JUPYTERS.match(k)}
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "XDG_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        # Downloads are the person's all the same: nothing is fetched twice.
        "PIP_CACHE_DIR": environ.get("PIP_CACHE_DIR", str(real_home / ".cache" / "pip")),
        "YARN_GLOBAL_FOLDER": environ.get("YARN_GLOBAL_FOLDER", str(real_home / ".yarn" / "berry")),
    }


def make_home(folder: Path) -> Path:
    """Make the folders a home has."""
    for name in ("", ".ipython", ".jupyter", "data", "runtime"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    return folder


def replaced(home: Path) -> dict[str, str | None]:
    """Say what changes in this process's environment; None takes a variable away."""
    wanted = clean(os.environ, home)
    changes: dict[str, str | None] = {name: None for name in os.environ if name not in wanted}
    return changes | {
        name: value for name, value in wanted.items() if os.environ.get(name) != value
    }
