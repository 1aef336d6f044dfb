from __future__ import annotations

from typing import TYPE_CHECKING

import ollama
import pytest
from live_engine import LiveEngine

from ollama_lab.engine.base import Base
from ollama_lab.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

TOKEN = "s3cret-Tökén"
ROUTES = [
    *[("GET", path) for path in ("/", "/api/version", "/api/status", "/api/tags", "/api/ps")],
    *[("HEAD", path) for path in ("/", "/api/version", "/api/tags")],
    *[("POST", f"/api/{name}") for name in ("show", "chat", "generate", "embed", "embeddings")],
    *[("POST", f"/api/{name}") for name in ("copy", "create", "pull", "push")],
    ("DELETE", "/api/delete"),
    ("POST", f"/api/blobs/sha256:{'0' * 64}"),
    ("HEAD", f"/api/blobs/sha256:{'0' * 64}"),
    ("GET", "/nowhere"),
    ("GET", "/from-outside"),
]


class Outside(Base):
    def get(self) -> None:
        self.reply_text(f"{self.engine.in_flight} in flight")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    store = Store(tmp_path_factory.mktemp("models"))
    with LiveEngine(store, token=TOKEN, handlers=[("/from-outside", Outside)]) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_wants_the_token(guarded: LiveEngine, method: str, path: str) -> None:
    answer = guarded.http.request(method, path, content=b"x" if method == "POST" else None)

    assert answer.status_code == 401
    assert method == "HEAD" or answer.json() == {"error": "unauthorized"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
def test_another_token_is_no_token(guarded: LiveEngine, header: str) -> None:
    answer = guarded.http.get("/", headers={b"Authorization": header.encode()})

    assert answer.status_code == 401


def test_the_token_opens_the_routes(guarded: LiveEngine) -> None:
    answer = guarded.http.get("/", headers={b"Authorization": f"Bearer {TOKEN}".encode()})

    assert answer.text == "Ollama is running"


def test_a_handler_from_outside_belongs_to_the_engine(guarded: LiveEngine) -> None:
    headers = {b"Authorization": f"Bearer {TOKEN}".encode()}

    assert guarded.http.get("/from-outside", headers=headers).text == "0 in flight"


def test_the_official_client_sends_the_token_as_its_key(
    guarded: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded.engine, "token", "plain")
    monkeypatch.setenv("OLLAMA_API_KEY", "plain")

    with ollama.Client(guarded.url) as client:
        assert client.list().models == []


@pytest.mark.parametrize(
    "host", ["evil.example", "ollama:11434", "192.168.1.5", "localhost.evil.example", "0.0.0.0"]
)
def test_a_foreign_host_header_is_refused_without_a_word(engine: LiveEngine, host: str) -> None:
    answer = engine.http.get("/api/tags", headers={"Host": host})

    assert (answer.status_code, answer.content) == (403, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:9", "[::1]:11434", "a.localhost"]
)
def test_a_local_host_header_is_served(engine: LiveEngine, host: str) -> None:
    assert engine.http.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://"]
)
def test_a_foreign_page_is_refused_without_a_word(engine: LiveEngine, origin: str) -> None:
    answer = engine.http.post("/api/chat", headers={"Origin": origin}, json={"model": "tiny"})

    assert (answer.status_code, answer.content) == (403, b"")


@pytest.mark.parametrize("origin", ["http://localhost:8888", "https://127.0.0.1"])
def test_a_local_page_is_served(engine: LiveEngine, origin: str) -> None:
    assert engine.http.get("/", headers={"Origin": origin}).status_code == 200


def test_an_engine_for_others_takes_any_host(tmp_path: Path) -> None:
    with LiveEngine(Store(tmp_path), token="t") as running:
        running.run(rebind(running))
        headers = {"Host": "ollama", "Authorization": "Bearer t"}

        assert running.http.get("/", headers=headers).status_code == 200


async def rebind(running: LiveEngine) -> None:
    """Say that the engine listens on an open address, without opening one in a test."""
    running.engine.is_loopback = False


@pytest.mark.parametrize(
    ("path", "verbs"),
    [("/api/chat", "POST"), ("/api/delete", "DELETE"), ("/api/tags", "GET, HEAD")],
)
def test_a_wrong_verb_names_the_right_ones(engine: LiveEngine, path: str, verbs: str) -> None:
    answer = engine.http.put(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, verbs)
    assert answer.text == "405 method not allowed"
