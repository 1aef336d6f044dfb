"""Find the user's engine, or start it: one for all processes of a user on a host.

Importing this is cheap, since every kernel may: no tornado, no requests, no engine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from ollama_lab.engine import lease as leases
from ollama_lab.engine.locks import FileLock, is_held
from ollama_lab.engine.requirements import problems
from ollama_lab.engine.runtime import Place, Record, find_place
from ollama_lab.errors import TimedOut, Unreachable

if TYPE_CHECKING:
    from ollama_lab.engine.lease import Lease

START_SECONDS = 30.0
STOP_SECONDS = 10.0
# Exit status of an engine that finds another one alive: not a failure, the other one is used.
ANOTHER_RUNS = 75
_LOOK_AGAIN_SECONDS = 0.02
_COLLECT_SECONDS = 1.0
_LOG_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Running:
    """An engine, and this process's lease on it: it runs at least until `close`.

    Parameters
    ----------
    url : str
        ``http://127.0.0.1:PORT``.
    token : str
        Every request carries it as ``Authorization: Bearer TOKEN``.
    pid : int
        The engine's process.
    """

    url: str
    token: str = field(repr=False)
    pid: int
    _lease: Lease = field(repr=False)

    @property
    def is_alive(self) -> bool:
        """Whether the engine still holds its end; when not, `connect` again."""
        return self._lease.is_open

    def close(self) -> None:
        """End the lease; the engine ends some time after the last one."""
        self._lease.close()


@dataclass(frozen=True, slots=True)
class Status:
    """What a running engine says about itself.

    Parameters
    ----------
    url, pid, version
        As in its runtime file.
    leases : int
        How many connections keep it alive.
    in_flight : int
        How many requests it is answering.
    """

    url: str
    pid: int
    version: str
    leases: int
    in_flight: int


def connect(*, start_seconds: float = START_SECONDS) -> Running:
    """Return the user's engine, started if none runs, with a lease on it.

    Blocks for a fraction of a second when it has to start one: call it in a thread where there
    is an event loop. An older engine, left over from before an upgrade, is replaced if nobody
    uses it, and used otherwise.

    Parameters
    ----------
    start_seconds : float
        How long a start may take.

    Raises
    ------
    Unreachable
        Something it needs is missing, or it ended while it was starting.
    TimedOut
        It did not answer in time.
    """
    place = find_place()
    record = place.read()
    # The lock is asked first: an address in a file left by a dead engine may be anybody's now.
    if record and not _is_older(record) and is_held(place.running) and (found := _use(record)):
        return found
    deadline = time.monotonic() + start_seconds
    starting = FileLock(place.starting)
    if not starting.acquire(wait_seconds=start_seconds):
        raise _too_slow(place, start_seconds)
    try:
        return _connect_alone(place, deadline, start_seconds)
    finally:
        starting.release()


def status() -> Status | None:
    """Return what the user's engine says about itself; None when none runs."""
    place = find_place()
    record = place.read()
    if record is None or not is_held(place.running):
        return None
    said = leases.call(record, "GET", leases.STATUS_PATH)
    if said is None:
        return None
    return Status(record.url, record.pid, record.version, said["leases"], said["in_flight"])


def stop(*, wait_seconds: float = STOP_SECONDS) -> bool:
    """Stop the user's engine, whoever uses it; False when none runs.

    Raises
    ------
    TimedOut
        It is still there after `wait_seconds`.
    """
    place = find_place()
    if not is_held(place.running):
        return False
    deadline = time.monotonic() + wait_seconds
    is_asked = False
    while is_held(place.running):
        record = place.read()  # there is none yet while the engine starts, and none when it ends
        if record and not is_asked:
            is_asked = leases.call(record, "POST", leases.STOP_PATH) is not None
        if time.monotonic() > deadline:
            raise _still_there(record, wait_seconds)
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True


def installed_version() -> str:
    """Return the version of this package; ``0`` in a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ollama-lab")
    except PackageNotFoundError:
        return "0"


def _use(record: Record) -> Running | None:
    lease = leases.take(record)
    return None if lease is None else Running(record.url, record.token, record.pid, lease)


def _connect_alone(place: Place, deadline: float, seconds: float) -> Running:
    """Start an engine unless one lives; nobody else starts one meanwhile."""
    process: subprocess.Popen[bytes] | None = None
    try:
        while time.monotonic() < deadline:
            if is_held(place.running):
                if found := _meet(place):
                    return found
            elif process is None:
                _insist_on_requirements()
                place.forget()
                process = _start(place)
            elif process.poll() == ANOTHER_RUNS:
                process = None
            elif process.poll() is not None:
                raise _died(place)
            time.sleep(_LOOK_AGAIN_SECONDS)
    finally:
        if process is not None and hasattr(os, "fork"):
            _collect(process)
    raise _too_slow(place, seconds)


def _collect(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process that was our child only to become the engine's parent for an instant."""
    try:
        process.wait(_COLLECT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _meet(place: Place) -> Running | None:
    """Use the engine that lives, if it is ready; ask an older one to make way."""
    record = place.read()
    if record is None:
        return None
    if _is_older(record) and leases.call(record, "POST", f"{leases.STOP_PATH}?if=idle"):
        return None
    return _use(record)


def _insist_on_requirements() -> None:
    for problem in problems():
        raise Unreachable(problem.what, hint=problem.remedy)


def _start(place: Place) -> subprocess.Popen[bytes]:
    # -P: a notebook's folder may hold a json.py. The session of its own keeps the interrupts
    # and the end of a kernel or terminal away.
    command = [sys.executable, "-P", "-m", "ollama_lab.engine", str(place.directory), place.host]
    with _open_log(place) as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter and our own paths)
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.directory,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def _open_log(place: Place) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return os.fdopen(os.open(place.log, flags, 0o600), "ab")


def _is_older(record: Record) -> bool:
    return _release(record.version) < _release(installed_version())


def _release(version: str) -> list[int]:
    """Return the numbers of a version, which is all that two of ours differ by.

    >>> _release("0.10.2") > _release("0.9")
    True
    """
    return [int(number) for number in re.findall(r"\d+", version)]


def _died(place: Place) -> Unreachable:
    last = _last_line(place)
    words = f"The embedded engine ended while it was starting: {last}"
    return Unreachable(words, hint=f"Its log is {place.log}.")


def _too_slow(place: Place, seconds: float) -> TimedOut:
    last = _last_line(place)
    words = f"The embedded engine did not answer within {seconds:g} seconds; its log ends: {last}"
    return TimedOut(words, hint=f"The whole log is {place.log}.")


def _still_there(record: Record | None, seconds: float) -> TimedOut:
    return TimedOut(
        f"The embedded engine did not stop within {seconds:g} seconds.",
        hint=f"End it with: kill -9 {record.pid}" if record else "Its process is starting.",
    )


def _last_line(place: Place) -> str:
    try:
        with place.log.open("rb") as file:
            file.seek(max(0, place.log.stat().st_size - _LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return "(no log)"
    return next((line.strip() for line in reversed(lines) if line.strip()), "(empty)")
