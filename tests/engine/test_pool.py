from __future__ import annotations

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from live_engine import DEADLINE_SECONDS, LiveEngine, lines_of

from ollama_lab.engine.recipe import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Response

pytestmark = pytest.mark.engine

TOKENS = 120
LARGE = {"num_ctx": 4096}  # room for an answer that outlasts what a test does meanwhile


@pytest.fixture(scope="module")
def slow_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    """Run an engine with a model that is slow enough to be waited for; two fit in memory."""
    from gguf_models import shelf

    names = ("slow", "tiny", "tiny-plain", "tiny-endless")
    store = shelf.store(tmp_path_factory.mktemp("models"), *names)
    with LiveEngine(store, limits=Limits(max_loaded=2, max_queue=2)) as running:
        yield running


@pytest.fixture
def engine(slow_engine: LiveEngine) -> LiveEngine:
    slow_engine.unload_all()
    return slow_engine


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Streamed:
    """An answer that is being written: its first line is here, the rest comes when asked for."""

    def __init__(self, response: Response) -> None:
        self._lines = lines_of(response)
        self.first = json.loads(next(self._lines))

    def rest(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines]


@contextmanager
def streaming(engine: LiveEngine, tokens: int = TOKENS, **fields: Any) -> Iterator[Streamed]:
    options = {"num_predict": tokens, **fields.pop("options", {})}
    body = {"model": "slow", "prompt": "x", "options": options, **fields}
    with engine.http.stream("POST", "/api/generate", json=body) as response:
        answer = Streamed(response)  # held: httpx hangs up when its iterator is collected
        yield answer


@contextmanager
def asking(engine: LiveEngine, body: dict[str, Any]) -> Iterator[None]:
    """Ask, and hang up at the end of the block: a client's time-out may come before its request."""
    url = engine.http.base_url
    said = json.dumps(body).encode()
    head = f"POST /api/generate HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: {len(said)}\r\n\r\n"
    with socket.create_connection((url.host, url.port), DEADLINE_SECONDS) as connection:
        connection.sendall(head.encode() + said)
        yield


def ask(engine: LiveEngine, model: str, **fields: Any) -> Response:
    body = {"model": model, "prompt": "x", "stream": False, **fields}
    return engine.http.post("/api/generate", json=body)


def load(engine: LiveEngine, model: str, **fields: Any) -> Response:
    return engine.http.post("/api/generate", json={"model": model, **fields})


def result(future: Future[Response]) -> Response:
    return future.result(DEADLINE_SECONDS)


def window(engine: LiveEngine, name: str) -> int:
    models = engine.http.get("/api/ps").json()["models"]
    return int(next(one["context_length"] for one in models if one["name"] == name))


