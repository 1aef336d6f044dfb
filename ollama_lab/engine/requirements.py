"""What the embedded engine needs from this machine, and how to get what is missing."""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# What the wheel of xllamacpp is compiled for; there is no run-time dispatch, so an older CPU
# dies of SIGILL in the first matrix product (checked in its compile flags).
CPU_FEATURES = ("avx2", "fma", "f16c", "bmi2")
OPENMP = "libgomp.so.1"
_PROBE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps the embedded engine from running here.

    Parameters
    ----------
    what : str
        One sentence that names it.
    remedy : str
        One sentence with the command that cures it, or the way around it.
    """

    what: str
    remedy: str


def problems(*, cpuinfo: Path = Path("/proc/cpuinfo")) -> list[Problem]:
    """Say what is missing for the embedded engine; an empty list means it can run.

    Nothing heavy is imported into the caller, and no library is loaded into it.

    Parameters
    ----------
    cpuinfo : Path
        Where Linux describes the processor; read on x86-64 Linux only.
    """
    found = _missing_packages()
    if sys.platform == "linux":
        found += _missing_openmp()
        if platform.machine() == "x86_64" and cpuinfo.is_file():
            found += _old_cpu(cpuinfo.read_text("utf-8", "replace"))
    return found


def cpu_lacks(cpuinfo: str) -> list[str]:
    """Return the needed features that no ``flags`` line of `cpuinfo` lists.

    >>> cpu_lacks("flags : fpu avx fma f16c")
    ['avx2', 'bmi2']
    >>> cpu_lacks("a text without such a line")
    []
    """
    lines = [line for line in cpuinfo.split("\n") if line.startswith("flags")]
    if not lines:
        return []
    flags = set(lines[0].partition(":")[2].split())
    return [feature for feature in CPU_FEATURES if feature not in flags]


def _missing_packages() -> list[Problem]:
    names = [name for name in ("xllamacpp", "tornado") if importlib.util.find_spec(name) is None]
    if not names:
        return []
    what = f"The embedded engine needs {' and '.join(names)}, not installed here."
    return [Problem(what, 'Install it with: pip install "ollama-lab[engine]"')]


def _missing_openmp() -> list[Problem]:
    # Only the loader itself knows where it looks (cache, LD_LIBRARY_PATH, the run path of a
    # conda Python), and a library once loaded stays: so a short-lived process tries it.
    code = f"import ctypes; ctypes.CDLL({OPENMP!r})"
    probe = subprocess.run(  # noqa: S603 (our own interpreter and a constant)
        [sys.executable, "-I", "-S", "-c", code],
        check=False,
        timeout=_PROBE_SECONDS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if probe.returncode == 0:
        return []
    what = f"The embedded engine needs the system library {OPENMP}, which does not load here."
    remedy = (
        "Install it with: apt-get install libgomp1 (Debian, Ubuntu), "
        "dnf install libgomp (Fedora, RHEL) or conda install libgomp."
    )
    return [Problem(what, remedy)]


def _old_cpu(cpuinfo: str) -> list[Problem]:
    missing = cpu_lacks(cpuinfo)
    if not missing:
        return []
    what = (
        f"The embedded engine needs a CPU with {', '.join(missing).upper()}, and this one has not."
    )
    remedy = "Use an Ollama server instead: set OLLAMA_HOST to its address."
    return [Problem(what, remedy)]
