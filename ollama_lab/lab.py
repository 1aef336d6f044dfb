"""JupyterLab on this machine only, with the magics loaded: what ``make lab`` starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

from ollama_lab.errors import BadUsage


def start(path: Path) -> None:
    """Run JupyterLab in this process until it is stopped.

    Parameters
    ----------
    path : Path
        A notebook to open, or a directory to start in.

    Raises
    ------
    BadUsage
        The path is not there, or JupyterLab is not installed.
    """
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as exc:
        raise BadUsage(
            "JupyterLab is not installed in this environment.",
            hint="Install it with: pip install jupyterlab 'ollama-lab[jupyter,engine]'",
        ) from exc
    # Kernels inherit it: an engine they start ends with the last of them, not a minute later.
    os.environ.setdefault("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")
    LabApp.launch_instance(arguments(path))


def arguments(path: Path) -> list[str]:
    """Word JupyterLab's command line for a notebook or a directory.

    Raises
    ------
    BadUsage
        The path is not there.
    """
    if not path.exists():
        raise BadUsage(
            f"{path} is not there.",
            hint="Name a notebook or a directory: ollama-lab lab PATH",
        )
    root, url = _root_and_url(path.absolute())
    words = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url={url}",
        # One Ctrl-C ends it: a question would leave kernels and engine waiting for the answer.
        "--ServerApp.answer_yes=True",
        "--ServerApp.kernel_spec_manager_class=ollama_lab.kernelspec.LoadedKernelSpecs",
        # Nothing leaves this machine unasked. (Before it fetches news JupyterLab asks by itself.)
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if not _has_display():
        # Without one, webbrowser takes a text browser if it finds any, and the terminal with it.
        words.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # In a container everybody is root; loopback and the token guard the door.
        words.append("--allow-root")
    return words


def _root_and_url(path: Path) -> tuple[Path, str]:
    if path.is_dir():
        return path, "/lab"
    root = Path.cwd()
    if not path.is_relative_to(root):
        root = path.parent
    return root, f"/lab/tree/{quote(path.relative_to(root).as_posix())}"


def _has_display() -> bool:
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
