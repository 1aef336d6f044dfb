"""What an administrator switches off is refused in words; JupyterHub's servers look nowhere unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import live_server
import pytest
from fake_models import default_models
from fake_ollama import Never, Text, Wait

from ollama_lab.errors import Forbidden, PromptTooLong
from ollama_lab.hosts import Host
from ollama_lab.server.administration import Administration
from ollama_lab.server.routes import verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_ollama import FakeOllama
    from live_server import Server

PROMPT = {"parent_id": None, "text": "Hello"}
#: Enough for any call.
ANYTHING = {
    **PROMPT,
    "model": "tiny",
    "prompt": "x",
    "texts": ["x"],
    "content": "{}",
    "source": "tiny",
    "destination": "b",
}
#: Whatever asks, stores or changes; nothing runs there that could be stopped.
CHANGES = [verb for verb in verbs() if verb.action != "read" and verb.path != "chat/stop"]


@pytest.fixture(scope="module")
def held(shared_ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with nearly everything switched off."""
    switches = (
        "--Administration.models_allowed=tiny-*",
        "--Administration.can_pull=False",
        "--Administration.can_delete=False",
        "--Administration.largest_prompt_characters=100",
        "--Administration.fixed_context_tokens=2048",
        "--Administration.streams_per_user=1",
        "--OllamaLab.idle_seconds=3",
    )
    shared_ollama.models = default_models()
    with live_server.running(
        tmp_path_factory.mktemp("held"), shared_ollama.url, *switches
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("chat", PROMPT, id="chat"),
        pytest.param("generate", {"prompt": "x"}, id="generate"),
        pytest.param("embed", {"texts": ["x"]}, id="embed"),
        pytest.param("models/load", {}, id="load"),
    ],
)
def test_only_models_that_are_allowed_are_used(
    held: Server, ollama: FakeOllama, path: str, body: dict[str, Any]
) -> None:
    status, error = held.refusal("POST", path, {**body, "model": "tiny"})

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


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("generate", {"model": "tiny-think", "prompt": "x" * 101}, id="generate"),
        pytest.param("embed", {"model": "tiny-embed", "texts": ["x" * 50, "y" * 51]}, id="embed"),
    ],
)
def test_no_other_text_is_longer_than_a_message_may_be(
    held: Server, ollama: FakeOllama, path: str, body: dict[str, Any]
) -> None:
    status, error = held.refusal("POST", path, body)

    assert (status, error["kind"]) == (413, "PromptTooLong")


def test_no_more_answers_are_written_at_once_than_allowed(held: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=20)])

    with held.stream("chat", {**PROMPT, "model": "tiny-think"}) as stream:
        start = stream.line()
        stream.until("delta")
        status, error = held.refusal("POST", "generate", {"model": "tiny-think", "prompt": "x"})
        stopped = held.post("chat/stop", {"message_id": start["message"]["id"]})
        stream.rest()

    assert stopped == {"was_running": True}
    assert (status, error["message"], error["hint"]) == (
        503,
        "One answer is being written already, the most at once here.",
        "Wait for one to end, or stop one.",
    )


def test_the_longest_silence_is_set_in_jupyters_own_configuration(
    held: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Text("half"), Wait()])

    last = held.chat(model="tiny-think")[-1]

    assert last["error"]["kind"] == "TimedOut"
    assert "3 s" in last["error"]["message"]


def test_one_window_holds_for_all(held: Server, ollama: FakeOllama) -> None:
    held.chat(options={"num_ctx": 4096})

    assert ollama.calls("/api/chat")[-1].body["options"]["num_ctx"] == 2048


def test_read_only_lets_one_look_and_nothing_else(ollama: FakeOllama, tmp_path: Path) -> None:
    with live_server.running(tmp_path, ollama.url, "--Administration.read_only=True") as server:
        assert server.get("health")["is_read_only"] is True
        assert server.get("models")["models"]
        assert server.get("conversations")["total"] == 0
        refused = [
            server.refusal(verb.method, verb.path.replace("ID", "1"), ANYTHING) for verb in CHANGES
        ]
        assert not (server.home / "data" / "ollama_lab").exists()

    assert len(refused) > 10
    assert [error["message"] for status, error in refused if status != 403] == []
    assert {error["message"] for _, error in refused} == {
        "This Jupyter server only lets you look (read_only)."
    }


def test_a_host_that_is_not_allowed_is_refused(ollama: FakeOllama, tmp_path: Path) -> None:
    allowed = "--Administration.hosts_allowed=http://ollama:11434"
    with live_server.running(tmp_path, ollama.url, allowed) as server:
        error = server.get("health")["error"]
        refused = server.refusal("POST", "chat", {**PROMPT, "host": "http://ollama:11434"})

    assert refused == (403, error)
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
