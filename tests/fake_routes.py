"""What the scripted server answers where no script says otherwise, endpoint by endpoint.

Statuses and words are those of recorded answers, see ``wire_cases/``.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from fake_generation import duration, generate
from fake_library import blob, copy, create, delete, pull
from fake_models import full_name
from fake_refusal import Refusal, find
from fake_steps import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_ollama import FakeOllama
    from fake_record import Record
    from fake_steps import Step


def root(ollama: FakeOllama, record: Record) -> list[Step]:
    """Say that the server lives."""
    return [Status(200, "Ollama is running", "text/plain; charset=utf-8")]


def version(ollama: FakeOllama, record: Record) -> list[Step]:
    """Say the version."""
    return [Status(200, {"version": ollama.version})]


def status(ollama: FakeOllama, record: Record) -> list[Step]:
    """Say whether the cloud is switched off; the route came with 0.16.2."""
    if ollama.release < (0, 16, 2):
        return [Status(404, "404 page not found", "text/plain")]
    return [Status(200, {"cloud": {"disabled": True, "source": "env"}})]


def tags(ollama: FakeOllama, record: Record) -> list[Step]:
    """List the models, newest first."""
    models = sorted(ollama.models.values(), key=lambda model: model.modified_at, reverse=True)
    return [Status(200, {"models": [model.in_tags(ollama.release) for model in models]})]


def ps(ollama: FakeOllama, record: Record) -> list[Step]:
    """List the loaded models, longest remaining time first."""
    loaded = [model for model in ollama.models.values() if model.is_loaded]
    loaded.sort(key=lambda model: str(model.loaded_until), reverse=True)
    return [Status(200, {"models": [model.in_ps(ollama.release) for model in loaded]})]


def show(ollama: FakeOllama, record: Record) -> list[Step]:
    """Tell all about a model; the error has the tag here, and only here."""
    try:
        return [Status(200, find(ollama, record).in_show())]
    except Refusal as refusal:
        if refusal.reply.code != 404:
            raise
        raise Refusal(404, f"model '{full_name(record.model)}' not found") from None


def embed(ollama: FakeOllama, record: Record) -> list[Step]:
    """Give one vector for each text, the same for the same text."""
    try:
        model = find(ollama, record)
    except Refusal:
        raise Refusal(404, f'model "{record.model}" not found, try pulling it first') from None
    given = record.body.get("input", record.body.get("prompt")) or []
    texts = [given] if isinstance(given, str) else given
    if texts and not model.can("embedding"):
        raise Refusal(501, "This server does not support embeddings. Start it with `--embeddings`")
    if "" in texts:
        raise Refusal(400, "input exceeds maximum context length and cannot be truncated further")
    size = min(record.body.get("dimensions") or model.embedding_length, model.embedding_length)
    vectors = [vector(text, size) for text in texts]
    model.load(duration(record.body.get("keep_alive")))
    if record.path == "/api/embeddings":
        return [Status(200, {"embedding": vectors[0] if vectors else []})]
    counts = {
        "total_duration": 9_000_000,
        "load_duration": 1_500_000,
        "prompt_eval_count": len(texts),
    }
    reply = {"model": record.model, "embeddings": vectors}
    return [Status(200, {**reply, **counts} if texts else reply)]


def vector(text: str, size: int) -> list[float]:
    """Make a vector of length 1 from a text's hash."""
    noise = hashlib.shake_256(text.encode()).digest(size)
    raw = [byte / 127.5 - 1 for byte in noise]
    norm = sum(value * value for value in raw) ** 0.5 or 1.0
    return [round(value / norm, 8) for value in raw]


class Route(NamedTuple):
    """Who answers a path, and to which methods."""

    methods: tuple[str, ...]
    answer: Callable[[FakeOllama, Record], list[Step]]


ROUTES = {
    "/": Route(("GET", "HEAD"), root),
    "/api/version": Route(("GET", "HEAD"), version),
    "/api/status": Route(("GET",), status),
    "/api/tags": Route(("GET", "HEAD"), tags),
    "/api/ps": Route(("GET",), ps),
    "/api/show": Route(("POST",), show),
    "/api/chat": Route(("POST",), generate),
    "/api/generate": Route(("POST",), generate),
    "/api/embed": Route(("POST",), embed),
    "/api/embeddings": Route(("POST",), embed),
    "/api/pull": Route(("POST",), pull),
    "/api/create": Route(("POST",), create),
    "/api/copy": Route(("POST",), copy),
    "/api/delete": Route(("DELETE",), delete),
    "/api/blobs/": Route(("HEAD", "POST"), blob),
}


def answer(ollama: FakeOllama, record: Record) -> list[Step]:
    """Answer as a real server does: unknown paths and methods, bodies that are no JSON, then the route."""
    path = "/api/blobs/" if record.path.startswith("/api/blobs/") else record.path
    route = ROUTES.get(path)
    if route is None:
        return [Status(404, "404 page not found", "text/plain")]
    if record.method not in route.methods:
        allow = {"Allow": ", ".join(route.methods)}
        return [Status(405, "405 method not allowed", "text/plain", allow)]
    try:
        if record.method in ("POST", "DELETE") and path != "/api/blobs/":
            check_json(record)
        return route.answer(ollama, record)
    except Refusal as refusal:
        return [refusal.reply]


def check_json(record: Record) -> None:
    """Refuse a missing or broken body in Go's words."""
    if not record.raw:
        raise Refusal(400, "missing request body")
    try:
        json.loads(record.raw)
    except ValueError:
        raise Refusal(400, "unexpected EOF") from None
    if not isinstance(record.body.get("messages", []), list | None):
        where = "Go struct field ChatRequest.messages of type []api.Message"
        raise Refusal(400, f"json: cannot unmarshal string into {where}")
