"""Routes about the models that are there: tags, ps, show, copy, delete; and who we are."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import body as bodies
from ollama_lab.engine.base import JSON, Base
from ollama_lab.engine.card import Card
from ollama_lab.engine.durations import expiry
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.gguf import LongArray
from ollama_lab.engine.names import Name
from ollama_lab.engine.reply import number

if TYPE_CHECKING:
    from ollama_lab.engine.pool import Loaded
    from ollama_lab.engine.store import Store

#: Ollama's version whose answers these are; "+lab" is a build mark, in semver and in PEP 440.
VERSION = "0.33.0+lab"
_HIDDEN_KEYS = ("general.name", "tokenizer.chat_template")
_PARAMETER_WIDTH = 30


class Root(Base):
    """``GET /``: the line by which people know that an Ollama is there."""

    def get(self) -> None:
        """Say it."""
        self.reply_text("Ollama is running", kind="text/plain; charset=utf-8")

    head = get


class Version(Base):
    """``GET /api/version``."""

    def get(self) -> None:
        """Name the version of the API."""
        self.reply({"version": VERSION})

    head = get


class Status(Base):
    """``GET /api/status``: there is no cloud here."""

    def get(self) -> None:
        """Say so, as an Ollama does whose cloud is switched off."""
        self.reply({"cloud": {"disabled": True, "source": "env"}})


class Push(Base):
    """``POST /api/push``: refused."""

    def post(self) -> None:
        """Name what can do it."""
        error = "the embedded engine does not push models. Push with Ollama itself: ollama push"
        self.reply({"error": error}, 501)


class Tags(Base):
    """``GET /api/tags``."""

    async def get(self) -> None:
        """List the models, newest first."""
        await self.answer(self._respond())

    head = get

    async def _respond(self) -> None:
        # The first look at a store reads the header of every file.
        self.reply({"models": await asyncio.to_thread(tags, self.engine.store)})


class Ps(Base):
    """``GET /api/ps``."""

    def get(self) -> None:
        """List what is in memory, longest remaining time first."""
        self.reply({"models": [_loaded(one) for one in self.engine.pool.loaded]})


class Show(Base):
    """``POST /api/show``."""

    async def post(self) -> None:
        """Tell all about a model."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "ShowRequest")
        text = given.get("model") or given.get("name") or ""
        if not text:
            raise EngineError("model is required", 400)
        name = Name.parse(text)
        if name.is_cloud:
            raise EngineError("ollama cloud is disabled: remote model details are unavailable", 403)
        model = self.engine.store.find(text)
        if model is None:
            raise EngineError(f"model '{name.short}' not found", 404)
        self.reply(await asyncio.to_thread(show, Card(self.engine.store, model)), kind=JSON)


class Copy(Base):
    """``POST /api/copy``."""

    async def post(self) -> None:
        """Give a model a second name."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "CopyRequest")
        source, destination = given.get("source", ""), given.get("destination", "")
        _parse(source, f'source "{source}" is invalid')
        name = _parse(destination, f'destination "{destination}" is invalid')
        model = self.engine.store.find(source)
        if model is None:
            raise EngineError(f'model "{source}" not found', 404)
        self.engine.store.copy(model, name)
        self.reply_empty(200)


class Delete(Base):
    """``DELETE /api/delete``."""

    async def delete(self) -> None:
        """Delete a model; one in memory goes when its running answers have ended."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "DeleteRequest")
        text = given.get("model") or given.get("name") or ""
        _parse(text, f'name "{text}" is invalid')
        store = self.engine.store
        model = store.get(text)
        card = Card(store, model)
        store.refuse_readonly(model)
        if model.layers("model") and store.blob(model.layers("model")[0]["digest"]):
            self.engine.pool.unload(card)
        store.delete(model)
        self.reply_empty(200)


def _parse(text: str, refusal: str) -> Name:
    try:
        return Name.parse(text)
    except EngineError:
        raise EngineError(refusal, 400) from None


def tags(store: Store) -> list[dict[str, Any]]:
    """Return one entry for each model of a store; what cannot be read is left out."""
    entries = []
    for model in store.list():
        card = Card(store, model)
        name = model.name.short
        try:
            has_file = bool(model.layers("model"))
            entry = {
                "name": name,
                "model": name,
                **_remote(card),
                "modified_at": card.modified_at,
                "size": model.size_bytes,
                "digest": model.digest,
                "details": card.details(with_lengths=has_file),
                "capabilities": card.capabilities if has_file else [],
            }
        except (EngineError, OSError):
            continue
        entries.append(entry)
    return entries


def _remote(card: Card) -> dict[str, Any]:
    config = card.config
    return {key: config[key] for key in ("remote_model", "remote_host") if config.get(key)}


def _loaded(one: Loaded) -> dict[str, Any]:
    model = one.card.model
    return {
        "name": model.name.short,
        "model": model.name.short,
        "size": one.size_bytes,
        "digest": model.digest,
        "details": one.details,
        "expires_at": expiry(time.time_ns(), one.seconds_left),
        "size_vram": 0,
        "context_length": one.recipe.num_ctx,
    }


def show(card: Card) -> dict[str, Any]:
    """Return everything ``/api/show`` tells about a model, in Ollama's order."""
    header = card.header
    entry = {
        "license": "\n".join(card.licenses),
        "modelfile": modelfile(card),
        "parameters": "\n".join(
            f"{name:<{_PARAMETER_WIDTH}} {json.dumps(value, ensure_ascii=False)}"
            for name, value in _parameters(card)
        ),
        "template": card.template,
        "system": card.system,
        "details": card.details(),
        "messages": card.messages,
        "model_info": _model_info(card),
        "tensors": [
            {"name": tensor.name, "type": tensor.type, "shape": list(tensor.shape)}
            for tensor in header.tensors
        ],
        "capabilities": card.capabilities,
        "modified_at": card.modified_at,
    }
    return {key: value for key, value in entry.items() if value}


def modelfile(card: Card) -> str:
    """Write the Modelfile that would make this model again."""
    name = card.model.name.short
    lines = [
        '# Modelfile generated by "ollama show"',
        "# To build a new Modelfile based on this, replace FROM with:",
        f"# FROM {name}",
        "",
        f"FROM {card.file}",
        f"TEMPLATE {_quoted(card.go_template or '{{ .Prompt }}')}",
        *([f"SYSTEM {_quoted(card.system)}"] if card.system else []),
        *(f"PARAMETER {name} {_quoted(str(value))}" for name, value in _parameters(card)),
        *(f"LICENSE {_quoted(text)}" for text in card.licenses),
        *(f"MESSAGE {one.get('role')} {_quoted(one.get('content', ''))}" for one in card.messages),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Put a Modelfile's quotes around a text that needs them."""
    if "\n" not in text and text == text.strip() and '"' not in text:
        return text
    return f'"""{text}"""' if '"' in text or "\n" in text else f'"{text}"'


def _parameters(card: Card) -> list[tuple[str, Any]]:
    """Return name and value of each line: a list has one line for each item."""
    return [
        (name, item)
        for name, value in sorted(card.parameters.items())
        for item in (value if isinstance(value, list) else [value])
    ]


def _model_info(card: Card) -> dict[str, Any]:
    header = card.header
    values = {key: _plain(value) for key, value in header.values.items()}
    values["general.parameter_count"] = header.parameter_count
    return {key: values[key] for key in sorted(values) if key not in _HIDDEN_KEYS}


def _plain(value: Any) -> Any:
    if isinstance(value, LongArray):
        return None  # Ollama leaves out arrays of more than five
    return number(value) if isinstance(value, float) else value
