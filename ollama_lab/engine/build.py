"""A model made from an uploaded GGUF, or from another model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import gguf
from ollama_lab.engine.card import Card
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name
from ollama_lab.engine.store import (
    CONFIG_TYPE,
    LAYER_PREFIX,
    MANIFEST_TYPE,
    digest_hex,
    digest_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ollama_lab.engine.store import Store


@dataclass(frozen=True, slots=True)
class Plan:
    """What a model is to be made of. Empty texts keep what the base model has."""

    name: Name
    base: Card | None = None
    digest: str = ""
    template: str = ""
    system: str = ""
    licenses: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[Any, ...] = ()
    adapters: tuple[str, ...] = ()


def plan(store: Store, given: Mapping[str, Any]) -> Plan:
    """Check the body of a create request.

    Raises
    ------
    EngineError
        Status 400 or 404, in Ollama's words where it has some.
    """
    name = Name.parse(given.get("model") or given.get("name") or "")
    files = given.get("files")
    if files is None and not given.get("from"):
        raise EngineError("neither 'from' or 'files' was specified", 400)
    if given.get("quantize"):
        raise EngineError(
            "the embedded engine does not quantize. Upload a file that is, or use Ollama itself.",
            400,
        )
    base = _base(store, given["from"]) if given.get("from") else None
    return Plan(
        name=name,
        base=base,
        digest="" if base else _only_file(files or {}),
        template=given.get("template", ""),
        system=given.get("system", ""),
        licenses=_licenses(given.get("license")),
        parameters=given.get("parameters", {}),
        messages=tuple(given.get("messages", ())),
        adapters=tuple((given.get("adapters") or {}).values()),
    )


def _licenses(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise EngineError("license must be a text or a list of texts", 400)
    return tuple(text for text in texts if text)


def _base(store: Store, text: str) -> Card:
    model = store.find(text)
    if model is None:
        raise EngineError(f"model '{text}' not found. Pull it first.", 404)
    return Card(store, model)


def _only_file(files: Mapping[str, str]) -> str:
    for path in files:
        pure = PurePath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise EngineError("file path must be relative", 400)
    if not files:
        raise EngineError("unknown type", 400)
    if len(files) > 1 or not next(iter(files)).lower().endswith(".gguf"):
        raise EngineError(
            "the embedded engine makes a model from exactly one .gguf file. "
            "Convert the others with llama.cpp, or use Ollama itself.",
            400,
        )
    return next(iter(files.values()))


def build(store: Store, wanted: Plan, report: Callable[[dict[str, Any]], None]) -> None:
    """Make the model and report each step under Ollama's names.

    Raises
    ------
    EngineError
        The file was never uploaded, is no GGUF, or is broken.
    """

    def say(status: str) -> None:
        report({"status": status})

    base = wanted.base
    layers = _from_base(base) if base else [_from_upload(store, wanted.digest, say)]
    layers += [_known(store, digest, "adapter") for digest in wanted.adapters]
    parts, steps = _texts(store, wanted)
    layers += parts
    for status in [*(f"using existing layer {one['digest']}" for one in layers[:1]), *steps]:
        say(status)
    header = gguf.read(_path(store, layers[0]["digest"]))
    config = _put(store, _encode(_config(header, layers)), CONFIG_TYPE)
    say("writing manifest")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
    store.write_manifest(wanted.name, _encode(manifest))
    say("success")


def _from_base(base: Card) -> list[dict[str, Any]]:
    name = base.model.name.short
    kinds = ("model", "adapter", "projector")
    if not base.model.layers("model"):
        raise EngineError(f"'{name}' has no GGUF file, so nothing can be made from it here.", 400)
    found = [layer for kind in kinds for layer in base.model.layers(kind)]
    # Ollama keeps the parent's name in the layer; it is what show calls parent_model.
    return [{**layer, "from": name} for layer in found]


def _from_upload(store: Store, digest: str, say: Callable[[str], None]) -> dict[str, Any]:
    say("parsing GGUF")
    layer = _known(store, digest, "model")
    gguf.read(_path(store, digest))
    say("verifying conversion")
    return layer


def _texts(store: Store, wanted: Plan) -> tuple[list[dict[str, Any]], list[str]]:
    """Store what is text, in Ollama's order; return the layers and what is said of each."""
    base = wanted.base
    parameters = {**(base.parameters if base else {}), **wanted.parameters}
    messages = list(wanted.messages) or (base.messages if base else [])
    licenses = wanted.licenses or tuple(base.licenses if base else ())
    texts = [
        ("template", (wanted.template or (base.go_template if base else "")).encode()),
        ("system", (wanted.system or (base.system if base else "")).encode()),
        *(("license", text.encode()) for text in licenses),
        ("params", _encode(parameters) if parameters else b""),
        ("messages", _encode(messages) if messages else b""),
    ]
    layers, steps = [], []
    for kind, data in texts:
        if data:
            known = store.blob(digest_of(data)) is not None
            layers.append(_put(store, data, LAYER_PREFIX + kind))
            steps.append(
                f"{'using existing' if known else 'creating new'} layer {layers[-1]['digest']}"
            )
    return layers, steps


def _put(store: Store, data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": store.put(data), "size": len(data)}


def _known(store: Store, digest: str, kind: str) -> dict[str, Any]:
    path = _path(store, digest)
    full = f"sha256:{digest_hex(digest)}"
    return {"mediaType": LAYER_PREFIX + kind, "digest": full, "size": path.stat().st_size}


def _path(store: Store, digest: str) -> Path:
    path = store.blob(digest)
    if path is None:
        raise EngineError(f"blob {digest} was never uploaded. Send it to /api/blobs first.", 400)
    return path


def _config(header: gguf.Header, layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "model_format": "gguf",
        "model_family": header.architecture,
        "model_families": [header.architecture],
        "model_type": gguf.human_count(header.parameter_count),
        "file_type": header.quantization,
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
