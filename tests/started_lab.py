"""``ollama-lab lab`` as a process of its own, for tests and for the README's picture."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self
from urllib.request import Request, urlopen

from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)")
DEADLINE_SECONDS = 60


class StartedLab:
    """A JupyterLab in a process of its own, in its own directory."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str]) -> None:
        self.printed: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ollama_lab.cli", "lab", *arguments],
            cwd=folder,
            env={**os.environ, "JUPYTER_PORT": str(free_port()), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self.printed)

    def wait_until_it_runs(self) -> tuple[str, str, str]:
        """Give address, path and token as the printed URL has them."""
        wait_until(lambda: bool(ADDRESS.search(self.output)), seconds=DEADLINE_SECONDS)
        found = ADDRESS.search(self.output)
        assert found is not None
        # Jupyter prints its address a moment before it listens there.
        port = int(found[1].rpartition(":")[2])
        wait_until(lambda: is_listening(port), seconds=DEADLINE_SECONDS)
        return found[1], found[2], found[3]

    def url(self) -> str:
        """Give the printed address as it is, for a browser."""
        address, path, token = self.wait_until_it_runs()
        return f"{address}{path}?token={token}"

    def start_kernel(self) -> str:
        """Start a kernel over the server's own API, and give its connection file."""
        address, _, token = self.wait_until_it_runs()
        request = Request(
            f"{address}/api/kernels",
            data=b"{}",
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=DEADLINE_SECONDS) as reply:
            kernel = json.load(reply)
        return f"{os.environ['JUPYTER_RUNTIME_DIR']}/kernel-{kernel['id']}.json"

    def stop(self) -> int:
        """Press Ctrl-C once."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.printed.extend(iter(self.process.stdout.readline, ""))


def free_port() -> int:
    """Find a port to begin with: older Jupyter servers print 0 for 0, and all take the next if it is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
