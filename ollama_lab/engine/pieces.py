"""The child's events as pieces of an answer, and the answer they add up to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.reply import number

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event says; ``reason`` is set by the last one alone."""

    content: str = ""
    thinking: str = ""
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""
    timings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_shown(self) -> bool:
        """Whether a stream has a line for it."""
        return bool(self.content or self.thinking or self.logprobs)


def piece(event: Mapping[str, Any], top_logprobs: int | None) -> Piece:
    """Read one event of ``/v1/chat/completions``, ``/completion`` or ``/infill``."""
    if "choices" in event:
        return _chat_piece(event, top_logprobs)
    probabilities = event.get("completion_probabilities") or []
    stopped = "length" if event.get("stop_type") == "limit" else "stop"
    return Piece(
        content=event.get("content", ""),
        logprobs=_logprobs(probabilities, top_logprobs),
        reason=stopped if event.get("stop") else "",
        timings=event.get("timings") or {},
    )


def _chat_piece(event: Mapping[str, Any], top_logprobs: int | None) -> Piece:
    choice = event["choices"][0] if event["choices"] else {}
    delta = choice.get("delta") or {}
    reason = choice.get("finish_reason") or ""
    return Piece(
        content=delta.get("content") or "",
        thinking=delta.get("reasoning_content") or "",
        logprobs=_logprobs((choice.get("logprobs") or {}).get("content") or [], top_logprobs),
        calls=delta.get("tool_calls") or [],
        reason=reason if reason in ("", "length") else "stop",
        timings=event.get("timings") or {},
    )


def _logprobs(given: list[dict[str, Any]], top_logprobs: int | None) -> list[dict[str, Any]]:
    if top_logprobs is None:
        return []
    entries = []
    for one in given:
        entry = _logprob(one)
        if top_logprobs:
            entry["top_logprobs"] = [_logprob(other) for other in one.get("top_logprobs", [])]
        entries.append(entry)
    return entries


def _logprob(given: Mapping[str, Any]) -> dict[str, Any]:
    token = given.get("token", "")
    # The bytes of the text, as in Ollama: of half a character they are those of U+FFFD.
    return {
        "token": token,
        "logprob": number(float(given.get("logprob", 0))),
        "bytes": list(token.encode("utf-8", "replace")),
    }


class Answer:
    """An answer as it grows."""

    def __init__(self) -> None:
        self.content: list[str] = []
        self.thinking: list[str] = []
        self.logprobs: list[dict[str, Any]] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._last = Piece()

    def add(self, one: Piece) -> None:
        """Add a piece."""
        self.content.append(one.content)
        self.thinking.append(one.thinking)
        self.logprobs += one.logprobs
        for call in one.calls:
            known = self._calls.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
            function = call.get("function") or {}
            known["id"] += call.get("id") or ""
            known["name"] += function.get("name") or ""
            known["arguments"] += function.get("arguments") or ""
        if one.reason:
            self._last = one

    @property
    def is_whole(self) -> bool:
        """Whether the last event came."""
        return bool(self._last.reason)

    @property
    def reason(self) -> str:
        """Ollama's ``done_reason``."""
        return self._last.reason

    def tool_calls(self) -> list[dict[str, Any]]:
        """Return the model's calls, in its order.

        Raises
        ------
        EngineError
            A call was cut off by the token limit: status 500, Ollama's words.
        """
        return [
            {
                "id": call["id"],
                "function": {
                    "index": index,
                    "name": call["name"],
                    "arguments": _arguments(call["name"], call["arguments"]),
                },
            }
            for index, call in sorted(self._calls.items())
        ]

    def counts(self) -> dict[str, int]:
        """Return tokens and nanoseconds of prompt and answer, under Ollama's names."""
        timings = self._last.timings
        return {
            # With what came from the cache, as Ollama counts.
            "prompt_eval_count": timings.get("cache_n", 0) + timings.get("prompt_n", 0),
            "prompt_eval_duration": _ns(timings.get("prompt_ms", 0)),
            "eval_count": timings.get("predicted_n", 0),
            "eval_duration": _ns(timings.get("predicted_ms", 0)),
        }


def _arguments(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise EngineError(
            f'llama-server returned invalid tool call arguments for "{name}": '
            "unexpected end of JSON input"
        ) from None


def _ns(milliseconds: float) -> int:
    return int(milliseconds * 1e6)
