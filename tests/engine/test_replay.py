"""Recorded requests, sent to the engine on models of the same make: the answers are the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import wire_cases
from answer_differences import Got, differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

BROKEN_GGUF = b"GGUF" + bytes(40)
# Bytes behind the digests of the recordings; those of the uploaded ones were not recorded.
PRESET: dict[str, Any] = {
    "system": "You are a preset.",
    "parameters": {"num_ctx": 512, "stop": ["@@", "##"], "temperature": 0.2},
    "license": "Own test model.",
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi there"},
    ],
}

#: Not sent, each with its reason.
NOT_REPLAYED = {
    "blob-head-missing": "a HEAD has no body here; test_creation has it",
    "blob-upload": "the uploaded bytes are not in the recording; test_creation has it",
    "blob-upload-mismatch": "the same; test_creation has it",
    "chat-cut-by-killed-runner": "needs a kill in the middle; test_processes has it",
    "chat-cut-by-killed-server": "the engine itself is killed; nothing of it is left to test",
    "chat-nonstream-cut-by-killed-server": "the same",
    "chat-nonstream-killed-runner": "needs a kill in the middle; test_processes has it",
    "chat-runner-killed-before-first-token": "needs a kill in the middle; test_processes has it",
    "generate-cut-by-killed-runner": "needs a kill in the middle; test_processes has it",
    "error-queue-full": "needs a full queue; test_pool has it",
    "chat-logprobs-empty-content-chunks": "a Go TEMPLATE model: the engine runs no Go templates",
    "chat-tools-parser-stream": "a Go TEMPLATE model",
    "chat-tools-parser-two-calls": "a Go TEMPLATE model",
    "chat-nonstream-without-done": "a Go TEMPLATE model",
    "chat-stream-without-done": "a Go TEMPLATE model",
    "generate-suffix": "a Go TEMPLATE model; test_generate has a file with fill-in tokens",
    "pull-layers-on-disk": "needs the recordings' own registry; test_pull has pulls",
    "pull-nonstream": "the same",
    "pull-progress": "the same",
    "pull-resumed": "the same",
    "pull-small-layers-without-events": "the same",
    "pull-unknown-model": "the same",
    "pull-no-network-nonstream": "would leave this machine; test_pull has it",
    "pull-no-network-stream": "the same",
    "tags": "other models were there; test_library compares an entry",
    "ps-loaded": "other models were loaded; test_library compares an entry",
    "ps-empty": "on an engine of its own below",
    "tags-empty": "on an engine of its own below",
}

#: Sent, and answered otherwise on purpose, each with its reason.
DIFFERENT = {
    "cors-preflight": "browsers reach the engine through the Jupyter server, never themselves",
    "generate-stream": "no `context`: deprecated, and a list of all tokens in every answer",
    "generate-nonstream": "no `context`",
    "generate-prompt-cut-in-the-middle": "a prompt is refused, not cut in silence",
    "generate-think-tags-inline": "thinking is kept apart in generate as it is in chat",
    "error-image-on-text-model-chat": "refused before the model is loaded, in one plain sentence",
    "error-image-on-text-model-generate": "the same",
    "create-broken-gguf-stream": "the words are ours: no llama-quantize looked at the file",
    "show-chat": "Ollama rewrites an uploaded file: one key more, tensors in another order",
    "show-embed": "the same",
    "show-preset": "the same",
}

EVERY = [name for name in wire_cases.names() if not name.startswith("own-")]
SAME = [name for name in EVERY if name not in NOT_REPLAYED and name not in DIFFERENT]


@pytest.fixture(scope="module")
def replayed(shared_engine: LiveEngine) -> Iterator[LiveEngine]:
    shared_engine.client.create("tiny-preset", from_="tiny", **PRESET)
    yield shared_engine
    for name in ("tiny-preset", "scratch", "scratch2"):
        shared_engine.http.request("DELETE", "/api/delete", json={"model": name})


@pytest.fixture
def scratch4(request: pytest.FixtureRequest, replayed: LiveEngine) -> Iterator[None]:
    """Have the copy that one of the recordings deletes."""
    name = request.node.callspec.params["name"]
    if name == "delete":
        replayed.client.copy("tiny", "scratch4")
    if name.startswith("create-broken"):
        digest = "1eaec241b34a11b918ba1052d1cac8b4997895dd0e2f4dda5e3b2c3933773d6b"
        replayed.http.post(f"/api/blobs/sha256:{digest}", content=BROKEN_GGUF)
    yield
    replayed.http.request("DELETE", "/api/delete", json={"model": "scratch4"})


def replay(engine: LiveEngine, name: str) -> list[str]:
    raw: dict[str, Any] = json.loads((wire_cases.FOLDER / f"{name}.json").read_text("ascii"))
    request = raw["request"]
    body = request["body"]
    content = body.encode() if isinstance(body, str) else None
    answer = engine.http.request(
        request["method"],
        request["path"],
        headers=request["headers"],
        content=content,
        json=body if content is None else None,
    )
    got = Got(answer.status_code, answer.headers, answer.content.decode())
    return differences(raw["response"], got)


@pytest.mark.parametrize("name", SAME)
def test_the_answer_is_as_recorded(replayed: LiveEngine, scratch4: None, name: str) -> None:
    assert replay(replayed, name) == []


@pytest.mark.parametrize("name", sorted(DIFFERENT))
def test_the_answer_still_differs_as_documented(
    replayed: LiveEngine, scratch4: None, name: str
) -> None:
    found = replay(replayed, name)

    print(found)
    assert found


def test_every_exception_is_a_recording() -> None:
    assert {*NOT_REPLAYED, *DIFFERENT} <= set(EVERY)
