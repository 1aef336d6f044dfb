"""What our extension adds to the start of a Jupyter server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

#: The steps in which a server imports, links and loads its extensions, timed from within: a whole
#: start takes more than a second, and two of them differ by more than an extension.
_SCRIPT = """
import json, os, sys, time
from jupyter_server.serverapp import ServerApp

class Timed(ServerApp):
    cpu_ns = 0

    def init_server_extensions(self):
        started = time.process_time_ns()
        super().init_server_extensions()
        self.cpu_ns += time.process_time_ns() - started

    def load_server_extensions(self):
        started = time.process_time_ns()
        super().load_server_extensions()
        self.cpu_ns += time.process_time_ns() - started

server = Timed()
enabled = {"ollama_lab": sys.argv[1] == "with"}
flags = ["--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
server.initialize([*flags, f"--ServerApp.jpserver_extensions={enabled}"], find_extensions=False)
pages = int(open("/proc/self/statm").read().split()[1])
megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
print(json.dumps({"cpu_s": server.cpu_ns / 1e9, "memory_mb": megabytes}), flush=True)
os._exit(0)  # without a look at what it would close
"""


@dataclass(frozen=True, slots=True)
class Starting:
    """CPU in seconds and memory in megabytes that the extension adds."""

    cpu_s: float
    memory_mb: float


def measure_starting(env: dict[str, str], *, times: int = 7) -> Starting:
    """Start servers with and without in turn, compiled as an installed package is; the least of each."""
    env = {name: value for name, value in env.items() if name != "PYTHONDONTWRITEBYTECODE"}
    _start(env, "with")  # writes the compiled files
    runs = [(_start(env, "without"), _start(env, "with")) for _ in range(times)]
    least = [
        {key: min(pair[i][key] for pair in runs) for key in ("cpu_s", "memory_mb")} for i in (0, 1)
    ]
    return Starting(
        cpu_s=least[1]["cpu_s"] - least[0]["cpu_s"],
        memory_mb=least[1]["memory_mb"] - least[0]["memory_mb"],
    )


def _start(env: dict[str, str], which: str) -> dict[str, float]:
    command = [sys.executable, "-c", _SCRIPT, which]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    started: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return started
