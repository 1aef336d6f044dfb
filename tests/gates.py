"""What the marked tests need from the machine, and the command that gets it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

REQUIRE_ALL = "OLLAMA_LAB_REQUIRE_ALL"
#: Where npm's side is, and what is built there.
LABEXTENSION = Path(__file__).parents[1] / "labextension"
BUNDLE = LABEXTENSION.parent / "ollama_lab" / "labextension"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def require_all() -> bool:
    """Whether a missing need is a failure, as in ``.ci/run``."""
    return os.environ.get(REQUIRE_ALL, "") not in ("", "0")


@cache
def missing(marker: str) -> str:
    """Say what the tests of a marker lack here, with the command; empty when nothing is missing."""
    return _CHECKS[marker]() if marker in _CHECKS else ""


def _engine() -> str:
    if importlib.util.find_spec("xllamacpp") is None:
        return "The engine's package is missing. Install it with: pip install '.[engine]'"
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        if sys.platform == "linux":
            return "libgomp.so.1 is missing. Install it with: apt-get install libgomp1"
    return ""


def _ui() -> str:
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is missing. Install it with: pip install playwright"
    if not any(map(shutil.which, BROWSERS)):
        return "No browser is here. Install one with: apt-get install chromium"
    return ""


def _packaging() -> str:
    if importlib.util.find_spec("build") is None:
        return "The build package is missing. Install it with: pip install build"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
    ]
    asked = subprocess.run([*pip, "wheel"], capture_output=True, timeout=60, check=False)
    if asked.returncode:
        return "No package index answers. Try it with: pip download wheel"
    return ""


def _frontend() -> str:
    if not (LABEXTENSION / "node_modules" / ".installed").exists():
        return "npm's packages are missing. Install them with: make npm"
    if not (BUNDLE / "static" / "style.js").exists():
        return "The JupyterLab extension is not built. Build it with: make bundle"
    return ""


_CHECKS = {"engine": _engine, "frontend": _frontend, "packaging": _packaging, "ui": _ui}
