from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

HI = [{"role": "user", "content": "hi"}]
OPTIONS = {"seed": 5, "num_predict": 80}


def test_thinking_is_kept_apart(engine: LiveEngine) -> None:
    answer = engine.client.chat("tiny-think", HI, think=True, options=OPTIONS)

    assert answer.message.thinking
    assert "</think>" not in answer.message.thinking + (answer.message.content or "")


def test_a_model_that_can_think_does_unless_told_otherwise(engine: LiveEngine) -> None:
    answer = engine.client.chat("tiny-think", HI, options=OPTIONS)

    assert answer.message.thinking


def test_thinking_can_be_switched_off(engine: LiveEngine) -> None:
    answer = engine.client.chat("tiny-think", HI, think=False, options=OPTIONS)

    assert not answer.message.thinking
    assert answer.message.content


def test_thinking_streams_before_the_text(engine: LiveEngine) -> None:
    whole = engine.client.chat("tiny-think", HI, think=True, options=OPTIONS)

    lines = list(engine.client.chat("tiny-think", HI, think=True, stream=True, options=OPTIONS))

    kinds = ["thinking" if line.message.thinking else "text" for line in lines]
    assert "".join(line.message.thinking or "" for line in lines) == whole.message.thinking
    assert kinds == sorted(kinds, reverse=True)


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_a_level_is_taken(engine: LiveEngine, level: Any) -> None:
    answer = engine.client.chat("tiny-think", HI, think=level, options=OPTIONS)

    assert answer.message.thinking


def test_generate_keeps_thinking_apart_as_well(engine: LiveEngine) -> None:
    answer = engine.client.generate("tiny-think", "hi", think=True, options=OPTIONS)

    assert answer.thinking
    assert "</think>" not in (answer.response or "")


def test_a_model_that_cannot_think_takes_false(engine: LiveEngine) -> None:
    assert engine.client.chat("tiny", HI, think=False, options={"num_predict": 2}).done
