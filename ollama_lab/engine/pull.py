"""Pull a model: from a registry into the store, on one connection, resumable at any byte.

Blocking; the engine runs it in a worker thread. A download that was cut, canceled or killed
goes on where it ended: what came lies beside its blob as ``sha256-...-partial``.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.locks import FileLock
from ollama_lab.engine.names import Name
from ollama_lab.engine.registry import Cancelled, Interrupted, Registry, is_loopback
from ollama_lab.engine.store import digest_hex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ollama_lab.engine.store import Store

    Report = Callable[[dict[str, Any]], None]

__all__ = ["Cancelled", "pull"]

STALL_SECONDS = 30.0
TRIES = 6
# Ollama reports a layer every 60 ms; one that takes less never appears (seen in 0.33).
_REPORT_SECONDS = 0.06
_HASH_BYTES = 1 << 20
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
_LOOK_SECONDS = 0.1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TENSOR = ".tensor"


def pull(
    store: Store,
    name: str,
    report: Report,
    *,
    cancelled: Callable[[], bool],
    insecure: bool = False,
    stall_seconds: float = STALL_SECONDS,
    tries: int = TRIES,
) -> None:
    """Download a model into our own store; calling again after any failure goes on.

    Parameters
    ----------
    store : Store
        Layers that any of its roots has are not downloaded.
    name : str
        As people write it, with a registry in front where it is not Ollama's.
    report : callable
        Gets Ollama's progress objects, from ``pulling manifest`` to ``success``.
    cancelled : callable
        Asked at least ten times a second while bytes are awaited.
    insecure : bool
        Allow http for a registry on another machine. On this machine http is the default.
    stall_seconds : float
        How long a connection may be silent before it is tried again.
    tries : int
        How often in a row a layer may fail without one new byte.

    Raises
    ------
    EngineError
        In Ollama's words where it has some; the disk is full, with figures.
    Cancelled
        `cancelled` said so. What came is kept.
    """
    parsed = Name.parse(name)
    report({"status": "pulling manifest"})
    plain = _is_plain(name, parsed, insecure=insecure)
    try:
        with Registry(
            parsed, is_plain=plain, cancelled=cancelled, stall_seconds=stall_seconds
        ) as registry:
            raw = registry.manifest()
            layers = _layers(raw)
            _check_room(store, layers)
            for layer in layers:
                _Download(store, registry, layer, report=report, tries=tries).run()
        _finish(store, parsed, raw, layers, report)
    except OSError as exc:  # of the disk: those of the network have become words already
        raise EngineError(f"{exc.filename or store.root}: {exc.strerror or exc}") from exc


@dataclass(frozen=True, slots=True)
class _Layer:
    digest: str
    size: int

    def progress(self, completed: int) -> dict[str, Any]:
        line = {"status": f"pulling {self.digest[7:19]}", "digest": self.digest}
        # Ollama leaves zeros out.
        numbers = {"total": self.size, "completed": completed}
        return {**line, **{key: value for key, value in numbers.items() if value}}


class _Download:
    """One layer on its way into the store."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        layer: _Layer,
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
        partial = _partial(target)
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
            raise _no_room(self._store.root, self._missing(partial), exc) from exc
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


def _finish(store: Store, name: Name, raw: bytes, layers: list[_Layer], report: Report) -> None:
    """Put the manifest in place, and remove what only the model's former version needed."""
    report({"status": "verifying sha256 digest"})
    before = store.find(name.full)
    report({"status": "writing manifest"})
    store.write_manifest(name, raw)
    mine = before.blobs if before and before.root == store.root else []
    gone = set(mine) - {layer.digest for layer in layers}
    if gone:
        report({"status": "removing unused layers"})
        store.drop_unused(sorted(gone))
    report({"status": "success"})


def _is_plain(text: str, name: Name, *, insecure: bool) -> bool:
    """Decide on http by the scheme in front of the name, or by the registry's address."""
    scheme = text.strip().lower().partition("://")[0] if "://" in text else ""
    near = is_loopback(name.host)
    if scheme == "http" and not (near or insecure):
        raise EngineError("insecure protocol http")
    if scheme not in ("", "http", "https"):
        raise EngineError("invalid model name", 400)
    return scheme == "http" or (not scheme and near)


def _layers(raw: bytes) -> list[_Layer]:
    """Read a manifest: its layers in order, the config last, each once."""
    try:
        manifest = json.loads(raw)
        entries = [*manifest["layers"], *([manifest["config"]] if manifest.get("config") else [])]
        if any(str(entry.get("mediaType", "")).endswith(_TENSOR) for entry in entries):
            raise EngineError(
                "this model requires MLX support, but the MLX runtime is not available"
            )
        found = [_Layer(str(entry["digest"]), int(entry["size"])) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise EngineError("pull model manifest: the registry's answer is no manifest") from exc
    for layer in found:
        digest_hex(layer.digest)  # refuses what is none, and so what could leave the store
        if layer.size < 0:
            raise EngineError("pull model manifest: the registry's answer is no manifest")
    return list({layer.digest: layer for layer in found}.values())


def _check_room(store: Store, layers: list[_Layer]) -> None:
    missing = [layer for layer in layers if store.blob(layer.digest) is None]
    need = 0
    for layer in missing:
        partial = _partial(store.own_blob(layer.digest))
        need += layer.size - (partial.stat().st_size if partial.exists() else 0)
    if need > _free(store.root):
        raise _no_room(store.root, need, None)


def _no_room(root: Path, need: int, exc: OSError | None) -> EngineError:
    words = os.strerror(exc.errno) if exc and exc.errno else os.strerror(errno.ENOSPC)
    return EngineError(
        f"{words.lower()}: the download needs {_megabytes(need)} more, "
        f"and {root} has {_megabytes(_free(root))} free"
    )


def _free(root: Path) -> int:
    there = next(path for path in (root, *root.parents) if path.exists())
    return shutil.disk_usage(there).free


def _megabytes(size: int) -> str:
    """Write a size as disks are sold, in thousands.

    >>> _megabytes(3_000), _megabytes(45_600_000), _megabytes(7_890_000_000)
    ('0.0 MB', '45.6 MB', '7890.0 MB')
    """
    return f"{size / 1e6:.1f} MB"


def _partial(target: Path) -> Path:
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
