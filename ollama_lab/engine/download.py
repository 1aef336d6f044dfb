"""One layer on its way into the store: resumed, digested while it is written, checked."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.locks import FileLock
from ollama_lab.engine.registry import Cancelled, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ollama_lab.engine.registry import Registry
    from ollama_lab.engine.store import Store

    Report = Callable[[dict[str, Any]], None]

# Ollama reports a layer every 60 ms; one that takes less never appears (seen in 0.33).
_REPORT_SECONDS = 0.06
_HASH_BYTES = 1 << 20
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
_LOOK_SECONDS = 0.1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Layer:
    """One entry of a manifest: its digest as ``sha256:...`` and its size in bytes."""

    digest: str
    size: int

    def progress(self, completed: int) -> dict[str, Any]:
        """Return Ollama's progress object for so many bytes."""
        line = {"status": f"pulling {self.digest[7:19]}", "digest": self.digest}
        # Ollama leaves zeros out.
        numbers = {"total": self.size, "completed": completed}
        return {**line, **{key: value for key, value in numbers.items() if value}}


class Download:
    """One layer on its way into the store.

    Parameters
    ----------
    store, registry, layer
        Where to, where from, and what.
    report : callable
        Gets a progress object every 60 ms.
    tries : int
        How often in a row it may fail without one new byte.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        layer: Layer,
        *,
        report: Report,
        tries: int,
    ) -> None:
        self._store = store
        self._registry = registry
        self._layer = layer
        self._report = report
        self._cancelled = registry.cancelled
        self._tries = tries
        self._reported = time.monotonic()

    def run(self) -> None:
        """Bring the layer in, or wait for another pull that does."""
        if self._store.blob(self._layer.digest):
            self._report(self._layer.progress(self._layer.size))
            return
        target = self._store.own_blob(self._layer.digest)
        _stay_inside(self._store.root, target)
        partial = partial_of(target)
        lock = FileLock(partial.with_name(f"{partial.name}.lock"))
        while not lock.acquire(wait_seconds=_LOOK_SECONDS):
            self._wait(partial)
        try:
            if self._store.blob(self._layer.digest) is None:
                self._fetch(partial)
                partial.replace(target)
        finally:
            with suppress(PermissionError):  # Windows keeps what is open
                lock.path.unlink(missing_ok=True)
            lock.release()

    def _wait(self, partial: Path) -> None:
        """Look on while another process downloads the same layer."""
        if self._cancelled():
            raise Cancelled
        with suppress(OSError):
            self._show(partial.stat().st_size)

    def _fetch(self, partial: Path) -> None:
        try:
            with _open_partial(partial) as file:
                digest = self._receive(file)
                file.flush()
                os.fsync(file.fileno())  # a digest checked before a power cut is checked for good
        except OSError as exc:
            if exc.errno not in _FULL:
                raise
            raise no_room(self._store.root, self._missing(partial), exc) from exc
        if digest != self._layer.digest:
            partial.unlink()
            raise EngineError(
                "digest mismatch, file must be downloaded again: "
                f"want {self._layer.digest}, got {digest}"
            )

    def _missing(self, partial: Path) -> int:
        return self._layer.size - partial.stat().st_size

    def _receive(self, file: BinaryIO) -> str:
        """Fill the file, with as many connections as it takes; return the digest."""
        hashed = self._hash_what_is_there(file)
        have = file.tell()
        best, failures = have, 0
        while have < self._layer.size:
            try:
                with self._registry.blob(self._layer.digest, have) as blob:
                    if blob.start < have:  # a server without ranges begins anew, so do we
                        file.seek(0)
                        file.truncate()
                        hashed, have = hashlib.sha256(), 0
                    for piece in blob.pieces():
                        self._refuse_more(have + len(piece))
                        file.write(piece)
                        file.flush()  # what a killed process has received is not asked for again
                        hashed.update(piece)
                        have += len(piece)
                        self._show(have)
                    if have < self._layer.size:
                        raise Interrupted("unexpected EOF")  # noqa: TRY301 (one way to try again)
            except Interrupted as exc:
                failures = failures + 1 if have <= best else 1
                best = max(best, have)
                if failures >= self._tries:
                    raise EngineError(f"max retries exceeded: {exc}") from exc
                self._pause(failures)
        return f"sha256:{hashed.hexdigest()}"

    def _hash_what_is_there(self, file: BinaryIO) -> hashlib._Hash:
        hashed = hashlib.sha256()
        while piece := file.read(_HASH_BYTES):
            if self._cancelled():
                raise Cancelled
            hashed.update(piece)
        if file.tell() > self._layer.size:  # not ours, or the registry has changed its mind
            file.seek(0)
            file.truncate()
            return hashlib.sha256()
        return hashed

    def _refuse_more(self, have: int) -> None:
        if have > self._layer.size:
            raise EngineError(
                f"the registry sends more than the {self._layer.size} bytes that its manifest "
                f"gives {self._layer.digest[:19]}"
            )

    def _show(self, completed: int) -> None:
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            self._report(self._layer.progress(completed))

    def _pause(self, failures: int) -> None:
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS)
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            if self._cancelled():
                raise Cancelled
            time.sleep(_LOOK_SECONDS)


def no_room(root: Path, need: int, exc: OSError | None) -> EngineError:
    """Word a full disk: what is needed, and what is there."""
    words = os.strerror(exc.errno) if exc and exc.errno else os.strerror(errno.ENOSPC)
    return EngineError(
        f"{words.lower()}: the download needs {_megabytes(need)} more, "
        f"and {root} has {_megabytes(free_bytes(root))} free"
    )


def free_bytes(root: Path) -> int:
    """Return how much room the disk of a store has for this user."""
    there = next(path for path in (root, *root.parents) if path.exists())
    return shutil.disk_usage(there).free


def _megabytes(size: int) -> str:
    """Write a size as disks are sold, in thousands.

    >>> _megabytes(3_000), _megabytes(45_600_000), _megabytes(7_890_000_000)
    ('0.0 MB', '45.6 MB', '7890.0 MB')
    """
    return f"{size / 1e6:.1f} MB"


def partial_of(target: Path) -> Path:
    """Return the file in which a blob is on its way."""
    return target.with_name(f"{target.name}-partial")


def _stay_inside(root: Path, target: Path) -> None:
    """Refuse a store whose folder of blobs is a link to somewhere else."""
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise EngineError(
            f"{target.parent} leads out of the store {root}; nothing is written there"
        )


def _open_partial(path: Path) -> BinaryIO:
    # O_NOFOLLOW: a link in this place would let a download overwrite any file of the user.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.fdopen(os.open(path, flags, 0o644), "r+b")
    except OSError as exc:
        if exc.errno != errno.ELOOP:
            raise
        raise EngineError(f"{path} is a link; nothing is written through it") from exc
