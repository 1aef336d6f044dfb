from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ollama
import pytest
from fake_registry import FakeRegistry, Sending
from live_engine import LiveEngine
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab.engine import launcher
from ollama_lab.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

DEMO = Store(Path(launcher.__file__).with_name("demo"))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def puller(tmp_path: Path) -> Iterator[LiveEngine]:
    with LiveEngine(Store(tmp_path / "models")) as running:
        yield running


@pytest.fixture
def name(registry: FakeRegistry) -> str:
    """Publish the demo model in the registry."""
    blob = DEMO.blob(DEMO.get("demo").layers("model")[0]["digest"])
    assert blob is not None
    return registry.add_model("tiny", [registry.add_blob(blob.read_bytes())])


def weights(registry: FakeRegistry) -> str:
    return max(registry.blobs, key=lambda digest: len(registry.blobs[digest]))


def lines_of(engine: LiveEngine, name: str) -> list[dict[str, Any]]:
    answer = engine.http.post("/api/pull", json={"model": name})
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.strip().split("\n")]


def test_a_pulled_model_answers(puller: LiveEngine, name: str) -> None:
    puller.client.pull(name)

    assert puller.client.generate(name, "hello").done


def test_the_official_client_sees_the_progress(
    puller: LiveEngine, registry: FakeRegistry, name: str
) -> None:
    digest = weights(registry)
    registry.send(digest, Sending(pace_seconds=0.02))

    steps = list(puller.client.pull(name, stream=True))

    assert steps[0].status == "pulling manifest"
    assert steps[-1].status == "success"
    assert {step.total for step in steps if step.digest == digest} == {1_656_192}


def test_an_unknown_model_is_a_last_line_under_status_200(
    puller: LiveEngine, registry: FakeRegistry
) -> None:
    assert lines_of(puller, f"{registry.host}/library/nope") == [
        {"status": "pulling manifest"},
        {"error": "pull model manifest: file does not exist"},
    ]


def test_without_a_stream_an_error_is_a_status_500(
    puller: LiveEngine, registry: FakeRegistry
) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        puller.client.pull(f"{registry.host}/library/nope")

    assert caught.value.status_code == 500
    assert caught.value.error == "pull model manifest: file does not exist"


def test_a_client_that_hangs_up_ends_the_download_and_the_next_one_goes_on(
    puller: LiveEngine, registry: FakeRegistry, name: str
) -> None:
    digest = weights(registry)
    registry.send(digest, Sending(stall_after=1_000_000), Sending())
    partial = puller.store.own_blob(digest).with_name(f"{digest.replace(':', '-')}-partial")
    with puller.http.stream("POST", "/api/pull", json={"model": name}) as answer:
        pieces = answer.iter_raw()  # closes the connection once nobody refers to it
        next(pieces)
        assert registry.stalled.wait(DEADLINE_SECONDS)
        wait_until(lambda: partial.stat().st_size >= 15 * 65_536)
    assert registry.hung_up.wait(DEADLINE_SECONDS)

    assert puller.client.pull(name).status == "success"

    assert registry.ranges(digest)[-1] == f"bytes={15 * 65_536}-"
