from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name
from ollama_lab.engine.store import LAYER_PREFIX, Store, default_store

if TYPE_CHECKING:
    from pathlib import Path

    from ollama_lab.engine.store import Model


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "own", [tmp_path / "other"])


def add(store: Store, name: str, *texts: str) -> Model:
    """Give a store a model whose layers are texts."""
    layers = [
        {
            "mediaType": f"{LAYER_PREFIX}system",
            "digest": store.put(text.encode()),
            "size": len(text),
        }
        for text in texts
    ]
    config = {"digest": store.put(b"{}"), "size": 2}
    raw = json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()
    store.write_manifest(Name.parse(name), raw)
    return store.get(name)


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_blob_lies_where_ollama_puts_it(store: Store) -> None:
    digest = store.put(b"hello")

    path = store.root / "blobs" / digest.replace(":", "-")
    assert path.read_bytes() == b"hello"


def test_a_blob_of_another_store_is_not_written_again(store: Store) -> None:
    other = Store(store.roots[1])
    other.put(b"hello")

    store.put(b"hello")

    assert not (store.root / "blobs").exists()


def test_a_write_that_breaks_off_leaves_nothing(store: Store) -> None:
    def write_half() -> None:
        with store.incoming(store.own_blob("sha256:" + "0" * 64)) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert files(store.root) == []


def test_models_are_listed_newest_first(store: Store) -> None:
    for index, name in enumerate(("b", "a", "c")):
        os.utime(add(store, name).path, (index, index))

    assert [model.name.short for model in store.list()] == ["c:latest", "a:latest", "b:latest"]


def test_names_are_found_without_regard_to_case(store: Store) -> None:
    add(store, "Tiny")

    assert store.get("tINY").name.model == "Tiny"


def test_our_own_model_hides_the_same_name_of_another_store(store: Store) -> None:
    add(Store(store.roots[1]), "tiny", "theirs")
    add(store, "tiny", "ours")

    assert [model.root for model in store.list()] == [store.root]


def test_what_is_no_manifest_is_left_out(store: Store) -> None:
    add(store, "tiny")
    folder = store.root / "manifests/registry.ollama.ai/library/broken"
    folder.mkdir()
    (folder / "latest").write_text("not json")
    (folder / "list").write_text("[]")

    assert [model.name.short for model in store.list()] == ["tiny:latest"]


def test_an_unknown_model_is_404_in_ollamas_words(store: Store) -> None:
    with pytest.raises(EngineError, match=r"^model 'nope' not found$") as caught:
        store.get("nope")

    assert caught.value.status == 404


def test_delete_frees_blobs_that_nobody_needs_any_more(store: Store) -> None:
    add(store, "keeps", "shared")
    model = add(store, "goes", "shared", "alone")

    store.delete(model)

    left = {path.read_text() for path in (store.root / "blobs").iterdir()}
    assert left == {"shared", "{}"}


def test_delete_takes_empty_folders_along(store: Store) -> None:
    store.delete(add(store, "hf.co/me/tiny"))

    assert list((store.root / "manifests").iterdir()) == []


def test_a_model_of_another_store_is_not_deleted(store: Store) -> None:
    other = add(Store(store.roots[1]), "tiny")

    with pytest.raises(EngineError, match=r"read-only store .* Delete it with") as caught:
        store.delete(store.get("tiny"))

    assert caught.value.status == 403
    assert other.path.exists()


def test_a_copy_shares_its_blobs(store: Store) -> None:
    model = add(store, "tiny", "text")
    before = files(store.root / "blobs")

    store.copy(model, Name.parse("me/other:v1"))

    assert store.get("me/other:v1").digest == model.digest
    assert files(store.root / "blobs") == before


@pytest.mark.parametrize("digest", ["", "sha256:12", "md5:" + "0" * 32, "sha256:../" + "0" * 61])
def test_a_bad_digest_is_refused(store: Store, digest: str) -> None:
    with pytest.raises(EngineError, match=r"^invalid digest format$"):
        store.blob(digest)


def test_our_own_store_can_be_moved(tmp_path: Path) -> None:
    store = default_store({"OLLAMA_LAB_ENGINE_MODELS": str(tmp_path)})

    assert store.root == tmp_path


def test_what_an_ollama_pulled_is_read(home: Path) -> None:
    for root in (home / ".ollama/models", home / "elsewhere"):
        add(Store(root), root.name)

    store = default_store({"OLLAMA_MODELS": str(home / "elsewhere")})

    assert store.roots[1:3] == [home / "elsewhere", home / ".ollama/models"]
    assert {"elsewhere:latest", "models:latest"} <= {one.name.short for one in store.list()}


def test_the_demo_model_is_always_there(home: Path) -> None:
    assert default_store({}).get("demo").root.name == "demo"
