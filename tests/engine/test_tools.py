from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

HI = [{"role": "user", "content": "hi"}]


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
      a: first
      b: second
    """
    return a + b


def test_a_call_of_the_model_has_its_arguments_as_an_object(engine: LiveEngine) -> None:
    answer = engine.client.chat("script", HI, tools=[add])

    calls = answer.message.tool_calls or []
    assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
        ("add", {"a": 1, "b": 2})
    ]
    assert answer.message.content == "Let me add. "


def test_two_calls_come_in_the_models_order(engine: LiveEngine) -> None:
    two = [{"role": "user", "content": "two please"}]

    answer = engine.client.chat("script", two, tools=[add])

    calls = answer.message.tool_calls or []
    assert [call.function.arguments["a"] for call in calls] == [3, 5]


def test_the_round_trip_of_a_tool_ends_in_words(engine: LiveEngine) -> None:
    asked = engine.client.chat("script", HI, tools=[add])
    call = (asked.message.tool_calls or [])[0]
    result = {"role": "tool", "tool_name": "add", "content": str(add(**call.function.arguments))}

    answer = engine.client.chat("script", [*HI, asked.message, result], tools=[add])

    assert answer.message.content == "The sum is 3."


@pytest.mark.parametrize("seed", range(5))  # another one runs into the limit, an error
def test_calls_of_random_weights_fit_their_schema(engine: LiveEngine, seed: int) -> None:
    options = {"seed": seed, "num_predict": 300}

    answer = engine.client.chat("tiny-tools", HI, tools=[add], options=options)

    for call in answer.message.tool_calls or []:
        assert call.function.name == "add"
        assert set(call.function.arguments) == {"a", "b"}


def test_the_ids_of_calls_are_all_different(engine: LiveEngine) -> None:
    tool: dict[str, Any] = {
        "type": "function",
        "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
    }
    body = {
        "model": "script",
        "messages": [{"role": "user", "content": "two please"}],
        "tools": [tool],
        "stream": False,
    }

    calls = engine.http.post("/api/chat", json=body).json()["message"]["tool_calls"]

    assert len({call["id"] for call in calls}) == 2


def test_a_tool_needs_no_type(engine: LiveEngine) -> None:
    tool = {"function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    body = {"model": "script", "messages": HI, "tools": [tool], "stream": False}

    answer = engine.http.post("/api/chat", json=body).json()

    assert answer["message"]["tool_calls"]


@pytest.mark.parametrize("tool", ["x", 1, {}, {"function": "add"}])
def test_what_is_no_tool_is_refused(engine: LiveEngine, tool: Any) -> None:
    body = {"model": "script", "messages": HI, "tools": [tool], "stream": False}

    answer = engine.http.post("/api/chat", json=body)

    assert answer.status_code == 400
    assert "of type api.Tool" in answer.json()["error"]
