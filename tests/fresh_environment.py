"""Fresh environments to install the wheel into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment of its own, with a home directory of its own."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def _pip(self) -> tuple[str, ...]:
        return (sys.executable, "-m", "pip", "--python", str(self.python))

    def install(self, *requirements: str) -> None:
        """Install with the pip that runs the tests: an environment without pip is made faster."""
        _run([*self._pip, "install", "-q", *requirements])

    def distributions(self) -> set[str]:
        """Name what is installed."""
        return {entry["name"] for entry in json.loads(_run([*self._pip, "list", "--format=json"]))}

    def size_bytes(self, distributions: set[str]) -> int:
        """Add up the files of some distributions."""
        code = (
            "import sys; from importlib.metadata import files\n"
            "print(sum(f.locate().stat().st_size for d in sys.argv[1:] for f in files(d)"
            " if f.locate().exists()))"
        )
        return int(self.run(self.python, "-c", code, *distributions))

    def run(self, program: str | Path, *arguments: str | Path, **variables: str) -> str:
        """Run a program, of this environment if named alone, and give what it printed."""
        env = environment.clean(os.environ, self.home)
        # The source tree must not be found by another way than the wheel.
        env.pop("PYTHONPATH", None)
        path = self.root / "bin" / program
        return _run([path, *arguments], env=env | variables, cwd=self.home)

    def cell(self, text: str, **variables: str) -> str:
        """Run one cell in a real IPython with the magics loaded, and give what it printed."""
        return self.run("ipython", "--colors=NoColor", "--ext=ollama_lab", "-c", text, **variables)


def make(root: Path, python: str = sys.executable) -> Environment:
    """Make an empty environment for a Python."""
    _run([python, "-m", "venv", "--without-pip", root])
    environment.make_home(root / "home")
    return Environment(root)


def build_wheel(tree: Path, out: Path) -> Path:
    """Build the wheel of a source tree."""
    _run([sys.executable, "-m", "build", "--wheel", "--outdir", out, tree])
    return next(out.glob("*.whl"))


def find_python(version: str) -> str | None:
    """Find a Python such as 3.12, on PATH or among those of pyenv."""
    named = shutil.which(f"python{version}")
    # A shim of pyenv is on PATH also where it points nowhere.
    if (
        named
        and subprocess.run([named, "-c", ""], check=False, capture_output=True).returncode == 0
    ):
        return named
    if not shutil.which("pyenv"):
        return None
    installed = _run(["pyenv", "versions", "--bare"]).split()
    fitting = [full for full in installed if full.startswith(f"{version}.")]
    return f"{_run(['pyenv', 'prefix', fitting[-1]]).strip()}/bin/python" if fitting else None


def _run(
    command: Sequence[str | Path], *, env: dict[str, str] | None = None, cwd: Path | None = None
) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=280, env=env, cwd=cwd
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
