from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ollama
import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine


def test_many_texts_come_back_in_their_order(engine: LiveEngine) -> None:
    answer = engine.client.embed("tiny-embed", ["a cat", "a dog", "a cat"])

    assert answer.embeddings[0] == answer.embeddings[2] != answer.embeddings[1]
    assert answer.prompt_eval_count == 13


def test_a_vector_has_length_one(engine: LiveEngine) -> None:
    vector = engine.client.embed("tiny-embed", "a cat").embeddings[0]

    assert len(vector) == 64
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)


def test_fewer_dimensions_have_length_one_again(engine: LiveEngine) -> None:
    vector = engine.client.embed("tiny-embed", "x", dimensions=16).embeddings[0]

    assert len(vector) == 16
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)


def test_a_long_text_is_cut_to_the_window(engine: LiveEngine) -> None:
    answer = engine.client.embed("tiny-embed", "word " * 900)

    assert answer.prompt_eval_count == 512


@pytest.mark.parametrize("given", [{}, {"input": ""}, {"input": []}, {"input": None}])
def test_no_text_loads_the_model(engine: LiveEngine, given: dict[str, Any]) -> None:
    engine.unload_all()

    answer = engine.http.post("/api/embed", json={"model": "tiny-embed", **given})

    assert answer.json() == {"model": "tiny-embed", "embeddings": []}
    assert "tiny-embed:latest" in engine.children()


def test_no_text_and_keep_alive_0_unload_it(engine: LiveEngine) -> None:
    engine.client.embed("tiny-embed", "a")

    engine.client.embed("tiny-embed", [], keep_alive=0)

    assert "tiny-embed:latest" not in engine.children()


@pytest.mark.parametrize("given", [5, [1], {"a": 1}])
def test_what_is_no_text_is_refused(engine: LiveEngine, given: Any) -> None:
    answer = engine.http.post("/api/embed", json={"model": "tiny-embed", "input": given})

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid input type"})


def test_the_older_endpoint_gives_one_vector(engine: LiveEngine) -> None:
    answer = engine.client.embeddings("tiny-embed", "x")

    assert len(answer.embedding) == 64


def test_the_older_endpoint_loads_without_a_text(engine: LiveEngine) -> None:
    answer = engine.http.post("/api/embeddings", json={"model": "tiny-embed", "prompt": ""})

    assert answer.json() == {"embedding": []}


def test_a_chat_model_gives_no_vectors(engine: LiveEngine) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.embed("tiny", "x")

    assert caught.value.status_code == 501


def test_a_text_of_half_a_character_is_embedded(engine: LiveEngine) -> None:
    body = b'{"model": "tiny-embed", "input": "\\ud800"}'

    assert engine.http.post("/api/embed", content=body).status_code == 200
