"""What a model says of itself: header, config, template, system text, capabilities."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import gguf, templates
from ollama_lab.engine.durations import timestamp
from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from ollama_lab.engine.store import Model, Store

_THINKERS = ("gptoss", "gpt-oss")
_FILL_IN_KEYS = ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id")


class Card:
    """One model of a store, opened.

    Reading is put off until something is asked for; headers are kept as long as the file is
    the same.
    """

    def __init__(self, store: Store, model: Model) -> None:
        self.store = store
        self.model = model

    @property
    def file(self) -> Path:
        """The GGUF file.

        Raises
        ------
        EngineError
            The model has none (cloud, safetensors), or its blob is gone.
        """
        layers = self.model.layers("model")
        name = self.model.name.short
        if not layers:
            raise EngineError(
                f"'{name}' has no GGUF file: a cloud or safetensors model needs Ollama itself.", 400
            )
        path = self.store.blob(layers[0]["digest"])
        if path is None:
            raise EngineError(f"a file of '{name}' is missing. Pull the model again.", 500)
        return path

    @property
    def header(self) -> gguf.Header:
        """The GGUF header."""
        status = self.file.stat()
        return _header(self.file, status.st_mtime_ns, status.st_size)

    @property
    def config(self) -> dict[str, Any]:
        """The config blob; empty when there is none."""
        return _object(self._blob_text(self.model.config_layer))

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's own PARAMETER values."""
        return _object(self.text("params"))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The model's own MESSAGE list."""
        try:
            messages = json.loads(self.text("messages") or "[]")
        except ValueError:
            return []
        return messages if isinstance(messages, list) else []

    @property
    def system(self) -> str:
        """The model's own SYSTEM text."""
        return self.text("system")

    @property
    def template(self) -> str:
        """The template people see: the file's Jinja, else the Go layer, else Ollama's default."""
        return self.header.chat_template or self.go_template or templates.NO_TEMPLATE

    @property
    def go_template(self) -> str:
        """The Go TEMPLATE layer, or ``""``."""
        return self.text("template") or self.text("prompt")

    @property
    def licenses(self) -> list[str]:
        """All license texts."""
        return [self._blob_text(layer) for layer in self.model.layers("license")]

    @property
    def is_remote(self) -> bool:
        """Whether the model runs elsewhere: a stub of ollama.com."""
        return self.model.name.is_cloud or bool(self.config.get("remote_host"))

    @property
    def is_embedding(self) -> bool:
        """Whether the model gives vectors instead of text."""
        return self.header.of_architecture("pooling_type") is not None

    @property
    def modified_at(self) -> str:
        """When the manifest was written, as Go writes it."""
        return timestamp(self.model.path.stat().st_mtime_ns)

    @property
    def capabilities(self) -> list[str]:
        """``completion`` or ``embedding``, then what else the model can do; Ollama's rules."""
        header, template = self.header, self.header.chat_template
        if self.is_embedding:
            return ["embedding"]
        thinks = "<think>" in template and "</think>" in template
        found = {
            "vision": bool(self.model.layers("projector")),
            "tools": "tools" in template or "tool_call" in template,
            "thinking": thinks or header.architecture in _THINKERS,
            "insert": any(key in header.values for key in _FILL_IN_KEYS),
        }
        return ["completion", *(name for name, has in found.items() if has)]

    def details(self, *, with_lengths: bool = False) -> dict[str, Any]:
        """Return Ollama's ``details``; ``tags`` has the two lengths as well."""
        config = self.config
        model_layers = self.model.layers("model")
        details = {
            "parent_model": model_layers[0].get("from", "") if model_layers else "",
            "format": config.get("model_format", ""),
            "family": config.get("model_family", ""),
            "families": config.get("model_families"),
            "parameter_size": config.get("model_type", ""),
            "quantization_level": config.get("file_type", ""),
        }
        if with_lengths:
            for key in ("context_length", "embedding_length"):
                if length := self.header.of_architecture(key):
                    details[key] = length
        return details

    def paths(self, kind: str) -> tuple[str, ...]:
        """Return the files of one kind of layer: ``adapter``, ``projector``."""
        found = [self.store.blob(layer["digest"]) for layer in self.model.layers(kind)]
        return tuple(str(path) for path in found if path)

    def text(self, kind: str) -> str:
        """Return the text of the last layer of a kind, or ``""``."""
        layers = self.model.layers(kind)
        return self._blob_text(layers[-1]) if layers else ""

    def _blob_text(self, layer: dict[str, Any]) -> str:
        path = self.store.blob(layer["digest"]) if layer.get("digest") else None
        return path.read_text("utf-8", "replace") if path else ""


@lru_cache(maxsize=256)
def _header(path: Path, _modified_ns: int, _size_bytes: int) -> gguf.Header:
    return gguf.read(path)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}  # a blob that Ollama could not read either: as if it were not there
    return value if isinstance(value, dict) else {}
