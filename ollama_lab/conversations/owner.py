"""Which process writes an answer, and whether it is still there."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path

#: Where nobody can tell, as of a process on another machine, it is given up after this silence.
_SILENCE_SECONDS = 3600.0


def this_process() -> str:
    """Name this process: its machine, its number, and when it began."""
    return f"{_machine()}/{os.getpid()}/{_began(os.getpid())}"


def is_gone(owner: str, last_write: float) -> bool:
    """Whether the process that wrote an answer cannot finish it any more.

    Parameters
    ----------
    owner : str
        As `this_process` named it.
    last_write : float
        When it wrote last.
    """
    machine, pid, began = [*owner.split("/"), "", "", ""][:3]
    if machine == _machine() and pid.isdecimal() and os.name != "nt":
        return not _is_running(int(pid)) or _began(int(pid)) != began
    return time.time() - last_write > _SILENCE_SECONDS


@cache
def _machine() -> str:
    return socket.gethostname() or "localhost"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # asks, and does nothing
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _began(pid: int) -> str:
    """When a process began, in clock ticks since the boot: numbers of processes come again.

    Empty where the system does not say, and for one that has ended but was not waited for.
    """
    try:
        # The name of the program, in parentheses, may hold anything.
        about = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if about[0] == "Z" else about[19]
    except (OSError, IndexError):
        return ""
