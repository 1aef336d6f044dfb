"""A real JupyterLab server on a free port of this machine, for tests in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LONGEST_START_SECONDS = 90.0
_LONGEST_STOP_SECONDS = 20.0
_QUIET = {
    # Nothing but the page itself asks for anything, and no dialog lies over it.
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    # Every output is in the page: none is left out because it is far down or one of many.
    "@jupyterlab/notebook-extension:tracker": {"maxNumberOutputs": 5000, "windowingMode": "none"},
}


class Place(StrEnum):
    """Where a notebook opens: what comes before its name in the address."""

    JUPYTERLAB = "lab/tree"
    NOTEBOOK = "notebooks"


class Lab:
    """JupyterLab with a token, and Notebook where it is installed; a context manager.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder: the home it runs in, with the notebooks in ``notebooks``.
    env : mapping of str to str, optional
        More of its environment, and so of its kernels'.
    python : pathlib.Path, optional
        The Python it runs on, which has our wheel; by default this one.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        *,
        python: str | Path = sys.executable,
    ) -> None:
        self._python = str(python)
        self.root = folder / "notebooks"
        self.token = secrets.token_hex(16)
        self._home = folder / "home"
        self._log = folder / "lab.log"
        self._env = {**environment.clean(os.environ, self._home), **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._prepare()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.url = self._wait_for_url(self._process)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, its kernels with it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_LONGEST_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def notebook(self, name: str, cells: Sequence[str], place: Place = Place.JUPYTERLAB) -> str:
        """Write a notebook of code cells; the address that opens it."""
        path = self.root / f"{name}.ipynb"
        path.write_text(json.dumps(_notebook(cells)), encoding="utf-8")
        return f"{self.url}{place}/{path.name}?token={self.token}&reset"

    def _prepare(self) -> None:
        environment.make_home(self._home)
        self.root.mkdir()
        config = self._home / ".jupyter" / "labconfig"
        config.mkdir(parents=True)
        (config / "default_setting_overrides.json").write_text(json.dumps(_QUIET))

    def _command(self) -> list[str]:
        words = [
            *(self._python, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"),
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        if self._python == sys.executable:
            # A wheel brings the file that does this; an editable install does not.
            words.append("--ServerApp.jpserver_extensions={'ollama_lab': True}")
        return words

    def _wait_for_url(self, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        runtime = self._home / "runtime" / f"jpserver-{process.pid}.json"
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if url := _answering(runtime, self.token):
                return url
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-4000:]}")


def _answering(runtime: Path, token: str) -> str:
    """Give the address in the server's runtime file, once something answers there."""
    try:
        url = str(json.loads(runtime.read_text())["url"])
    except (OSError, ValueError, KeyError):
        return ""
    request = urllib.request.Request(f"{url}api", headers={"Authorization": f"token {token}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5):
            return url
    except (urllib.error.URLError, TimeoutError):
        return ""


def _notebook(cells: Sequence[str]) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }
