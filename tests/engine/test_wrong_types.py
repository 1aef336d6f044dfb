"""Every field of every request with a value of every type: an answer in words, never a crash."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

VALUES: dict[str, Any] = {
    "null": None,
    "zero": 0,
    "minus-one": -1,
    "float": 1.5,
    "huge": 10**30,
    "true": True,
    "text": "x",
    "empty-text": "",
    "list": [],
    "list-of-numbers": [1],
    "list-of-lists": [[]],
    "list-of-objects": [{}],
    "object": {},
    "object-of-numbers": {"a.gguf": 1},
    "object-of-objects": {"a": {}},
}
SHORT = {"num_predict": 1}
CHAT = {
    "model": "tiny",
    "messages": [{"role": "user", "content": "x"}],
    "stream": False,
    "options": SHORT,
}
GENERATE = {"model": "tiny", "prompt": "x", "stream": False, "options": SHORT}
CREATE = {"model": "typed", "from": "tiny", "stream": False}
GENERAL = ("model", "stream", "keep_alive", "options", "unknown")
FIELDS = {
    "/api/chat": (
        CHAT,
        ("messages", "tools", "think", "format", "truncate", "logprobs", "top_logprobs"),
    ),
    "/api/generate": (
        GENERATE,
        ("prompt", "suffix", "system", "template", "context", "raw", "images", "format"),
    ),
    "/api/embed": ({"model": "tiny-embed", "input": "x"}, ("input", "truncate", "dimensions")),
    "/api/embeddings": ({"model": "tiny-embed", "prompt": "x"}, ("prompt",)),
    "/api/show": ({"model": "tiny"}, ("name", "verbose", "system")),
    "/api/copy": ({"source": "nope", "destination": "x"}, ("source", "destination")),
    "/api/create": (
        CREATE,
        ("from", "files", "adapters", "license", "parameters", "messages", "quantize", "system"),
    ),
}
CASES = [
    pytest.param(path, body, field, id=f"{path.rpartition('/')[2]}-{field}")
    for path, (body, fields) in FIELDS.items()
    for field in (*GENERAL, *fields)
]


@pytest.mark.parametrize(("path", "body", "field"), CASES)
def test_any_value_is_answered_in_words(
    engine: LiveEngine,
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: dict[str, Any],
    field: str,
) -> None:
    caplog.set_level(logging.ERROR)

    answers = {
        name: engine.http.post(path, json={**body, field: value}) for name, value in VALUES.items()
    }

    assert {name: one.text for name, one in answers.items() if is_crash(one.text)} == {}
    assert [record.getMessage() for record in caplog.records] == []


def is_crash(text: str) -> bool:
    return "Internal Server Error" in text or "Traceback" in text


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("field", ["role", "content", "thinking", "images", "tool_calls"])
def test_any_value_in_a_message_is_answered_in_words(
    engine: LiveEngine, field: str, name: str
) -> None:
    message = {"role": "user", "content": "x", field: VALUES[name]}

    answer = engine.http.post("/api/chat", json={**CHAT, "messages": [message]})

    assert not is_crash(answer.text)
