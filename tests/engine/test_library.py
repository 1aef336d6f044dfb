from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import ollama
import pytest
import wire_cases
from live_engine import LiveEngine

from ollama_lab.engine.names import Name
from ollama_lab.engine.store import CONFIG_TYPE, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[LiveEngine]:
    """Run an engine with an empty store, and one model in a read-only store."""
    from gguf_models import shelf

    shelf.store(tmp_path / "theirs", "tiny")
    with LiveEngine(Store(tmp_path / "ours", [tmp_path / "theirs"])) as running:
        yield running


def entry(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in answer["models"] if one["name"] == name)


def shape(value: Any) -> Any:
    """Reduce JSON to its keys, in order, and the types of its values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def keys(value: dict[str, Any]) -> list[str]:
    return [*value, *value["details"]]


def recorded(case: str, name: str) -> dict[str, Any]:
    return entry(json.loads(wire_cases.load(case).body), name)


@pytest.mark.parametrize(("path", "case"), [("/api/tags", "tags-empty"), ("/api/ps", "ps-empty")])
def test_an_empty_list_is_a_list(tmp_path: Path, path: str, case: str) -> None:
    with LiveEngine(Store(tmp_path)) as running:
        answer = running.http.get(path)

    assert answer.content == wire_cases.load(case).body


def test_tags_has_the_fields_of_the_recording_in_their_order(engine: LiveEngine) -> None:
    got = entry(engine.http.get("/api/tags").json(), "tiny:latest")
    want = recorded("tags", "tiny-endless:latest")

    assert shape(got) == shape(want)
    assert keys(got) == keys(want)


def test_ps_has_the_fields_of_the_recording_in_their_order(engine: LiveEngine) -> None:
    engine.client.chat("tiny", [])
    got = entry(engine.http.get("/api/ps").json(), "tiny:latest")
    want = recorded("ps-loaded", "tiny:latest")

    assert shape(got) == shape(want)
    assert keys(got) == keys(want)
    assert got["context_length"] == 512


def test_ps_shows_the_window_asked_for_not_the_rounded_one(engine: LiveEngine) -> None:
    engine.client.chat("tiny", [], options={"num_ctx": 300})

    assert entry(engine.http.get("/api/ps").json(), "tiny:latest")["context_length"] == 300


def test_a_window_is_capped_at_the_trained_length(engine: LiveEngine) -> None:
    engine.client.chat("tiny", [], options={"num_ctx": 99_999})

    assert entry(engine.http.get("/api/ps").json(), "tiny:latest")["context_length"] == 2048


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        ("tiny", {"completion", "tools"}),
        ("tiny-plain", {"completion"}),
        ("tiny-think", {"completion", "tools", "thinking"}),
        ("tiny-embed", {"embedding"}),
        ("tiny-fill", {"completion", "tools", "insert"}),
    ],
)
def test_show_and_tags_know_what_a_model_can_do(
    engine: LiveEngine, name: str, capabilities: set[str]
) -> None:
    shown = engine.client.show(name).capabilities or []
    listed = entry(engine.http.get("/api/tags").json(), f"{name}:latest")["capabilities"]

    assert set(shown) == set(listed) == capabilities


def test_show_tells_a_preset_as_the_recording_does(engine: LiveEngine) -> None:
    engine.client.create(
        "shown",
        from_="tiny",
        system="You are a preset.",
        license="Own test model.",
        parameters={"stop": ["@@", "##"], "temperature": 0.2},
        messages=[
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi there"},
        ],
    )
    want = json.loads(wire_cases.load("show-preset").body)

    got = engine.http.post("/api/show", json={"model": "shown"}).json()

    same = ("license", "parameters", "template", "system", "details", "messages")
    assert list(got) == list(want)
    assert {key: got[key] for key in same} == {key: want[key] for key in same}
    assert got["model_info"].items() <= want["model_info"].items()


def test_the_modelfile_of_show_would_make_the_model_again(engine: LiveEngine) -> None:
    engine.client.create("quoted", from_="tiny", system='Say "yes"\nor no.')

    modelfile = engine.http.post("/api/show", json={"model": "quoted"}).json()["modelfile"]

    assert 'SYSTEM """Say "yes"\nor no."""\n' in modelfile
    assert "PARAMETER num_ctx 512\n" in modelfile


def test_a_model_has_a_second_name_after_a_copy(engine: LiveEngine) -> None:
    engine.client.copy("tiny", "me/second:v1")

    assert engine.client.show("me/second:v1").modelinfo == engine.client.show("tiny").modelinfo


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"source": "", "destination": "b"}, 'source "" is invalid'),
        ({"source": "tiny", "destination": "a/b/c/d"}, 'destination "a/b/c/d" is invalid'),
    ],
)
def test_a_bad_name_of_a_copy_is_said(engine: LiveEngine, body: dict[str, str], words: str) -> None:
    answer = engine.http.post("/api/copy", json=body)

    assert (answer.status_code, answer.json()) == (400, {"error": words})


def test_a_bad_name_is_not_deleted(engine: LiveEngine) -> None:
    answer = engine.http.request("DELETE", "/api/delete", json={"name": "a b"})

    assert (answer.status_code, answer.json()) == (400, {"error": 'name "a b" is invalid'})


def test_a_model_in_memory_goes_when_it_is_deleted(engine: LiveEngine) -> None:
    engine.client.copy("tiny", "loaded")
    engine.client.chat("loaded", [])

    engine.client.delete("loaded")

    assert "loaded:latest" not in engine.children()


def test_push_says_what_can_do_it(engine: LiveEngine) -> None:
    with pytest.raises(ollama.ResponseError, match="Push with Ollama itself: ollama push"):
        engine.client.push("tiny")


def test_a_read_only_model_is_used_like_any_other(own_engine: LiveEngine) -> None:
    assert own_engine.client.generate("tiny", "hi", options={"num_predict": 2}).done


def test_a_read_only_model_is_not_deleted(own_engine: LiveEngine) -> None:
    with pytest.raises(ollama.ResponseError, match="is in the read-only store") as caught:
        own_engine.client.delete("tiny")

    assert caught.value.status_code == 403
    assert own_engine.client.show("tiny")


def test_a_model_made_from_a_read_only_one_shares_its_file(own_engine: LiveEngine) -> None:
    own_engine.client.create("preset", from_="tiny", system="You are a preset.")

    root = own_engine.store.root
    written = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert own_engine.client.generate("preset", "hi", options={"num_predict": 2}).done
    assert written < 5_000


def test_nothing_is_written_into_a_read_only_store(own_engine: LiveEngine) -> None:
    theirs = own_engine.store.roots[1]
    before = sorted((path, path.stat().st_mtime_ns) for path in theirs.rglob("*"))

    own_engine.client.create("tiny", from_="tiny", system="Another one.")
    own_engine.client.copy("tiny", "copy")
    own_engine.client.delete("tiny")

    assert sorted((path, path.stat().st_mtime_ns) for path in theirs.rglob("*")) == before


def test_a_file_that_went_missing_is_said(own_engine: LiveEngine) -> None:
    shutil.rmtree(own_engine.store.roots[1] / "blobs")

    with pytest.raises(ollama.ResponseError, match=r"is missing\. Pull the model again"):
        own_engine.client.generate("tiny", "hi")


def test_what_cannot_be_read_is_left_out_of_the_list(own_engine: LiveEngine) -> None:
    shutil.rmtree(own_engine.store.roots[1] / "blobs")

    assert own_engine.http.get("/api/tags").json() == {"models": []}


@pytest.fixture
def stub(own_engine: LiveEngine) -> str:
    """Name a model that runs on ollama.com."""
    store = own_engine.store
    config = json.dumps({"remote_host": "https://ollama.com:443", "remote_model": "big"}).encode()
    layer = {"mediaType": CONFIG_TYPE, "digest": store.put(config), "size": len(config)}
    manifest = {"schemaVersion": 2, "config": layer, "layers": []}
    store.write_manifest(Name.parse("big"), json.dumps(manifest).encode())
    return "big"


def test_a_model_that_runs_elsewhere_is_listed_as_that(own_engine: LiveEngine, stub: str) -> None:
    listed = entry(own_engine.http.get("/api/tags").json(), f"{stub}:latest")

    assert listed["remote_host"] == "https://ollama.com:443"


def test_a_model_that_runs_elsewhere_is_never_asked(own_engine: LiveEngine, stub: str) -> None:
    with pytest.raises(ollama.ResponseError, match="ollama cloud is disabled") as caught:
        own_engine.client.generate(stub, "hi")

    assert caught.value.status_code == 403
