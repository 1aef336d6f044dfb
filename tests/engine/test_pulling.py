from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import ollama
import pytest
import wire_cases
from fake_registry import FakeRegistry, Sending
from live_engine import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

DEADLINE_SECONDS = 10


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def model(registry: FakeRegistry) -> str:
    """Publish a real model and return its name."""
    from gguf_models import shelf

    weights = registry.add_blob(shelf.path("tiny-plain").read_bytes())
    return registry.add_model("pulled", [weights, registry.add_blob(b"own test model")])


def test_a_pulled_model_answers(engine: LiveEngine, model: str) -> None:
    steps = [step.status for step in engine.client.pull(model, stream=True)]

    assert steps[0] == "pulling manifest"
    assert steps[-1] == "success"
    assert engine.client.generate(model, "hi", options={"num_predict": 2}).done


def test_a_pull_in_one_piece_answers_as_recorded(engine: LiveEngine, model: str) -> None:
    case = wire_cases.load("pull-nonstream")

    answer = engine.http.post("/api/pull", json={"model": model, "stream": False})

    assert (answer.status_code, answer.content) == (case.status, case.body)
    assert answer.headers["content-type"] == case.content_type


def test_an_unknown_model_is_an_error_line_as_recorded(
    engine: LiveEngine, registry: FakeRegistry
) -> None:
    case = wire_cases.load("pull-unknown-model")

    answer = engine.http.post("/api/pull", json={"model": f"{registry.host}/library/nope"})

    assert (answer.status_code, answer.content) == (case.status, case.body)


def test_an_unknown_model_is_500_in_one_piece(engine: LiveEngine, registry: FakeRegistry) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.pull(f"{registry.host}/library/nope")

    assert caught.value.status_code == 500
    assert caught.value.error == "pull model manifest: file does not exist"


@pytest.mark.parametrize("name", ["", "a b", "../x"])
def test_a_bad_name_is_refused_before_the_first_line(engine: LiveEngine, name: str) -> None:
    answer = engine.http.post("/api/pull", json={"model": name})

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid model name"})


def test_a_client_that_leaves_stops_the_download(
    engine: LiveEngine, registry: FakeRegistry
) -> None:
    layer = registry.add_blob(bytes(4_000_000))
    registry.send(layer["digest"], Sending(stall_after=1_000_000))
    name = registry.add_model("stalls", [layer])

    with engine.http.stream("POST", "/api/pull", json={"model": name}) as response:
        lines = lines_of(response)
        first = json.loads(next(lines))
        assert registry.stalled.wait(DEADLINE_SECONDS)

    assert first == {"status": "pulling manifest"}
    assert registry.hung_up.wait(DEADLINE_SECONDS)
    engine.wait_until(lambda: engine.engine.in_flight == 0)


def test_a_client_that_leaves_before_it_reads_stops_the_download(
    engine: LiveEngine, registry: FakeRegistry
) -> None:
    layer = registry.add_blob(bytes(4_000_000))
    registry.send(layer["digest"], Sending(stall_after=1_000_000))
    body = {"model": registry.add_model("stalls-too", [layer]), "stream": False}

    with pytest.raises(httpx.ReadTimeout):
        engine.http.post("/api/pull", json=body, timeout=0.5)

    assert registry.hung_up.wait(DEADLINE_SECONDS)
