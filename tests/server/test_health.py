"""What a first page needs to know: which server, why, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import live_server
import pytest
from fake_models import FakeModel
from fake_ollama import FakeOllama, Status, Wait

if TYPE_CHECKING:
    from pathlib import Path

    from live_server import Server


def test_a_server_with_a_model_is_ready(server: Server, ollama: FakeOllama) -> None:
    health = server.get("health")

    assert health["state"] == "ready"
    assert (health["host"], health["why"]) == (ollama.url, "OLLAMA_HOST")
    assert health["version"] == ollama.version
    assert health["model"] == {"name": "tiny:latest", "why": "the newest here"}
    assert health["error"] is None
    assert health["data_file"] == str(server.home / "data" / "ollama_lab" / "chats.sqlite")
    assert health["settings"] == {
        "context_tokens": 8192,
        "show_thinking": True,
        "system": "",
        "options": {},
    }


def state(server: Server) -> str:
    return str(server.get("health")["state"])


def test_a_server_without_a_model_says_what_to_do(server: Server, ollama: FakeOllama) -> None:
    ollama.models = {}
    server.forget_models()

    assert state(server) == "no_model"
    assert "Pull one with" in server.get("health")["error"]["hint"]


def test_a_server_with_only_the_demo_model_says_so(server: Server, ollama: FakeOllama) -> None:
    ollama.models = {"demo:latest": FakeModel("demo")}

    server.forget_models()

    assert state(server) == "only_demo"


def test_a_server_that_goes_and_comes_back_is_noticed(tmp_path: Path) -> None:
    ollama = FakeOllama()
    with ollama, live_server.running(tmp_path, ollama.url) as server:
        assert state(server) == "ready"
        ollama.stop()
        health = server.get("health")
        status, error = server.refusal("POST", "chat", {"parent_id": None, "text": "Hi"})
        ollama.start()

        assert state(server) == "ready"
        assert server.chat()[-1]["type"] == "done"

    assert health["state"] == "no_server"
    assert health["host"] == ollama.url
    assert health["error"]["message"] == f"Nothing answers at {ollama.url}."
    assert (status, error["kind"]) == (502, "Unreachable")


def test_a_host_that_wants_a_key_is_no_login_of_jupyters(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("/api/show", [Status(401, {"error": "who are you"})])
    ollama.add(FakeModel("locked"))

    status, error = server.refusal("GET", "models/locked")

    assert (status, error["kind"]) == (502, "Unauthorized")


def test_a_server_that_says_nothing_holds_up_no_chats(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/tags", [Wait()])

    with (
        server.stream_later("embed", {"model": "slow-one", "texts": ["a"]}),
        server.stream_later("embed", {"model": "slow-two", "texts": ["a"]}),
    ):
        assert server.call("GET", "/api/status").status == 200
        assert "total" in server.get("conversations")


def test_a_setting_that_is_wrong_is_told_by_every_call(ollama: FakeOllama, tmp_path: Path) -> None:
    wrong = {"OLLAMA_LAB_CONTEXT_TOKENS": "many"}
    with live_server.running(tmp_path, ollama.url, env=wrong) as server:
        status, error = server.refusal("GET", "health")

    assert status == 400
    assert "context_tokens is 'many'; it takes a whole number" in error["message"]


@pytest.mark.engine
def test_where_no_ollama_is_the_embedded_engine_answers(tmp_path: Path) -> None:
    alone = {"OLLAMA_LAB_ALLOW_PROBE": "False", "OLLAMA_LAB_ENGINE_LINGER_SECONDS": "0"}
    with live_server.Server(tmp_path, env=alone) as server:
        health = server.get("health")
        lines = server.chat("What is a kernel?", options={"temperature": 0})

    assert (health["state"], health["is_embedded"]) == ("only_demo", True)
    assert lines[-1]["type"] == "done"
    assert lines[-1]["message"]["text"]
    assert "demo shows how things work" in lines[-1]["message"]["notes"][0]
