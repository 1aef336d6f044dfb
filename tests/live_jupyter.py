"""A Jupyter server in a process of its own: what its kinds have in common."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import environment
from waiting import DEADLINE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_SECONDS = 90.0


class JupyterServer(ABC):
    """A server with a token, on a free port; a context manager that starts it and takes it down.

    Parameters
    ----------
    folder : pathlib.Path
        A folder of its own, for its home and its log.
    env : mapping of str to str
        More of its environment, and so of its kernels'.
    python : str
        The Python it runs on.
    """

    def __init__(
        self, folder: Path, env: Mapping[str, str], *, python: str = sys.executable
    ) -> None:
        self.home = folder / "home"
        self.token = secrets.token_hex(16)
        self.headers = {"Authorization": f"token {self.token}"}
        self.python = python
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self._log = folder / "server.log"
        self._env = {**environment.clean(os.environ, self.home), **env}

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Self:
        self.home.parent.mkdir(exist_ok=True)
        environment.make_home(self.home)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(), env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until(self._is_up, seconds=_START_SECONDS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def arguments(self) -> list[str]:
        """Say which module runs, and what more its command line has."""

    def stop(self) -> None:
        """Ask it to end, as the system does at a shutdown."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End the server, its kernels with it."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def _command(self) -> list[str]:
        module, *more = self.arguments()
        return [
            *(self.python, "-m", module, "--allow-root", "--no-browser"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={urlsplit(self.url).port or 0}",  # one that starts again keeps it
            f"--IdentityProvider.token={self.token}",
            *more,
        ]

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it did not start:\n{self.log}"
        runtime = self.home / "runtime" / f"jpserver-{self.process.pid}.json"
        try:
            self.url = str(json.loads(runtime.read_text())["url"])
            return self._status() == http.client.OK
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return False

    def _status(self) -> int:
        with contextlib.closing(self._connect()) as connection:
            connection.request("GET", f"{urlsplit(self.url).path}api/status", headers=self.headers)
            return connection.getresponse().status

    def _connect(self) -> http.client.HTTPConnection:
        place = urlsplit(self.url)
        assert place.hostname is not None
        return http.client.HTTPConnection(place.hostname, place.port, timeout=60)
