"""Pull a model: from a registry into the store, on one connection, resumable at any byte.

Blocking; the engine runs it in a worker thread. A download that was cut, canceled or killed
goes on where it ended: what came lies beside its blob as ``sha256-...-partial``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ollama_lab.engine.download import Download, Layer, free_bytes, no_room, partial_of
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name
from ollama_lab.engine.registry import Cancelled, Registry, is_loopback
from ollama_lab.engine.store import digest_hex

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.engine.download import Report
    from ollama_lab.engine.store import Store

__all__ = ["Cancelled", "pull"]

STALL_SECONDS = 30.0
TRIES = 6
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
                Download(store, registry, layer, report=report, tries=tries).run()
        _finish(store, parsed, raw, layers, report)
    except OSError as exc:  # of the disk: those of the network have become words already
        raise EngineError(f"{exc.filename or store.root}: {exc.strerror or exc}") from exc


def _finish(store: Store, name: Name, raw: bytes, layers: list[Layer], report: Report) -> None:
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


def _layers(raw: bytes) -> list[Layer]:
    """Read a manifest: its layers in order, the config last, each once."""
    try:
        manifest = json.loads(raw)
        entries = [*manifest["layers"], *([manifest["config"]] if manifest.get("config") else [])]
        if any(str(entry.get("mediaType", "")).endswith(_TENSOR) for entry in entries):
            raise EngineError(
                "this model requires MLX support, but the MLX runtime is not available"
            )
        found = [Layer(str(entry["digest"]), int(entry["size"])) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise EngineError("pull model manifest: the registry's answer is no manifest") from exc
    for layer in found:
        digest_hex(layer.digest)  # refuses what is none, and so what could leave the store
        if layer.size < 0:
            raise EngineError("pull model manifest: the registry's answer is no manifest")
    return list({layer.digest: layer for layer in found}.values())


def _check_room(store: Store, layers: list[Layer]) -> None:
    missing = [layer for layer in layers if store.blob(layer.digest) is None]
    need = 0
    for layer in missing:
        partial = partial_of(store.own_blob(layer.digest))
        need += layer.size - (partial.stat().st_size if partial.exists() else 0)
    if need > free_bytes(store.root):
        raise no_room(store.root, need, None)