def test_another_num_ctx_waits_for_the_running_answer(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with streaming(engine) as answer:
        other = background.submit(ask, engine, "slow", options={"num_ctx": 1024, "num_predict": 1})
        engine.wait_until(lambda: engine.engine.pool._waiting == 1)
        lines = answer.rest()

    assert lines[-1]["done"]
    assert lines[-1]["eval_count"] == TOKENS
    assert result(other).status_code == 200
    assert window(engine, "slow:latest") == 1024


def test_a_waiting_reload_is_not_overtaken(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with streaming(engine) as answer:
        reload = background.submit(ask, engine, "slow", options={"num_ctx": 1024, "num_predict": 1})
        engine.wait_until(lambda: engine.engine.pool._waiting == 1)
        later = background.submit(ask, engine, "slow", options={"num_predict": 1})
        engine.wait_until(lambda: engine.engine.pool._waiting == 2)
        answer.rest()

    assert [result(one).status_code for one in (reload, later)] == [200, 200]
    assert window(engine, "slow:latest") == 512


def test_a_reload_of_a_client_that_left_does_not_happen(engine: LiveEngine) -> None:
    # It must not end before the client is gone: then the reload is on its way.
    with streaming(engine, 1000, options=LARGE) as answer:
        with asking(engine, {"model": "slow", "prompt": "x", "options": {"num_ctx": 1024}}):
            engine.wait_until(lambda: engine.engine.pool._waiting == 1)
        engine.wait_until(lambda: engine.engine.pool._waiting == 0)
        lines = answer.rest()

    assert lines[-1]["done"]
    assert window(engine, "slow:latest") == LARGE["num_ctx"]


def test_an_unload_waits_for_the_running_answer(engine: LiveEngine) -> None:
    with streaming(engine) as answer:
        said = load(engine, "slow", keep_alive=0)
        listed = list(engine.children())
        lines = answer.rest()

    assert said.json()["done_reason"] == "unload"
    assert listed == ["slow:latest"]
    assert lines[-1]["eval_count"] == TOKENS
    engine.wait_until(lambda: engine.children() == {})


def test_a_child_is_gone_after_an_unload(engine: LiveEngine) -> None:
    import psutil

    load(engine, "tiny")
    pid = engine.children()["tiny:latest"]

    load(engine, "tiny", keep_alive=0)

    assert engine.children() == {}
    engine.wait_until(lambda: not psutil.pid_exists(pid))


def test_two_models_answer_at_the_same_time(engine: LiveEngine) -> None:
    with streaming(engine, tokens=3000, options=LARGE) as answer:
        other = ask(engine, "tiny", options={"num_predict": 4})

        engine.wait_until(lambda: engine.engine.in_flight == 1)
        assert answer.first["done"] is False
    assert other.status_code == 200


def test_a_model_answers_two_at_the_same_time(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with streaming(engine, tokens=3000, options=LARGE):
        second = background.submit(ask, engine, "slow", options={"num_predict": 3, **LARGE})

        assert result(second).json()["eval_count"] == 3
        engine.wait_until(lambda: engine.engine.in_flight == 1)


def test_the_least_recently_used_model_goes(engine: LiveEngine) -> None:
    for name in ("tiny", "tiny-plain", "tiny", "tiny-endless"):
        load(engine, name)

    assert set(engine.children()) == {"tiny:latest", "tiny-endless:latest"}


def test_a_third_model_waits_until_one_is_idle(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with streaming(engine) as first, streaming(engine, model="tiny-endless", tokens=300) as second:
        third = background.submit(load, engine, "tiny")
        lines = [first.rest()[-1], second.rest()[-1]]

    assert [line["eval_count"] for line in lines] == [TOKENS, 300]
    assert result(third).json()["done_reason"] == "load"
    assert len(engine.children()) == 2


def test_a_third_model_comes_when_a_busy_one_leaves_by_itself(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with (
        streaming(engine, keep_alive=0) as first,
        streaming(engine, model="tiny-endless", tokens=300, keep_alive=0) as second,
    ):
        third = background.submit(load, engine, "tiny")
        engine.wait_until(lambda: engine.engine.pool._waiting == 1)
        first.rest()
        second.rest()

    assert result(third).json()["done_reason"] == "load"


def test_a_full_queue_is_503_in_ollamas_words(
    engine: LiveEngine, background: ThreadPoolExecutor
) -> None:
    with streaming(engine):
        waiting = [
            background.submit(ask, engine, "slow", options={"num_ctx": size, "num_predict": 1})
            for size in (1024, 2048)
        ]
        engine.wait_until(lambda: engine.engine.pool._waiting == 2)
        refused = ask(engine, "tiny")

    assert refused.status_code == 503
    assert refused.json()["error"] == (
        "server busy, please try again.  maximum pending requests exceeded"
    )
    assert [result(one).status_code for one in waiting] == [200, 200]


def test_keep_alive_ends(engine: LiveEngine) -> None:
    load(engine, "tiny", keep_alive="100ms")

    engine.wait_until(lambda: engine.children() == {})


def test_keep_alive_counts_from_the_end_of_the_last_answer(engine: LiveEngine) -> None:
    with streaming(engine, keep_alive="1ms") as answer:
        lines = answer.rest()

    assert lines[-1]["eval_count"] == TOKENS
    engine.wait_until(lambda: engine.children() == {})


def test_keep_alive_that_is_not_given_is_left_alone(engine: LiveEngine) -> None:
    load(engine, "tiny", keep_alive=-1)
    load(engine, "tiny")

    assert engine.http.get("/api/ps").json()["models"][0]["expires_at"].startswith("23")


def test_two_names_of_one_file_share_a_child(engine: LiveEngine) -> None:
    engine.client.create("shares", from_="tiny", system="Another one.")
    load(engine, "tiny")
    before = list(engine.children().values())

    load(engine, "shares")

    assert list(engine.children().values()) == before


@pytest.mark.parametrize(
    ("environment", "limits"),
    [
        pytest.param({}, Limits(), id="none"),
        pytest.param(
            {"OLLAMA_NUM_PARALLEL": "2", "OLLAMA_MAX_LOADED_MODELS": "1"},
            Limits(parallel=2, max_loaded=1),
            id="numbers",
        ),
        pytest.param({"OLLAMA_NUM_PARALLEL": "many"}, Limits(), id="no-number"),
        pytest.param({"OLLAMA_KEEP_ALIVE": "10m"}, Limits(keep_alive_seconds=600), id="duration"),
        pytest.param({"OLLAMA_KEEP_ALIVE": "5"}, Limits(keep_alive_seconds=5), id="seconds"),
        pytest.param(
            {"OLLAMA_KEEP_ALIVE": "-1"}, Limits(keep_alive_seconds=float("inf")), id="for-ever"
        ),
        pytest.param({"OLLAMA_KEEP_ALIVE": "long"}, Limits(), id="no-duration"),
        pytest.param({"OLLAMA_CONTEXT_LENGTH": "8192"}, Limits(context_tokens=8192), id="context"),
    ],
)
def test_ollamas_variables_set_the_limits(environment: dict[str, str], limits: Limits) -> None:
    assert Limits.from_environment(environment) == limits
