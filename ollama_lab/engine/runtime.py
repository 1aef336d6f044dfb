"""Where the processes of one user find their engine: a private directory and the files in it."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ollama_lab.engine.locks import FileLock
from ollama_lab.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Record:
    """What a running engine says about itself in its runtime file.

    Parameters
    ----------
    url : str
        ``http://127.0.0.1:PORT``.
    token : str
        The bearer token every request needs.
    pid : int
        Its process, and its process group.
    version : str
        Of the package it was started from.
    """

    url: str
    token: str
    pid: int
    version: str


@dataclass(frozen=True, slots=True)
class Place:
    """The files by which one user's processes on one host share an engine.

    Parameters
    ----------
    directory : Path
        Private to the user.
    host : str
        This machine's name: a home directory may be shared by many machines.
    """

    directory: Path
    host: str

    def _file(self, ending: str) -> Path:
        return self.directory / f"ollama-lab-engine-{self.host}.{ending}"

    @property
    def record(self) -> Path:
        """The runtime file: address and token of the engine, mode 0600."""
        return self._file("json")

    @property
    def starting(self) -> Path:
        """Locked by the process that is starting an engine."""
        return self._file("starting")

    @property
    def running(self) -> Path:
        """Locked by the engine as long as it lives; the only proof that it does.

        A process id proves nothing: it is given again to somebody else's process.
        """
        return self._file("running")

    @property
    def log(self) -> Path:
        """What the engine wrote since it was started."""
        return self._file("log")

    def read(self) -> Record | None:
        """Return what the runtime file says; None when there is none that can be understood.

        A file that somebody else wrote counts for nothing: prompts would go to the address in it.
        """
        try:
            with self.record.open("rb") as file:
                if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                    return None
                return Record(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, record: Record) -> None:
        """Put the runtime file in place at once and whole, readable by its owner only."""
        # mkstemp makes the file with mode 0600, so the token is never readable by others.
        descriptor, name = tempfile.mkstemp(dir=self.directory, prefix=".ollama-lab-")
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(record), file)
        Path(name).replace(self.record)

    def forget(self) -> None:
        """Remove the runtime file, if there is one."""
        self.record.unlink(missing_ok=True)


def find_place() -> Place:
    """Return the place of this user on this host.

    It is Jupyter's runtime directory, without Jupyter the platform's, and where neither can be
    written (a read-only home) a directory of mode 0700 among the temporary files.

    Raises
    ------
    Forbidden
        The directory among the temporary files belongs to somebody else.
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
    directory = _standard_directory()
    if not _can_lock_in(directory):
        directory = private_temporary_directory()
    return Place(directory, host)


def private_temporary_directory() -> Path:
    """Return this user's own directory among the temporary files, made if need be.

    Raises
    ------
    Forbidden
        It is there and belongs to somebody else, or is open to others.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    directory = Path(tempfile.gettempdir(), f"ollama-lab-{user}")
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    about = directory.lstat()  # not stat: a link could have been laid there by anyone
    is_ours = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    is_private = os.name == "nt" or not about.st_mode & 0o077
    if not (stat.S_ISDIR(about.st_mode) and is_ours and is_private):
        raise Forbidden(
            f"{directory} is not a private directory of yours.",
            hint="Set JUPYTER_RUNTIME_DIR to a directory that is.",
        )
    return directory


def _standard_directory() -> Path:
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        from platformdirs import user_runtime_path

        return user_runtime_path("ollama-lab")
    return Path(jupyter_runtime_dir())


def _can_lock_in(directory: Path) -> bool:
    """Make the directory and try a lock in it: some network file systems have none."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=".ollama-lab-")
    except OSError:
        return False
    os.close(descriptor)
    lock = FileLock(Path(name))
    try:
        return lock.acquire()
    except OSError:
        return False
    finally:
        lock.release()
        Path(name).unlink()
