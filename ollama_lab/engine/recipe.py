"""How a model is loaded: everything that makes a running child fit a request, or not."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import templates
from ollama_lab.engine.durations import FOR_EVER, keep_alive
from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.engine.card import Card

# llama.cpp rounds the window up to this; a smaller one would not hold a template.
_WINDOW_STEP = 256
_SMALLEST_CONTEXT = 4
_EMBEDDING_BATCH = 512, 2048
_SMALLEST_BATCH = 32  # llama.cpp aborts on fewer tokens than slots
# Below this many weights one thread beats two, and four slots cost next to no memory: measured.
_SMALL_MODEL, _SMALL_MODEL_SLOTS = 50_000_000, 4
_FEW_CORES = 4
_MOST_THREADS, _MOST_LAYERS = 256, 10_000
_KEY_AND_VALUE_BYTES = 2 * 2  # two caches of 16-bit numbers


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine the engine may take.

    ``context_tokens`` holds where neither request nor model says ``num_ctx``; ``parallel`` is
    the number of answers a model of 50 million weights or more writes at once.
    """

    parallel: int = 1
    max_loaded: int = 3
    max_queue: int = 512
    keep_alive_seconds: float = 300.0
    context_tokens: int = 4096
    threads: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """Read Ollama's own variables; a value that is no number leaves the default."""

        def number(name: str, default: int) -> int:
            text = environment.get(name, "").strip()
            return int(text) if text.isdigit() and int(text) else default

        usual = cls()
        return cls(
            parallel=number("OLLAMA_NUM_PARALLEL", usual.parallel),
            max_loaded=number("OLLAMA_MAX_LOADED_MODELS", usual.max_loaded),
            max_queue=number("OLLAMA_MAX_QUEUE", usual.max_queue),
            context_tokens=number("OLLAMA_CONTEXT_LENGTH", usual.context_tokens),
            keep_alive_seconds=_keep_alive(
                environment.get("OLLAMA_KEEP_ALIVE", ""), usual.keep_alive_seconds
            ),
        )


def _keep_alive(text: str, default: float) -> float:
    """Read the variable: unlike a request it may be a plain number."""
    try:
        seconds = keep_alive(text or None)
    except EngineError:
        try:
            seconds = float(text)
        except ValueError:
            return default
    if seconds is None:
        return default
    return FOR_EVER if seconds < 0 else seconds


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a child is started with; two requests share a child when their recipes are equal.

    ``num_ctx`` is what was asked for, ``window`` what a slot really has.
    """

    model: str
    num_ctx: int
    window: int
    slots: int
    num_batch: int
    threads: int
    num_gpu: int
    embedding: bool
    chat_template: str
    projector: str
    adapters: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """Return it as the child's line of JSON has it."""
        return asdict(self)


def recipe(card: Card, options: Mapping[str, Any], limits: Limits) -> Recipe:
    """Work out how a model is loaded for a request's options."""
    header = card.header
    trained = int(header.of_architecture("context_length", 1 << 20))
    wanted = int(options.get("num_ctx") or limits.context_tokens)
    num_ctx = min(max(wanted, _SMALLEST_CONTEXT), trained)
    window = -(-num_ctx // _WINDOW_STEP) * _WINDOW_STEP
    is_small = header.parameter_count < _SMALL_MODEL
    slots = max(_SMALL_MODEL_SLOTS, limits.parallel) if is_small else limits.parallel
    least, most = _EMBEDDING_BATCH
    # llama.cpp aborts on numbers that make no sense; Ollama lets it.
    batch = min(max(int(options.get("num_batch") or 512), _SMALLEST_BATCH), trained)
    threads = min(max(int(options.get("num_thread") or 0), 0), _MOST_THREADS)
    return Recipe(
        model=str(card.file),
        num_ctx=num_ctx,
        window=window,
        slots=1 if card.is_embedding else slots,
        num_batch=max(least, min(window, most)) if card.is_embedding else batch,
        threads=threads or (1 if is_small else limits.threads or _default_threads()),
        num_gpu=min(max(int(options.get("num_gpu", -1)), -1), _MOST_LAYERS),
        embedding=card.is_embedding,
        chat_template=templates.substitute(header.chat_template, card.go_template),
        projector=(card.paths("projector") or ("",))[0],
        adapters=card.paths("adapter"),
    )


def _default_threads() -> int:
    # Above four logical processors half of them are taken for hyper-threads.
    cores = os.cpu_count() or 2
    return cores if cores <= _FEW_CORES else cores // 2


def memory_bytes(card: Card, chosen: Recipe) -> int:
    """Estimate what a loaded model takes: its file and the cache of its window."""
    header = card.header

    def length(key: str, default: int) -> int:
        value = header.of_architecture(key, default)
        return int(value) if isinstance(value, int) else default

    heads = length("attention.head_count", 1)
    width = length("embedding_length", 0) * length("attention.head_count_kv", heads) // heads
    cache = length("block_count", 0) * width * _KEY_AND_VALUE_BYTES
    return card.file.stat().st_size + cache * chosen.window * chosen.slots
