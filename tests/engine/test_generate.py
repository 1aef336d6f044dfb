from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ollama
import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

SHORT = {"seed": 1, "num_predict": 32}


def test_the_same_seed_gives_the_same_text(engine: LiveEngine) -> None:
    first = engine.client.generate("tiny", "hello", options=SHORT)
    second = engine.client.generate("tiny", "hello", options=SHORT)

    assert first.response == second.response


def test_another_seed_gives_another_text(engine: LiveEngine) -> None:
    first = engine.client.generate("tiny", "hello", options=SHORT)
    second = engine.client.generate("tiny", "hello", options={**SHORT, "seed": 2})

    assert first.response != second.response


def test_num_predict_ends_the_answer(engine: LiveEngine) -> None:
    answer = engine.client.generate("tiny-endless", "hello", options={"num_predict": 5})

    assert (answer.eval_count, answer.done_reason) == (5, "length")


def test_raw_leaves_the_template_out(engine: LiveEngine) -> None:
    templated = engine.client.generate("tiny", "hello", options=SHORT)
    raw = engine.client.generate("tiny", "hello", raw=True, options=SHORT)

    assert (raw.prompt_eval_count or 0) < (templated.prompt_eval_count or 0)


def test_raw_keeps_a_format(engine: LiveEngine) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}

    answer = engine.client.generate(
        "tiny",
        "x",
        raw=True,
        format=schema,
        options={"num_predict": 900, "num_ctx": 1024, "seed": 1},
    )

    assert json.loads(answer.response or "") == {"a": 1}


def test_raw_refuses_a_type_that_does_not_exist(engine: LiveEngine) -> None:
    with pytest.raises(ollama.ResponseError, match="at #: unrecognized type nope"):
        engine.client.generate("tiny", "x", raw=True, format={"type": "nope"})


def test_a_stream_of_raw_text_adds_up(engine: LiveEngine) -> None:
    whole = engine.client.generate("tiny", "hello", raw=True, options=SHORT)

    lines = list(engine.client.generate("tiny", "hello", raw=True, options=SHORT, stream=True))

    assert "".join(line.response or "" for line in lines) == whole.response
    assert lines[-1].done


@pytest.mark.parametrize("raw", [pytest.param({"raw": True}, id="raw"), pytest.param({}, id="")])
def test_logprobs_come_with_as_many_others_as_asked(
    engine: LiveEngine, raw: dict[str, Any]
) -> None:
    answer = engine.client.generate(
        "tiny", "hello", logprobs=True, top_logprobs=2, options={"num_predict": 4}, **raw
    )

    assert answer.logprobs
    assert [len(one.top_logprobs or []) for one in answer.logprobs] == [2] * len(answer.logprobs)


def test_a_system_text_comes_before_the_prompt(engine: LiveEngine) -> None:
    body = {"model": "tiny", "prompt": "hi", "system": "Be brief.", "_debug_render_only": True}

    answer = engine.http.post("/api/generate", json=body).json()

    assert answer["_debug_info"]["rendered_template"].startswith("<|im_start|>system\nBe brief.")


def test_a_suffix_is_filled_in_by_a_model_that_has_the_tokens(engine: LiveEngine) -> None:
    answer = engine.client.generate(
        "tiny-fill", "def f(", suffix="return 1", options={"num_predict": 6}
    )

    assert answer.response
    assert answer.done


def test_a_prompt_longer_than_the_window_is_refused_in_figures(engine: LiveEngine) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.generate("tiny", "word " * 900)

    inner = json.loads(caught.value.error)["error"]
    assert caught.value.status_code == 400
    assert (inner["type"], inner["n_ctx"]) == ("exceed_context_size_error", 512)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        pytest.param({"template": "x"}, "Send the whole prompt with raw.", id="template"),
        pytest.param({"context": [1]}, "Send the conversation to /api/chat.", id="context"),
        pytest.param(
            {"raw": True, "system": "x"},
            "raw mode does not support template, system, or context",
            id="raw-system",
        ),
    ],
)
def test_what_the_engine_does_not_take_is_refused_in_words(
    engine: LiveEngine, field: dict[str, Any], words: str
) -> None:
    answer = engine.http.post("/api/generate", json={"model": "tiny", "prompt": "x", **field})

    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_no_model_is_a_model_that_is_not_there(engine: LiveEngine) -> None:
    answer = engine.http.post("/api/generate", json={"prompt": "x"})

    assert (answer.status_code, answer.json()) == (404, {"error": "model '' not found"})


def test_an_empty_prompt_loads(engine: LiveEngine) -> None:
    engine.unload_all()

    answer = engine.client.generate("tiny", "")

    assert (answer.response, answer.done_reason) == ("", "load")
    assert "tiny:latest" in engine.children()
