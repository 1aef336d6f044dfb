"""What the scripted server does with models: pull, create, copy, delete, blobs."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from fake_models import FakeModel, full_name
from fake_refusal import Refusal, find
from fake_steps import ErrorLine, Send, Status

if TYPE_CHECKING:
    from fake_ollama import FakeOllama
    from fake_record import Record
    from fake_steps import Step

GIVEN_LAYER = "a6593e21588535d58c5204a3fd499b7d8ae845c34f7d66b705e9d3d051065aa7"


def copy(ollama: FakeOllama, record: Record) -> list[Step]:
    """Give a model a second name."""
    source, destination = (str(record.body.get(key, "")) for key in ("source", "destination"))
    model = ollama.models.get(full_name(source))
    if model is None:
        raise Refusal(404, f'model "{source}" not found')
    ollama.add(
        FakeModel(destination, model.capabilities, model.context_length, digest=model.digest)
    )
    return [Status(200)]


def delete(ollama: FakeOllama, record: Record) -> list[Step]:
    """Remove a model."""
    find(ollama, record)
    del ollama.models[full_name(record.model)]
    return [Status(200)]


def pull(ollama: FakeOllama, record: Record) -> list[Step]:
    """Download a model the registry knows; errors come behind the first line, with status 200."""
    if not record.model:
        raise Refusal(400, "invalid model name")
    known = ollama.registry.get(full_name(record.model))
    error = "pull model manifest: file does not exist"
    if record.body.get("stream") is False:
        if known is None:
            raise Refusal(500, error)
        ollama.add(known)
        return [Status(200, {"status": "success"}, "application/json")]
    if known is None:
        return [Send({"status": "pulling manifest"}), ErrorLine(error)]
    ollama.add(known)
    return [Send(event) for event in pull_events()]


def pull_events(layer: str = GIVEN_LAYER, total: int = 114_878_496) -> list[dict[str, Any]]:
    """Report as Ollama does: nothing completed at first, and the last event of a layer below its total."""
    head = {"status": f"pulling {layer[:12]}", "digest": f"sha256:{layer}", "total": total}
    steps = [head, *({**head, "completed": total * tenth // 10} for tenth in (1, 4, 7, 9))]
    ends = ("verifying sha256 digest", "writing manifest", "success")
    return [{"status": "pulling manifest"}, *steps, *({"status": word} for word in ends)]


def create(ollama: FakeOllama, record: Record) -> list[Step]:
    """Make a model from another one or from uploaded files."""
    body = record.body
    source = ollama.models.get(full_name(str(body.get("from", ""))))
    if not body.get("from") and not body.get("files"):
        raise Refusal(400, "neither 'from' or 'files' was specified")
    if body.get("from") and source is None:
        return [
            Send({"status": "pulling manifest"}),
            ErrorLine("pull model manifest: file does not exist"),
        ]
    missing = [d for d in (body.get("files") or {}).values() if d not in ollama.blobs]
    if missing:
        return [Send({"status": "parsing GGUF"}), ErrorLine("invalid digest format")]
    new = FakeModel(record.model, source.capabilities if source else ["completion"])
    new.system = str(body.get("system", ""))
    new.parameters = "\n".join(
        f"{key:30} {value}" for key, value in (body.get("parameters") or {}).items()
    )
    ollama.add(new)
    layer = f"using existing layer sha256:{GIVEN_LAYER}"
    return [Send({"status": word}) for word in (layer, "writing manifest", "success")]


def blob(ollama: FakeOllama, record: Record) -> list[Step]:
    """Ask for, or upload, the bytes of a layer."""
    digest = record.path.rpartition("/")[2].replace("sha256-", "sha256:")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise Refusal(400, "invalid digest format")
    if record.method == "HEAD":
        return [Status(200 if digest in ollama.blobs else 404)]
    if digest in ollama.blobs:
        return [Status(200)]
    got = f"sha256:{hashlib.sha256(record.raw).hexdigest()}"
    if got != digest:
        raise Refusal(400, f'digest mismatch, expected "{digest}", got "{got}"')
    ollama.blobs[digest] = record.raw
    return [Status(201)]
