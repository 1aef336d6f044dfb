"""A request in the child's terms: llama.cpp's own API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import formats
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.options import sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.engine.asking import Asked
    from ollama_lab.engine.card import Card

CHAT, COMPLETION, FILL_IN = "/v1/chat/completions", "/completion", "/infill"
# llama.cpp's LLGuidance panics on vocabularies of these sizes, and then lets any text through.
_BAD_VOCABULARY, _VOCABULARY_STEP = 31, 32


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the child."""

    path: str
    body: dict[str, Any]


def call(asked: Asked, card: Card, options: Mapping[str, Any], num_ctx: int) -> Call:
    """Build the child's request.

    Raises
    ------
    EngineError
        A ``format`` that is none, or that cannot be kept.
    """
    body = sampling(options, num_ctx)
    if asked.kind == "generate" and (asked.is_raw or asked.suffix):
        return _completion(asked, card, body)
    body["messages"] = [_message(one) for one in messages(asked, card)]
    if kept := formats.response_format(asked.format):
        body["response_format"] = kept
    if asked.tools:
        body["tools"] = asked.tools
    if asked.top_logprobs is not None:
        # With 0 the child would send none at all, not even the chosen token's.
        body |= {"logprobs": True, "top_logprobs": max(1, asked.top_logprobs)}
    return Call(CHAT, body | _thinking(asked.think))


def _completion(asked: Asked, card: Card, body: dict[str, Any]) -> Call:
    if asked.top_logprobs is not None:
        body["n_probs"] = max(1, asked.top_logprobs)
    if kept := formats.response_format(asked.format):
        if card.header.vocabulary_size % _VOCABULARY_STEP == _BAD_VOCABULARY:
            raise EngineError(
                "this model cannot keep a format on a raw prompt. Send the prompt without raw.", 400
            )
        formats.check_types(asked.format)
        body["json_schema"] = kept.get("json_schema", {}).get("schema", {"type": "object"})
    if asked.suffix:
        body |= {"input_prefix": asked.prompt, "input_suffix": asked.suffix, "prompt": ""}
        return Call(FILL_IN, body)
    return Call(COMPLETION, body | {"prompt": asked.prompt})


def messages(asked: Asked, card: Card) -> list[dict[str, Any]]:
    """Return the conversation: the model's SYSTEM and MESSAGE list, then the request's."""
    given = asked.messages
    if asked.kind == "generate":
        system = asked.system or card.system
        start = [{"role": "system", "content": system}] if system else []
        turn = {"role": "user", "content": asked.prompt, "images": asked.images}
        return [*start, *card.messages, turn]
    conversation = [*card.messages, *given]
    if card.system and (not given or str(given[0].get("role", "")).lower() != "system"):
        return [{"role": "system", "content": card.system}, *conversation]
    return conversation


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Turn Ollama's message into OpenAI's."""
    role = str(message.get("role", "")).lower()
    content = message.get("content") or ""
    turned: dict[str, Any] = {"role": role, "content": content}
    if message.get("images"):
        turned["content"] = [
            {"type": "text", "text": content},
            *({"type": "image_url", "image_url": _data_url(one)} for one in message["images"]),
        ]
    if message.get("thinking"):
        turned["reasoning_content"] = message["thinking"]
    if message.get("tool_calls"):
        turned["tool_calls"] = [_tool_call(i, one) for i, one in enumerate(message["tool_calls"])]
    if role == "tool":
        turned["tool_call_id"] = message.get("tool_call_id") or "call_0"
        if message.get("tool_name"):
            turned["name"] = message["tool_name"]
    return turned


def _data_url(image: str) -> dict[str, str]:
    # llama.cpp looks at the bytes, not at the type that is written here.
    return {"url": f"data:image/png;base64,{image}"}


def _tool_call(index: int, given: Mapping[str, Any]) -> dict[str, Any]:
    function = given["function"]
    arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
    return {
        "id": given.get("id") or f"call_{index}",
        "type": "function",
        "function": {"name": function.get("name", ""), "arguments": arguments},
    }


def _thinking(think: bool | str | None) -> dict[str, Any]:  # noqa: FBT001 (think is Ollama's own tri-state, passed on)
    if think is None:
        return {}
    template: dict[str, Any] = {"enable_thinking": bool(think)}
    if isinstance(think, str):
        template["reasoning_effort"] = think
    return {"chat_template_kwargs": template}
