"""Our own client against the engine: what the magic stands on."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from ollama_lab import errors, wire
from ollama_lab.client import Client
from ollama_lab.hosts import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
def client(engine: LiveEngine) -> Iterator[Client]:
    with Client(Host(engine.url, "a test")) as connected:
        yield connected


def test_a_chat_ends_with_its_numbers(client: Client) -> None:
    chunks = list(client.chat(wire.chat("tiny", HI, options={"seed": 1, "num_predict": 12})))

    assert "".join(chunk.content for chunk in chunks) == "temstY conname??"
    assert chunks[-1].done
    assert chunks[-1].stats
    assert chunks[-1].stats.answer_tokens == 8


def test_every_trap_of_a_stream_arrives_as_it_was_said(client: Client) -> None:
    chunks = list(client.chat(wire.chat("script", HI)))

    text = "".join(chunk.content for chunk in chunks)
    assert text.startswith('Hello, wörld 👋 <b>&"quotes"</b>  \u0085 \u2028 中文')


def test_models_are_known_with_what_they_can_do(client: Client) -> None:
    listed = {model.name: model for model in client.list()}

    assert "thinking" in (listed["tiny-think:latest"].capabilities or ())
    assert "embedding" in (listed["tiny-embed:latest"].capabilities or ())


def test_the_version_is_one_that_knows_truncate(client: Client) -> None:
    assert client.version().startswith("0.33.0")


def test_a_model_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(errors.ModelNotFound, match="nope"):
        list(client.chat(wire.chat("nope", HI)))


def test_a_prompt_longer_than_the_window_is_said_with_figures(client: Client) -> None:
    long = [{"role": "user", "content": "word " * 900}]

    with pytest.raises(errors.PromptTooLong, match="512"):
        list(client.chat(wire.chat("tiny", long, options={"num_ctx": 512})))


def test_a_killed_child_is_said_and_the_next_answer_comes(
    engine: LiveEngine, client: Client
) -> None:
    call = wire.chat("tiny-endless", HI, options={"num_predict": 400})
    answer = client.chat(call)
    next(answer)
    os.kill(engine.children()["tiny-endless:latest"], signal.SIGKILL)

    with pytest.raises(errors.OllamaLabError):
        list(answer)
    assert next(iter(client.chat(call))).content
