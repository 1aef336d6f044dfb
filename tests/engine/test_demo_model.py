from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from ollama_lab.engine import gguf, launcher
from ollama_lab.engine.store import Store, default_store

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = Path(launcher.__file__).with_name("demo")
DATA = DEMO.parents[2] / "tools" / "demo_model" / "data.py"


@pytest.fixture
def store() -> Store:
    return Store(DEMO)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[launcher.Running]:
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")
    running = launcher.connect()
    yield running
    running.close()
    launcher.stop()


@pytest.fixture
def data() -> Any:
    """Load the questions the model was trained on, and those it was not."""
    spec = importlib.util.spec_from_file_location("demo_model_data", DATA)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_whole_store_is_smaller_than_1_8_megabytes() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 1_800_000


def test_the_model_is_a_llama_of_1_5_million_weights(store: Store) -> None:
    blob = store.blob(store.get("demo").layers("model")[0]["digest"])
    assert blob is not None

    header = gguf.read(blob)

    assert header.values["general.architecture"] == "llama"
    assert header.values["general.license"] == "BSD-3-Clause"
    assert header.parameter_count == 1_511_200


def test_every_blob_is_what_its_name_says(store: Store) -> None:
    blobs = {path.name: path.read_bytes() for path in (DEMO / "blobs").iterdir()}

    assert {f"sha256-{hashlib.sha256(data).hexdigest()}" for data in blobs.values()} == set(blobs)
    assert {digest.replace(":", "-") for digest in store.get("demo").blobs} == set(blobs)


def test_the_license_says_first_what_the_model_is(store: Store) -> None:
    blob = store.blob(store.get("demo").layers("license")[0]["digest"])
    assert blob is not None

    assert blob.read_text("utf-8").split("\n")[0] == (
        "This is the demo model of ollama-lab: a demonstration of the pipeline with 1.5 million "
        "weights, not a source of facts."
    )


def test_the_model_takes_the_likeliest_token_by_default(store: Store) -> None:
    blob = store.blob(store.get("demo").layers("params")[0]["digest"])
    assert blob is not None

    assert json.loads(blob.read_bytes()) == {"temperature": 0}


def test_every_user_has_it_without_a_download() -> None:
    assert "demo:latest" in [model.name.short for model in default_store().list()]


@pytest.mark.engine
def test_at_least_18_of_30_held_out_questions_are_answered_exactly(
    engine: launcher.Running, data: Any
) -> None:
    headers = {"Authorization": f"Bearer {engine.token}"}

    def answer(question: str) -> str:
        body = {"model": "demo", "messages": [{"role": "user", "content": question}]}
        reply = requests.post(
            f"{engine.url}/api/chat", json={**body, "stream": False}, headers=headers, timeout=60
        )
        return str(reply.json()["message"]["content"])

    right = [data.answer_for(subject) == answer(text) for text, subject in data.HELD_OUT]

    assert len(right) == 30
    assert sum(right) >= 18


@pytest.mark.engine
def test_show_begins_its_license_with_the_label(engine: launcher.Running) -> None:
    headers = {"Authorization": f"Bearer {engine.token}"}

    shown = requests.post(
        f"{engine.url}/api/show", json={"model": "demo"}, headers=headers, timeout=60
    ).json()

    assert shown["license"].startswith("This is the demo model of ollama-lab: a demonstration")
