"""The models panel: listing, details, loading, copying, deleting; vectors and counts of tokens."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import FakeModel, Status, Wait
from waiting import DEADLINE_SECONDS

if TYPE_CHECKING:
    from fake_ollama import FakeOllama
    from live_server import Server


def listed(server: Server, name: str) -> dict[str, Any]:
    """Find a model in the list, asked for anew."""
    server.forget_models()
    found: list[dict[str, Any]] = server.get("models")["models"]
    return next(one for one in found if one["name"] == name)


def test_a_model_is_described(server: Server, ollama: FakeOllama) -> None:
    model = listed(server, "tiny-think:latest")

    assert model["capabilities"] == ["completion", "thinking", "tools"]
    assert model["size_bytes"] == 1_321_098_329
    assert model["context_length"] == 8192
    assert model["is_allowed"] is True
    assert model["why_not"] == ""
    assert model["loaded"] is None
    assert model["modified_at"].endswith("Z")


def test_a_model_in_memory_says_where(server: Server, ollama: FakeOllama) -> None:
    ollama.model("tiny").load()

    loaded = listed(server, "tiny:latest")["loaded"]

    assert loaded["where"] == "CPU"
    assert loaded["context_tokens"] == 8192
    assert loaded["expires_at"].endswith("Z")


def test_a_model_that_cannot_be_chosen_says_why(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("far:cloud", remote_host="https://ollama.com"))

    assert listed(server, "tiny-embed:latest")["why_not"] == "It makes embeddings and cannot chat."
    assert "runs elsewhere" in listed(server, "far:cloud")["why_not"]


def test_details_have_the_models_own_parameters(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("own/preset:v1", parameters="temperature 0.3", system="Be kind."))

    model = server.get("models/own%2Fpreset%3Av1")

    assert model["parameters"] == {"temperature": 0.3}
    assert model["system"] == "Be kind."


def test_details_have_the_first_sentence_of_the_license(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("licensed:v1", license="MIT License\n\nCopyright (c) somebody"))

    model = server.get("models/licensed%3Av1")

    assert model["license"] == "MIT License"
    assert model["architecture"] == "llama"
    assert model["template"] == "{{ .Prompt }}"


def test_details_of_an_unknown_model_name_the_nearest(server: Server, ollama: FakeOllama) -> None:
    status, error = server.refusal("GET", "models/tiny-thnk")

    assert status == 404
    assert "tiny-think:latest" in error["hint"]


def test_a_model_is_loaded_as_prompts_want_it(server: Server, ollama: FakeOllama) -> None:
    assert server.post("models/load", {"model": "tiny"}) == {"model": "tiny:latest"}

    assert ollama.model("tiny").is_loaded
    assert ollama.calls("/api/chat")[-1].body["options"]["num_ctx"] == 8192


def test_loads_hold_no_thread_and_end_with_their_clients(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("/api/chat", [Wait()])

    with contextlib.ExitStack() as clients:
        for _ in range(6):  # more than there are threads
            clients.enter_context(server.stream_later("models/load", {"model": "tiny"}))
        ollama.wait_for("/api/chat", count=6)
        assert server.get("health")["state"] == "ready"

    for record in ollama.calls("/api/chat"):
        record.wait_for_hangup(DEADLINE_SECONDS)


def test_a_model_is_unloaded(server: Server, ollama: FakeOllama) -> None:
    ollama.model("tiny").load()

    server.post("models/unload", {"model": "tiny"})

    assert not ollama.model("tiny").is_loaded


def test_a_model_is_copied_and_the_copy_deleted(server: Server, ollama: FakeOllama) -> None:
    server.post("models/copy", {"source": "tiny", "destination": "twin"})
    assert "twin:latest" in {one["name"] for one in server.get("models")["models"]}

    server.post("models/delete", {"model": "twin"})
    assert "twin:latest" not in {one["name"] for one in server.get("models")["models"]}


def test_a_copy_needs_a_name_that_a_model_can_have(server: Server, ollama: FakeOllama) -> None:
    status, error = server.refusal(
        "POST", "models/copy", {"source": "tiny", "destination": "no name"}
    )

    assert status == 400
    assert error["message"] == "'no name' is no model name."


@pytest.mark.parametrize("verb", ["unload", "delete", "load"])
def test_what_is_not_there_cannot_be_changed(server: Server, ollama: FakeOllama, verb: str) -> None:
    status, error = server.refusal("POST", f"models/{verb}", {"model": "nope"})

    assert status == 404
    assert error["kind"] == "ModelNotFound"


def test_a_server_that_fails_is_worded(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/copy", [Status(500, {"error": "boom"})])

    status, error = server.refusal("POST", "models/copy", {"source": "tiny", "destination": "b"})

    assert status == 400
    assert error["message"] == "Ollama refused: boom."


def test_texts_become_vectors(server: Server, ollama: FakeOllama) -> None:
    vectors = server.post("embed", {"model": "tiny-embed", "texts": ["one", "two"]})["embeddings"]

    assert [len(vector) for vector in vectors] == [64, 64]
    assert ollama.calls("/api/embed")[-1].body["truncate"] is False


def test_an_empty_text_has_no_vector(server: Server, ollama: FakeOllama) -> None:
    status, error = server.refusal("POST", "embed", {"model": "tiny-embed", "texts": ["a", ""]})

    assert status == 400
    assert error["message"] == "The text at position 1 is empty."


def test_tokens_are_estimated(server: Server) -> None:
    assert server.post("estimate", {"texts": ["Why is the sky blue?", ""]}) == {"tokens": [5, 0]}
