"""What ``/api/chat`` and ``/api/generate`` were asked for, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import body as bodies
from ollama_lab.engine.card import Card
from ollama_lab.engine.durations import keep_alive
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.engine.store import Store

_MOST_LOGPROBS = 20
CLOUD_DISABLED = "ollama cloud is disabled: remote model is unavailable"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for an answer. ``messages`` is the chat's; of `generate` they are made later.

    ``think`` is None where the request leaves it to the model; ``keep`` is None where it leaves
    alone what an earlier request set.
    """

    kind: str
    model: str
    keep: float | None
    think: bool | str | None
    format: Any
    options: Mapping[str, Any]
    is_streamed: bool
    truncate: bool
    top_logprobs: int | None
    render_only: bool
    messages: list[dict[str, Any]] = field(default_factory=list)
    tools: list[Any] = field(default_factory=list)
    prompt: str = ""
    suffix: str = ""
    system: str = ""
    images: list[str] = field(default_factory=list)
    is_raw: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer: a request to load, or to unload."""
        if self.kind == "chat":
            return not self.messages
        return not (self.prompt or self.images or self.suffix)

    @property
    def has_images(self) -> bool:
        """Whether an image comes with the request."""
        return bool(self.images) or any(message.get("images") for message in self.messages)


def read(raw: bytes, kind: str) -> Asked:
    """Read the body of a ``chat`` or ``generate`` request.

    Raises
    ------
    EngineError
        Status 400, in Ollama's words.
    """
    given = bodies.read(raw, f"{kind.capitalize()}Request")
    if kind == "chat" and not given.get("model"):
        raise EngineError("model is required", 400)
    top = given.get("top_logprobs", 0)
    if not 0 <= top <= _MOST_LOGPROBS:
        raise EngineError(f"top_logprobs must be between 0 and {_MOST_LOGPROBS}", 400)
    asked = Asked(
        kind=kind,
        model=given.get("model", ""),
        keep=keep_alive(given.get("keep_alive")),
        think=bodies.think(given.get("think")),
        format=given.get("format"),
        options=given.get("options", {}),
        is_streamed=given.get("stream", True),
        truncate=given.get("truncate", True),
        top_logprobs=top if given.get("logprobs") else None,
        render_only=given.get("_debug_render_only", False),
        messages=given.get("messages", []),
        tools=given.get("tools", []) if kind == "chat" else [],
        **_of_generate(given) if kind == "generate" else {},
    )
    if asked.model:
        Name.parse(asked.model)
    return asked


def _of_generate(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("raw") and (given.get("template") or given.get("system") or given.get("context")):
        raise EngineError("raw mode does not support template, system, or context", 400)
    if given.get("template"):
        raise EngineError(
            "the embedded engine runs the model's own template and takes no 'template'. "
            "Send the whole prompt with raw.",
            400,
        )
    if given.get("context"):
        raise EngineError(
            "the embedded engine takes no 'context'. Send the conversation to /api/chat.", 400
        )
    return {
        "prompt": given.get("prompt", ""),
        "suffix": given.get("suffix", ""),
        "system": given.get("system", ""),
        "images": given.get("images", []),
        "is_raw": given.get("raw", False),
    }


def find(store: Store, asked: Asked) -> Card:
    """Open the model of a request.

    Raises
    ------
    EngineError
        404 where the model is unknown, 403 where it would run elsewhere.
    """
    model = store.find(asked.model) if asked.model else None
    if model is None:
        if asked.model and Name.parse(asked.model).is_cloud:
            raise EngineError(CLOUD_DISABLED, 403)
        raise EngineError(f"model '{asked.model}' not found", 404)
    card = Card(store, model)
    if card.is_remote:
        raise EngineError(CLOUD_DISABLED, 403)
    return card


def check_capabilities(asked: Asked, card: Card) -> None:
    """Refuse what the model cannot do, in Ollama's words.

    Raises
    ------
    EngineError
        Status 400.
    """
    can = card.capabilities
    if "completion" not in can:
        raise EngineError(f'"{asked.model}" does not support {asked.kind}', 400)
    if asked.think and "thinking" not in can:
        raise EngineError(f'"{asked.model}" does not support thinking', 400)
    for wanted, capability in ((asked.tools, "tools"), (asked.suffix, "insert")):
        if wanted and capability not in can:
            raise EngineError(f"{card.model.name.full} does not support {capability}", 400)
    if asked.has_images and "vision" not in can:
        raise EngineError(
            f'"{asked.model}" cannot see images. Take a model with the capability vision.', 400
        )
