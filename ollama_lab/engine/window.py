"""A conversation longer than the window: the oldest messages go, as in Ollama."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ollama_lab.engine.convert import Call
    from ollama_lab.engine.runner import Runner

_COUNT = "/v1/chat/completions/input_tokens"
# What a template may add around the messages. A token is a byte at least, so a conversation that
# is shorter than the window by this much needs no counting.
_TEMPLATE_BYTES = 1024


async def fit(runner: Runner, call: Call, window: int) -> Call:
    """Drop the oldest messages until the rest fits; never a system message, never the last.

    Parameters
    ----------
    runner : Runner
        Counts tokens with the model's own template.
    call : Call
        A chat request of the child.
    window : int
        Tokens of a slot; a prompt has to be shorter.
    """
    messages: list[dict[str, Any]] = call.body["messages"]
    if _size(call.body) + _TEMPLATE_BYTES < window:
        return call

    async def fits(dropped: int) -> bool:
        body = call.body | {"messages": _without(messages, dropped)}
        answer = await runner.call(_COUNT, body)
        return int(answer["input_tokens"]) < window

    # The number to drop, by halving: a template run for each message would be quadratic.
    low, high = 0, len(messages) - 1
    while low < high:
        middle = (low + high) // 2
        if await fits(middle):
            high = middle
        else:
            low = middle + 1
    return replace(call, body=call.body | {"messages": _without(messages, low)})


def _without(messages: list[dict[str, Any]], dropped: int) -> list[dict[str, Any]]:
    kept = [one for one in messages[:dropped] if one["role"] == "system"]
    return [*kept, *messages[dropped:]]


def _size(body: dict[str, Any]) -> int:
    parts = (body["messages"], body.get("tools", []))
    return sum(len(str(part).encode("utf-8", "replace")) for part in parts)
