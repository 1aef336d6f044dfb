from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import ollama
import pytest
from pydantic import BaseModel

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

HI = [{"role": "user", "content": "hi"}]
SHORT = {"seed": 3, "num_predict": 24}


class Pet(BaseModel):
    name: str
    age: int
    tags: list[str]


def words_of(error: pytest.ExceptionInfo[ollama.ResponseError]) -> str:
    return str(error.value.error)


def test_a_chat_is_answered_with_its_numbers(engine: LiveEngine) -> None:
    answer = engine.client.chat("tiny", HI, options=SHORT)

    assert answer.message.role == "assistant"
    assert answer.message.content
    assert answer.done_reason in ("stop", "length")
    assert answer.prompt_eval_count == 19
    numbers = (answer.total_duration, answer.load_duration, answer.prompt_eval_duration)
    assert all(number and number > 0 for number in (*numbers, answer.eval_duration))


def test_a_stream_adds_up_to_the_same_text(engine: LiveEngine) -> None:
    whole = engine.client.chat("tiny", HI, options=SHORT)

    lines = list(engine.client.chat("tiny", HI, options=SHORT, stream=True))

    assert "".join(line.message.content or "" for line in lines) == whole.message.content
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


def test_the_asynchronous_client_gets_its_streams_side_by_side(engine: LiveEngine) -> None:
    async def talk(client: ollama.AsyncClient, seed: int) -> str:
        stream = await client.chat(
            "tiny", HI, stream=True, options={"seed": seed, "num_predict": 16}
        )
        return "".join([line.message.content or "" async for line in stream])

    async def several() -> list[str]:
        async with ollama.AsyncClient(engine.url) as client:
            return await asyncio.gather(*(talk(client, seed) for seed in range(8)))

    assert all(asyncio.run(several()))


def test_eight_threads_get_their_answers(engine: LiveEngine) -> None:
    def ask(seed: int) -> str:
        with ollama.Client(engine.url) as client:
            answer = client.chat("tiny", HI, options={"seed": seed, "num_predict": 64})
            return answer.message.content or ""

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert all(answers)


def test_a_stop_string_is_left_out(engine: LiveEngine) -> None:
    whole = engine.client.chat("tiny", HI, options=SHORT).message.content or ""
    cut = whole[6:9]

    answer = engine.client.chat("tiny", HI, options={**SHORT, "stop": [cut]})

    assert answer.message.content == whole[: whole.index(cut)]
    assert answer.done_reason == "stop"


@pytest.mark.parametrize("seed", range(5))
def test_a_schema_is_kept_by_random_weights(engine: LiveEngine, seed: int) -> None:
    options = {"seed": seed, "num_predict": 900, "temperature": 0.3, "num_ctx": 1024}

    answer = engine.client.chat("tiny", HI, format=Pet.model_json_schema(), options=options)

    if answer.done_reason == "stop":  # else the limit cut it, which Ollama does as well
        Pet.model_validate_json(answer.message.content or "")


def test_the_fields_of_a_schema_keep_their_order(engine: LiveEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"why": {"enum": ["b"]}, "answer": {"enum": ["a"]}},
        "required": ["why", "answer"],
    }

    answer = engine.client.chat("tiny", HI, format=schema, options={"num_predict": 200})

    assert list(json.loads(answer.message.content or "")) == ["why", "answer"]


def test_a_schema_no_text_fits_is_refused_before_it_takes_all_memory(engine: LiveEngine) -> None:
    schema = {"type": "string", "minLength": 9, "maxLength": 2}

    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.chat("tiny", HI, format=schema)

    assert caught.value.status_code == 400
    assert "minLength 9 above maxLength 2" in words_of(caught)


def test_the_models_own_system_text_is_used_unless_the_chat_has_one(engine: LiveEngine) -> None:
    engine.client.create("chat-system", from_="tiny", system="You are tiny.")

    own = render(engine, "chat-system", HI)
    given = render(engine, "chat-system", [{"role": "system", "content": "Be brief."}, *HI])

    assert "You are tiny." in own
    assert "You are tiny." not in given
    assert "Be brief." in given


def test_the_models_own_messages_stand_before_the_chat(engine: LiveEngine) -> None:
    shown = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]
    engine.client.create("chat-messages", from_="tiny", messages=shown)

    rendered = render(engine, "chat-messages", HI)

    assert rendered.index("2+2") < rendered.index("hi<|im_end|>")


def render(engine: LiveEngine, model: str, messages: list[dict[str, Any]]) -> str:
    body = {"model": model, "messages": messages, "_debug_render_only": True}
    answer = engine.http.post("/api/chat", json=body).json()
    return str(answer["_debug_info"]["rendered_template"])


def test_a_role_is_taken_in_any_case(engine: LiveEngine) -> None:
    rendered = render(engine, "tiny", [{"role": "USER", "content": "hi"}])

    assert "<|im_start|>user\nhi" in rendered


def test_a_two_megabyte_prompt_is_refused_in_figures(engine: LiveEngine) -> None:
    message = {"role": "user", "content": "word " * 400_000}

    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.chat("tiny", [message])

    inner = json.loads(words_of(caught))["error"]
    assert inner["type"] == "exceed_context_size_error"
    assert inner["n_prompt_tokens"] > 400_000


@pytest.mark.parametrize("value", [-1, 21])
def test_top_logprobs_goes_from_0_to_20(engine: LiveEngine, value: int) -> None:
    answer = engine.http.post("/api/chat", json={"model": "tiny", "top_logprobs": value})

    assert answer.json() == {"error": "top_logprobs must be between 0 and 20"}


def test_an_embedding_model_is_not_loaded_for_a_chat(engine: LiveEngine) -> None:
    answer = engine.http.post("/api/chat", json={"model": "tiny-embed", "messages": []})

    assert answer.json() == {"error": '"tiny-embed" does not support chat'}
    assert "tiny-embed:latest" not in engine.children()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"num_batch": -7}, id="negative-batch"),
        pytest.param({"num_batch": 10**12}, id="huge-batch"),
        pytest.param({"num_thread": -3}, id="negative-threads"),
        pytest.param({"num_gpu": 10**12}, id="huge-gpu"),
        pytest.param({"num_ctx": -1}, id="negative-window"),
        pytest.param({"repeat_last_n": -1}, id="whole-window"),
        pytest.param({"top_k": -1, "temperature": -5, "num_keep": -1}, id="odd-sampling"),
        pytest.param({"seed": -(10**12)}, id="huge-seed"),
    ],
)
def test_a_number_out_of_range_does_not_stop_an_answer(
    engine: LiveEngine, options: dict[str, int]
) -> None:
    answer = engine.client.chat("tiny", HI, options={"num_predict": 2, **options})

    assert answer.done
