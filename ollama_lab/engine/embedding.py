"""``/api/embed`` and the older ``/api/embeddings``."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import body as bodies
from ollama_lab.engine.asking import CLOUD_DISABLED
from ollama_lab.engine.base import Base
from ollama_lab.engine.card import Card
from ollama_lab.engine.durations import keep_alive
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.options import merge
from ollama_lab.engine.recipe import recipe

if TYPE_CHECKING:
    from ollama_lab.engine.recipe import Recipe
    from ollama_lab.engine.runner import Runner
    from ollama_lab.engine.store import Store

_NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
_TOO_LONG = "the input length exceeds the context length"
_NOT_CUTTABLE = "input exceeds maximum context length and cannot be truncated further"


class Embed(Base):
    """``POST /api/embed``."""

    async def post(self) -> None:
        """Give the vectors of one text or of many; without a text, load or unload."""
        await self.answer(self._respond(time.monotonic_ns()))

    async def _respond(self, started_ns: int) -> None:
        given = bodies.read(self.request.body, "EmbedRequest")
        texts = _texts(given.get("input"))
        keep = keep_alive(given.get("keep_alive"))
        card = _find(self.engine.store, given.get("model", ""))
        answer: dict[str, Any] = {"model": given["model"], "embeddings": []}
        if not texts and keep == 0:
            self.engine.pool.unload(card)
            self.reply(answer)
            return
        chosen = recipe(card, merge(card.parameters, given.get("options", {})), self.engine.limits)
        async with self.engine.pool.use(card, chosen, keep) as runner:
            if not texts:
                self.reply(answer)
                return
            loaded_ns = time.monotonic_ns()
            truncate = given.get("truncate", True)
            vectors, tokens = await embed(runner, chosen, texts, truncate=truncate)
        answer["embeddings"] = [shorten(one, given.get("dimensions", 0)) for one in vectors]
        answer["total_duration"] = time.monotonic_ns() - started_ns
        answer["load_duration"] = loaded_ns - started_ns
        self.reply(answer | {"prompt_eval_count": tokens})


class Embeddings(Base):
    """``POST /api/embeddings``: one text, one vector, nothing else."""

    async def post(self) -> None:
        """Give the vector of a text; without a text, load."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "EmbeddingRequest")
        if not given.get("model"):
            raise EngineError("model is required", 400)
        keep, prompt = keep_alive(given.get("keep_alive")), given.get("prompt", "")
        card = _find(self.engine.store, given["model"])
        chosen = recipe(card, merge(card.parameters, given.get("options", {})), self.engine.limits)
        async with self.engine.pool.use(card, chosen, keep) as runner:
            vectors, _tokens = await embed(runner, chosen, [prompt] if prompt else [])
        self.reply({"embedding": vectors[0] if vectors else []})


def _texts(given: Any) -> list[str]:
    if given is None or given == "":
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise EngineError("invalid input type", 400)
    return texts


def _find(store: Store, name: str) -> Card:
    model = store.find(name) if name else None
    if model is None:
        if not name:
            raise EngineError("model '' not found", 404)
        raise EngineError(f'model "{name}" not found, try pulling it first', 404)
    card = Card(store, model)
    if card.is_remote:
        raise EngineError(CLOUD_DISABLED, 403)
    if not card.is_embedding:
        raise EngineError(_NO_EMBEDDINGS, 501)
    return card


async def embed(
    runner: Runner, chosen: Recipe, texts: list[str], *, truncate: bool = True
) -> tuple[list[list[float]], int]:
    """Return a vector for each text, and the number of tokens read.

    Raises
    ------
    EngineError
        Status 400: a text that is empty, or too long and not to be cut.
    """
    if not texts:
        return [], 0
    limit = min(chosen.window, chosen.num_batch)
    inputs = [await _cut(runner, text, limit, truncate=truncate) for text in texts]
    answer = await runner.call("/v1/embeddings", {"input": inputs})
    entries = sorted(answer["data"], key=lambda entry: entry["index"])
    vectors = [entry["embedding"] for entry in entries]
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        raise EngineError("embedding contains NaN or Inf values", 400)
    return vectors, answer["usage"]["prompt_tokens"]


async def _cut(runner: Runner, text: str, limit: int, *, truncate: bool) -> str | list[int]:
    """Return a text that fits as it is, a longer one as its first tokens."""
    if not text:
        raise EngineError(_NOT_CUTTABLE, 400)
    # A token is a byte at least; two more may be put around the text.
    if len(text.encode("utf-8", "replace")) + 2 <= limit:
        return text
    answer = await runner.call("/tokenize", {"content": text, "add_special": True})
    tokens: list[int] = answer["tokens"]
    if len(tokens) <= limit:
        return text
    if not truncate:
        raise EngineError(_TOO_LONG, 400)
    return tokens[:limit]


def shorten(vector: list[float], dimensions: int) -> list[float]:
    """Keep the first dimensions and bring the length back to 1; 0, or too many, keep all.

    >>> shorten([3.0, 4.0, 5.0], 2)
    [0.6, 0.8]
    """
    if not 0 < dimensions < len(vector):
        return vector
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [number / length for number in kept]
