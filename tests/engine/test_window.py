from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

SYSTEM = {"role": "system", "content": "Be brief."}


def conversation(turns: int) -> list[dict[str, Any]]:
    return [
        {"role": ("user", "assistant")[i % 2], "content": f"line {i} " + "word " * 20}
        for i in range(turns)
    ]


def render(engine: LiveEngine, messages: list[dict[str, Any]], **fields: Any) -> str:
    body = {"model": "tiny", "messages": messages, "_debug_render_only": True, **fields}
    return str(engine.http.post("/api/chat", json=body).json()["_debug_info"]["rendered_template"])


def count(engine: LiveEngine, messages: list[dict[str, Any]], **fields: Any) -> int:
    options = {"num_predict": 1, **fields.pop("options", {})}
    body = {"model": "tiny", "messages": messages, "stream": False, "options": options, **fields}
    return int(engine.http.post("/api/chat", json=body).json()["prompt_eval_count"])


def test_a_conversation_that_fits_is_left_alone(engine: LiveEngine) -> None:
    assert "line 0 " in render(engine, conversation(3))


def test_the_oldest_messages_go(engine: LiveEngine) -> None:
    rendered = render(engine, conversation(21))

    kept = [i for i in range(21) if f"line {i} " in rendered]
    assert kept == list(range(kept[0], 21))
    assert 0 < kept[0] < 20


def test_no_more_go_than_have_to(engine: LiveEngine) -> None:
    messages = conversation(21)
    first = next(i for i in range(21) if f"line {i} " in render(engine, messages))

    with_one_more = render(engine, messages[first - 1 :], options={"num_ctx": 1024})

    used = count(engine, messages)
    assert used < 512
    assert f"line {first - 1} " in with_one_more
    assert count(engine, messages[first - 1 :], options={"num_ctx": 1024}) >= 512


def test_a_system_message_stays(engine: LiveEngine) -> None:
    rendered = render(engine, [SYSTEM, *conversation(41)])

    assert "Be brief." in rendered
    assert "line 0 " not in rendered


def test_the_last_message_stays_and_is_refused_when_it_is_too_long(engine: LiveEngine) -> None:
    last = {"role": "user", "content": "word " * 900}
    body = {"model": "tiny", "messages": [*conversation(3), last], "stream": False}

    answer = engine.http.post("/api/chat", json=body)

    assert answer.status_code == 400
    assert "exceed_context_size_error" in answer.json()["error"]


def test_truncate_false_drops_nothing(engine: LiveEngine) -> None:
    body = {"model": "tiny", "messages": conversation(21), "truncate": False, "stream": False}

    answer = engine.http.post("/api/chat", json=body)

    assert answer.status_code == 400
    assert "request (" in answer.json()["error"]


@pytest.mark.parametrize(("words", "status"), [(98, 200), (99, 400)])
def test_a_prompt_has_to_be_shorter_than_the_window(
    engine: LiveEngine, words: int, status: int
) -> None:
    # "word " is five tokens of this model; 17 come from the template.
    content = "word " * words + "w" * (511 - 17 - 5 * 98)
    body = {"model": "tiny", "messages": [{"role": "user", "content": content}], "stream": False}

    answer = engine.http.post("/api/chat", json={**body, "options": {"num_predict": 1}})

    assert answer.status_code == status


def test_an_answer_ends_where_the_window_does(engine: LiveEngine) -> None:
    answer = engine.client.generate("tiny-endless", "hi", options={"num_predict": 2000})

    assert answer.done_reason == "length"
    assert (answer.prompt_eval_count or 0) + (answer.eval_count or 0) <= 513
