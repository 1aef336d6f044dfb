"""Where the chats lie: the file and its permissions, and how a file is set aside."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ollama_lab.errors import Forbidden, NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "OLLAMA_LAB_DATA_DIR"
FILE_NAME = "chats.sqlite"
_NO_ROOM_BYTES = 1_000_000
# SQLite keeps what it has not yet put into the file in these, beside it.
_COMPANIONS = ("-wal", "-shm", "-journal")
# The write-ahead log needs memory that all writers share; over a network there is none.
_NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("9p", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.davfs"),
        *("fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs"),
        "virtiofs",
    }
)


def chats_path() -> Path:
    """Say which file holds the chats.

    ``chats.sqlite`` in the directory that ``OLLAMA_LAB_DATA_DIR`` names; without it, in
    ``ollama_lab`` of Jupyter's data directory, or of the system's where there is no Jupyter.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute() / FILE_NAME
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        from platformdirs import user_data_path

        return user_data_path("ollama_lab", appauthor=False) / FILE_NAME
    return Path(jupyter_data_dir(), "ollama_lab", FILE_NAME)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner may read, and its directory; both may be there.

    A directory that is there keeps its permissions: a person may have named one that is shared.

    Raises
    ------
    Forbidden
        Something is in the way, or the user may not write there.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its companion files the permissions of this one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_mode & 0o077:
            with suppress(PermissionError):  # somebody else's, who shares it on purpose
                path.chmod(0o600)
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(path) from exc
        raise not_writable(path, exc.strerror or str(exc)) from exc


def not_writable(path: Path, why: str) -> Forbidden:
    """Word a place where nothing can be written."""
    return Forbidden(
        f"Chats cannot be kept in {path}: {why[:1].lower()}{why[1:]}.",
        hint=f"Change its permissions, or name another directory in {VARIABLE}.",
    )


def only_read(path: Path) -> Forbidden:
    """Word a file that somebody wants to be only read."""
    return Forbidden(f"The chats in {path} can only be looked at here.")


def no_room(path: Path) -> NoRoom:
    """Word a disk, or a quota, that is used up."""
    free = _free_bytes(path)
    figures = (
        f"{free / 1e6:,.1f} MB are free" if free < _NO_ROOM_BYTES else "a quota or limit is reached"
    )
    return NoRoom(
        f"There is no room left to keep chats in {path}: {figures}.",
        hint=f"Free some space, delete chats, or name another directory in {VARIABLE}.",
    )


def _free_bytes(path: Path) -> int:
    # The directory may not be there yet.
    place = next(folder for folder in path.absolute().parents if folder.exists())
    return shutil.disk_usage(place).free


def identity(path: Path) -> tuple[int, int] | None:
    """Tell one file from another of the same name; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def set_aside(path: Path, kind: str, known: tuple[int, int] | None) -> Path | None:
    """Rename a file that cannot be used, with what belongs to it.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What goes into its new name: ``damaged`` or ``newer``.
    known : tuple, optional
        The file's `identity`. Another process may have been faster: its new file stays.

    Returns
    -------
    Path or None
        The new name; None where another process has set it aside.
    """
    with _alone(path):
        if known is None or identity(path) != known:
            return None
        aside = _free_name(path, kind)
        for ending in ("", *_COMPANIONS):
            with suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
        return aside


def _free_name(path: Path, kind: str) -> Path:
    stem = f"{path.stem}-{kind}-{time.strftime('%Y-%m-%d-%H%M%S')}"
    aside, count = path.with_name(stem + path.suffix), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{stem}-{count}{path.suffix}")
    return aside


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time set files of a directory aside; where locks exist."""
    if sys.platform == "win32":  # an open file cannot be renamed there anyway
        yield
        return
    import fcntl

    directory = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # no locks on this file system
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def is_on_network(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether a file lies on a file system of another machine; False where nobody knows."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
        place = path.resolve()
    except OSError:
        return False
    kind, longest = "", -1
    for line in lines:
        _, folder, found, *_ = [*line.split(" "), "", ""]
        folder = folder.replace("\\040", " ")
        # The later of two mounts at one place hides the earlier.
        if place.is_relative_to(folder) and len(folder) >= longest:
            kind, longest = found, len(folder)
    return kind in _NETWORK_FILE_SYSTEMS
