from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ollama_lab.engine import asking, convert
from ollama_lab.engine.card import Card
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.options import merge
from ollama_lab.engine.reply import encode

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4z8AAAAMBAQAY3Y2wAAAAAElFTkSuQmCC"
)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    from gguf_models import shelf

    store = shelf.store(tmp_path, "tiny")
    return Card(store, store.get("tiny"))


def body_of(card: Card, message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    request = {"model": "tiny", "messages": [message], **fields}
    asked = asking.read(encode(request).encode(), "chat")
    return convert.call(asked, card, merge({}, {}), 512).body


def test_an_image_stands_beside_the_text(card: Card) -> None:
    body = body_of(card, {"role": "user", "content": "What is it?", "images": [IMAGE]})

    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
    ]


def test_an_image_for_a_model_that_cannot_see_is_refused_in_words(card: Card) -> None:
    request = {"model": "tiny", "messages": [{"role": "user", "images": [IMAGE]}]}
    asked = asking.read(encode(request).encode(), "chat")

    with pytest.raises(EngineError, match=r'"tiny" cannot see images\. Take a model with'):
        asking.check_capabilities(asked, card)


def test_an_earlier_thought_is_handed_to_the_template(card: Card) -> None:
    body = body_of(card, {"role": "assistant", "content": "4", "thinking": "2+2"})

    assert body["messages"][0]["reasoning_content"] == "2+2"


def test_a_tool_call_of_an_earlier_turn_keeps_its_id(card: Card) -> None:
    call = {"id": "call_7", "function": {"name": "add", "arguments": {"a": "ö"}}}

    body = body_of(card, {"role": "assistant", "tool_calls": [call]})

    turned = body["messages"][0]["tool_calls"][0]
    assert (turned["id"], turned["function"]["arguments"]) == ("call_7", '{"a": "ö"}')


def test_a_level_of_thinking_reaches_the_template(card: Card) -> None:
    body = body_of(card, {"role": "user", "content": "x"}, think="low")

    assert body["chat_template_kwargs"] == {"enable_thinking": True, "reasoning_effort": "low"}


def test_stop_strings_and_seed_are_passed_on(card: Card) -> None:
    request = {"model": "tiny", "messages": [{"role": "user", "content": "x"}]}
    asked = asking.read(encode(request).encode(), "chat")
    options = merge({"stop": ["a"]}, {"seed": 2**32 + 5})

    body = convert.call(asked, card, options, 512).body

    assert (body["stop"], body["seed"]) == (["a"], 5)
