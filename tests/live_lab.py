"""A real JupyterLab server on a free port of this machine, for tests in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import environment
from live_jupyter import JupyterServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

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


class Lab(JupyterServer):
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
        super().__init__(folder, env or {}, python=str(python))
        self.root = folder / "notebooks"

    def __enter__(self) -> Self:
        self._prepare()
        return super().__enter__()

    def restart(self) -> None:
        """End the server and start it again, at the same address and with the same token."""
        self.close()
        super().__enter__()

    def forget_logins(self) -> None:
        """Start again with another token, so that no page is signed in any more."""
        self.token = secrets.token_hex(16)
        self.headers = {"Authorization": f"token {self.token}"}
        (self.home / "runtime" / "jupyter_cookie_secret").unlink()
        self.restart()

    def configure(self, plugin: str, settings: Mapping[str, Any]) -> None:
        """Set what the settings editor sets, for pages that are opened from now on."""
        body = json.dumps({"raw": json.dumps(settings)})
        with contextlib.closing(self._connect()) as connection:
            connection.request("PUT", f"/lab/api/settings/{plugin}", body, self.headers)
            assert connection.getresponse().status < 300

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Let the server stand still."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def without_room(self) -> Iterator[None]:
        """Let the server write nothing into files, as on a full disk."""
        pid, limit = self.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, limit, before)

    def notebook(self, name: str, cells: Sequence[str], place: Place = Place.JUPYTERLAB) -> str:
        """Write a notebook of code cells; the address that opens it."""
        path = self.root / f"{name}.ipynb"
        path.write_text(json.dumps(_notebook(cells)), encoding="utf-8")
        return f"{self.url}{place}/{path.name}?token={self.token}&reset"

    def arguments(self) -> list[str]:
        """Show the page its application."""
        words = [
            "jupyterlab",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        if self.python == sys.executable:
            # A wheel brings the file that does this; an editable install does not.
            words.append("--ServerApp.jpserver_extensions={'ollama_lab': True}")
        return words

    def _prepare(self) -> None:
        environment.make_home(self.home)
        self.root.mkdir()
        config = self.home / ".jupyter" / "labconfig"
        config.mkdir(parents=True)
        (config / "default_setting_overrides.json").write_text(json.dumps(_QUIET))


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
