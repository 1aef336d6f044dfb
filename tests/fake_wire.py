"""The words of an Ollama answer, as the scripted server says them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fake_steps import Done, Text, Thinking, ToolCalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def go_time(moment: datetime | None = None) -> str:
    """Write a time as Go does, with nine digits after the second."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "678Z"


def tool_calls_json(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Number the calls and give each an id, as servers since 0.12.10 do."""
    return [
        {
            "id": call.get("id", f"call_{index:08x}"),
            "function": {
                "index": index,
                "name": call["name"],
                "arguments": call.get("arguments", {}),
            },
        }
        for index, call in enumerate(calls)
    ]


def answer_line(path: str, model: str, part: Text | Thinking | ToolCalls) -> dict[str, Any]:
    """One line of a streamed answer."""
    text = part.text if isinstance(part, Text) else ""
    extra: dict[str, Any] = {}
    if isinstance(part, Thinking):
        extra["thinking"] = part.text
    if isinstance(part, ToolCalls):
        extra["tool_calls"] = tool_calls_json(part.calls)
    return {**_body(path, model, text, extra), "done": False}


def last_line(whole: Whole, done: Done) -> dict[str, Any]:
    """The line that ends an answer; it can carry text and tool calls too."""
    extra = {"tool_calls": tool_calls_json(done.tool_calls)} if done.tool_calls else {}
    return _with_counts(_body(whole.path, whole.model, done.text, extra), whole, done)


@dataclass
class Whole:
    """What an answer has said so far: the counts of its last line, or all of it at once."""

    path: str
    model: str
    started_ns: int
    text: str = ""
    thinking: str = ""
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    tokens: int = 0
    first_ns: int = 0
    done: Done | None = None
    prompt_tokens: int = 26

    def add(self, part: Text | Thinking | ToolCalls | Done) -> None:
        """Take one more piece in."""
        self.first_ns = self.first_ns or time.monotonic_ns()
        match part:
            case Text(text):
                self.text += text
            case Thinking(text):
                self.thinking += text
            case ToolCalls(calls):
                self.calls += calls
            case Done():
                self.text += part.text
                self.calls += part.tool_calls
                self.done = part
                return
        self.tokens += 1

    def as_json(self) -> dict[str, Any]:
        """The answer to a request that did not ask for a stream."""
        extra: dict[str, Any] = {"thinking": self.thinking} if self.thinking else {}
        if self.calls:
            extra["tool_calls"] = tool_calls_json(self.calls)
        body = _body(self.path, self.model, self.text, extra)
        return {**body, "done": False} if self.done is None else _with_counts(body, self, self.done)


def _body(path: str, model: str, text: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    head = {"model": model, "created_at": go_time()}
    if path == "/api/generate":
        return {**head, "response": text, **extra}
    return {**head, "message": {"role": "assistant", "content": text, **extra}}


def _with_counts(body: dict[str, Any], whole: Whole, done: Done) -> dict[str, Any]:
    now = time.monotonic_ns()
    context = {"context": [1, 2, 3]} if whole.path == "/api/generate" else {}
    line = {
        **body,
        "done": True,
        "done_reason": done.reason,
        **context,
        "total_duration": now - whole.started_ns,
        "load_duration": 1_500_000,
        "prompt_eval_count": whole.prompt_tokens,
        "prompt_eval_duration": 5_000_000,
        "eval_count": whole.tokens,
        "eval_duration": max(now - whole.first_ns, 1000),
        **done.fields,
    }
    # Go leaves zeros and empty strings out, and so does a script that says None.
    kept = ("done", "message", "response", "model")
    return {key: value for key, value in line.items() if key in kept or value not in (None, 0, "")}
