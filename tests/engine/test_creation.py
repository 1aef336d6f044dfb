from __future__ import annotations

import hashlib
import socket
from typing import TYPE_CHECKING, Any

import ollama
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from live_engine import LiveEngine

pytestmark = pytest.mark.engine


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def file() -> Path:
    from gguf_models import shelf

    return shelf.path("tiny")


def incoming(engine: LiveEngine) -> list[Path]:
    return list((engine.store.root / "blobs").glob(".incoming-*"))


def test_a_model_is_made_from_an_uploaded_file(engine: LiveEngine, file: Path) -> None:
    digest = engine.client.create_blob(file)

    steps = engine.client.create("made", files={"tiny.gguf": digest}, stream=True)

    assert [step.status for step in steps][-2:] == ["writing manifest", "success"]
    assert engine.client.generate("made", "hi", options={"num_predict": 2}).done


def test_a_preset_keeps_what_it_does_not_change(engine: LiveEngine) -> None:
    engine.client.create("parent", from_="tiny", system="First.", parameters={"top_k": 5})

    engine.client.create("child", from_="parent", parameters={"temperature": 0.1})

    shown = engine.http.post("/api/show", json={"model": "child"}).json()
    assert shown["system"] == "First."
    assert shown["details"]["parent_model"] == "parent:latest"
    assert [line.split() for line in shown["parameters"].split("\n")] == [
        ["num_ctx", "512"],
        ["temperature", "0.1"],
        ["top_k", "5"],
    ]


def test_a_wrong_parameter_is_stored_and_fails_at_its_first_use(engine: LiveEngine) -> None:
    engine.client.create("wrong", from_="tiny", parameters={"top_k": "many"})

    with pytest.raises(ollama.ResponseError, match='option "top_k" must be of type integer'):
        engine.client.generate("wrong", "hi")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"model": "a b", "from": "tiny"}, 400, "invalid model name", id="name"),
        pytest.param({"model": "x", "files": {}}, 400, "unknown type", id="no-file"),
        pytest.param(
            {"model": "x", "files": {"/a.gguf": "sha256:1"}},
            400,
            "file path must be relative",
            id="absolute",
        ),
        pytest.param(
            {"model": "x", "files": {"../a.gguf": "sha256:1"}},
            400,
            "file path must be relative",
            id="above",
        ),
        pytest.param(
            {"model": "x", "files": {"a.safetensors": "sha256:1"}},
            400,
            "exactly one .gguf file",
            id="safetensors",
        ),
        pytest.param({"model": "x", "from": "nope"}, 404, "Pull it first.", id="unknown"),
        pytest.param(
            {"model": "x", "from": "tiny", "quantize": "q4_0"},
            400,
            "does not quantize",
            id="quantize",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_before_the_first_line(
    engine: LiveEngine, body: dict[str, Any], status: int, words: str
) -> None:
    answer = engine.http.post("/api/create", json=body)

    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        ("sha256:" + "0" * 64, "was never uploaded. Send it to /api/blobs first."),
        ("nonsense", "invalid digest format"),
    ],
)
def test_a_file_that_is_not_here_is_an_error_line(
    engine: LiveEngine, digest: str, words: str
) -> None:
    answer = engine.http.post("/api/create", json={"model": "x", "files": {"a.gguf": digest}})

    assert answer.status_code == 200
    assert words in answer.text.split("\n")[-2]


def test_a_broken_file_makes_no_model(engine: LiveEngine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF\x03\0\0\0" + bytes(4))
    digest = engine.client.create_blob(bad)

    with pytest.raises(ollama.ResponseError, match="the GGUF header is broken"):
        engine.client.create("bad", files={"bad.gguf": digest})

    assert engine.http.post("/api/show", json={"model": "bad"}).status_code == 404


def test_a_file_that_llama_cpp_refuses_says_why(engine: LiveEngine, file: Path) -> None:
    data = file.read_bytes()[:400_000]  # behind the header, in the middle of a tensor
    cut = engine.http.post(f"/api/blobs/{digest_of(data)}", content=data)
    engine.client.create("cut", files={"cut.gguf": digest_of(data)})

    with pytest.raises(ollama.ResponseError, match="unable to load model: ") as caught:
        engine.client.generate("cut", "hi")

    assert (cut.status_code, caught.value.status_code) == (201, 500)


def test_a_blob_is_kept_once(engine: LiveEngine) -> None:
    data = b"some bytes of a file"
    path = f"/api/blobs/{digest_of(data)}"

    before = engine.http.head(path)
    first, second = (engine.http.post(path, content=data) for _ in range(2))
    after = engine.http.head(path)

    assert [one.status_code for one in (before, first, second, after)] == [404, 201, 200, 200]
    assert (first.content, after.headers.get("content-type")) == (b"", None)


def test_a_dash_in_a_digest_is_as_good_as_a_colon(engine: LiveEngine) -> None:
    data = b"another file"
    path = f"/api/blobs/{digest_of(data)}".replace(":", "-")

    assert engine.http.post(path, content=data).status_code == 201
    assert engine.http.head(path).status_code == 200


def test_bytes_of_another_digest_are_not_kept(engine: LiveEngine) -> None:
    wanted = "sha256:" + "1" * 64

    answer = engine.http.post(f"/api/blobs/{wanted}", content=b"12345678")

    got = digest_of(b"12345678")
    assert answer.status_code == 400
    assert answer.json() == {"error": f'digest mismatch, expected "{wanted}", got "{got}"'}
    assert incoming(engine) == []


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_a_bad_digest_is_refused(engine: LiveEngine, method: str) -> None:
    answer = engine.http.request(method, "/api/blobs/sha256:12", content=b"x")

    assert answer.status_code == 400


def test_half_an_upload_leaves_nothing(engine: LiveEngine) -> None:
    with socket.create_connection(("127.0.0.1", engine.port)) as connection:
        head = f"POST /api/blobs/sha256:{'2' * 64} HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
        engine.wait_until(lambda: len(incoming(engine)) == 1)

    engine.wait_until(lambda: incoming(engine) == [])
