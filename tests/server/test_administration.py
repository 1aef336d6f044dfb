"""What an administrator switches off is refused in words; JupyterHub's servers look nowhere unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import live_server
import pytest
from fake_models import default_models

from ollama_lab.errors import Forbidden, PromptTooLong
from ollama_lab.hosts import Host
from ollama_lab.server.administration import Administration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_ollama import FakeOllama
    from live_server import Server

PROMPT = {"parent_id": None, "text": "Hello"}


@pytest.fixture(scope="module")
def held(shared_ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with nearly everything switched off."""
    switches = (
        "--Administration.models_allowed=tiny-*",
        "--Administration.can_pull=False",
        "--Administration.can_delete=False",
        "--Administration.largest_prompt_characters=100",
        "--Administration.fixed_context_tokens=2048",
    )
    shared_ollama.models = default_models()
    with live_server.running(
        tmp_path_factory.mktemp("held"), shared_ollama.url, *switches
    ) as server:
        yield server


def test_only_models_that_are_allowed_are_used(held: Server, ollama: FakeOllama) -> None:
    status, error = held.refusal("POST", "chat", {**PROMPT, "model": "tiny"})

    assert status == 403
    assert error["message"] == "Model 'tiny' is not allowed here."
    assert error["hint"] == "Allowed are: tiny-*."


def test_the_default_is_a_model_that_is_allowed(held: Server, ollama: FakeOllama) -> None:
    assert held.chat()[0]["model"] == "tiny-think:latest"


def test_models_that_are_not_allowed_are_listed_with_the_reason(
    held: Server, ollama: FakeOllama
) -> None:
    found = {one["name"]: one for one in held.get("models")["models"]}

    assert found["tiny:latest"]["is_allowed"] is False
    assert found["tiny:latest"]["why_not"] == "It is not allowed here."
    assert found["tiny-think:latest"]["is_allowed"] is True


@pytest.mark.parametrize(
    ("path", "body", "switch"),
    [
        pytest.param("pulls", {"model": "tiny-new"}, "can_pull", id="pull"),
        pytest.param(
            "models/copy", {"source": "tiny-see", "destination": "b"}, "can_pull", id="copy"
        ),
        pytest.param("models/delete", {"model": "tiny-see"}, "can_delete", id="delete"),
    ],
)
def test_what_is_switched_off_is_refused_in_words(
    held: Server, ollama: FakeOllama, path: str, body: dict[str, Any], switch: str
) -> None:
    status, error = held.refusal("POST", path, body)

    assert status == 403
    assert f"({switch} is off)" in error["message"]
    assert error["hint"] == "Ask whoever runs this Jupyter server."


def test_the_page_is_told_what_is_switched_off(held: Server, ollama: FakeOllama) -> None:
    health = held.get("health")

    assert (health["can_pull"], health["can_delete"], health["is_read_only"]) == (
        False,
        False,
        False,
    )


def test_a_message_that_is_too_long_is_refused_with_its_attachments(
    held: Server, ollama: FakeOllama
) -> None:
    attached = [{"name": "a.txt", "text": "x" * 200}]

    status, error = held.refusal("POST", "chat", {**PROMPT, "attachments": attached})

    assert status == 413
    assert error["message"] == "The message has 205 characters; 100 are the most here."


def test_one_window_holds_for_all(held: Server, ollama: FakeOllama) -> None:
    held.chat(options={"num_ctx": 4096})

    assert ollama.calls("/api/chat")[-1].body["options"]["num_ctx"] == 2048


def test_read_only_lets_one_look_and_nothing_else(ollama: FakeOllama, tmp_path: Path) -> None:
    with live_server.running(tmp_path, ollama.url, "--Administration.read_only=True") as server:
        assert server.get("health")["is_read_only"] is True
        assert server.get("models")["models"]
        refused = [
            server.refusal(method, path, body)
            for method, path, body in [
                ("POST", "chat", PROMPT),
                ("POST", "generate", {"model": "tiny", "prompt": "x"}),
                ("POST", "embed", {"model": "tiny-embed", "texts": ["x"]}),
                ("POST", "conversations", {}),
                ("DELETE", "conversations", None),
                ("POST", "models/load", {"model": "tiny"}),
                ("POST", "pulls", {"model": "tiny"}),
            ]
        ]

    assert {status for status, _ in refused} == {403}
    assert {error["message"] for _, error in refused} == {
        "This Jupyter server only lets you look (read_only)."
    }


def test_a_host_that_is_not_allowed_is_refused(ollama: FakeOllama, tmp_path: Path) -> None:
    allowed = "--Administration.hosts_allowed=http://ollama:11434"
    with live_server.running(tmp_path, ollama.url, allowed) as server:
        error = server.get("health")["error"]

    assert error["kind"] == "Forbidden"
    assert error["message"] == f"{ollama.url} (OLLAMA_HOST) is not a host that is allowed here."
    assert ollama.requests == []


def test_under_jupyterhub_nothing_is_looked_for_unasked(tmp_path: Path) -> None:
    hub = {"JUPYTERHUB_USER": "me", "JUPYTERHUB_API_URL": "http://hub:8081/hub/api"}
    with live_server.Server(tmp_path, env=hub, base_url="/user/me/") as server:
        health = server.get("health")

    assert health["state"] == "no_server"
    assert "no other host is set" in health["error"]["message"]
    assert health["host"] == ""


def test_jupyters_own_configuration_says_where_prompts_go(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    with live_server.Server(tmp_path, f"--OllamaLab.host={ollama.url}") as server:
        health = server.get("health")

    assert health["host"] == ollama.url
    assert health["why"] == "the configuration of OllamaLabServer"


# ---------------------------------------------------------------- the rules themselves


@pytest.mark.parametrize(
    ("allowed", "name", "is_allowed"),
    [
        ([], "anything", True),
        (["tiny"], "Tiny:latest", True),
        (["tiny"], "tiny:7b", False),
        (["qwen3:*"], "qwen3:0.6b", True),
        (["qwen3:*"], "hf.co/me/qwen3:0.6b", False),
        (["*/me/*"], "hf.co/me/qwen3:0.6b", True),
    ],
)
def test_models_are_allowed_by_name_or_pattern(
    allowed: list[str], name: str, *, is_allowed: bool
) -> None:
    assert Administration(models_allowed=allowed).allows_model(name) is is_allowed


def test_the_embedded_engine_is_no_matter_of_hosts() -> None:
    engine = Host("http://127.0.0.1:1", "embedded", is_embedded=True)

    Administration(hosts_allowed=["ollama"]).check_host(engine)


def test_a_host_is_compared_as_it_is_dialled() -> None:
    rights = Administration(hosts_allowed=["ollama"])

    rights.check_host(Host("http://ollama:11434", "a test"))
    with pytest.raises(Forbidden):
        rights.check_host(Host("http://ollama:80", "a test"))


def test_no_limit_is_no_limit() -> None:
    Administration(largest_prompt_characters=0).check_prompt(10**9)
    with pytest.raises(PromptTooLong):
        Administration(largest_prompt_characters=1).check_prompt(2)
