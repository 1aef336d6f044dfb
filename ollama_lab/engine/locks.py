"""Locks between processes: files that the operating system unlocks when a process dies."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_RETRY_SECONDS = 0.02


class FileLock:
    """A lock on a file, held until `release` or the end of the process.

    A forked child that inherits the file does not keep the lock once `release` was called.

    Parameters
    ----------
    path : Path
        The file; it is made with mode 0600 and stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def acquire(self, *, wait_seconds: float = 0.0) -> bool:
        """Take the lock; False when another process holds it to the end of the wait.

        Raises
        ------
        OSError
            The file cannot be made, or this file system has no locks.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            descriptor = _open(self.path)
            try:
                # A lock on a file that was removed meanwhile locks nobody out.
                if _try_lock(descriptor) and _is_at(descriptor, self.path):
                    self._descriptor = descriptor
                    return True
            except BaseException:  # an interrupt must not leave the file open either
                os.close(descriptor)
                raise
            os.close(descriptor)
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)

    def release(self) -> None:
        """Give the lock back; may be called twice."""
        if self._descriptor >= 0:
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def is_held(path: Path) -> bool:
    """Say whether a process holds the lock on `path`.

    Asking takes the lock for an instant, so whoever takes it for good tries more than once.
    """
    if not path.exists():
        return False
    lock = FileLock(path)
    if not lock.acquire():
        return True
    lock.release()
    return False


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
