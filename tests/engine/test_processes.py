from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import ollama
import psutil
import pytest
from live_engine import DEADLINE_SECONDS, LiveEngine, lines_of

from ollama_lab.engine.recipe import Limits
from ollama_lab.engine.runner import DIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

# Starts an engine, loads a model and says its own and its child's process id.
ENGINE_WITH_A_MODEL = """
import asyncio, os, sys
from pathlib import Path
from ollama_lab.engine.app import Engine
from ollama_lab.engine.card import Card
from ollama_lab.engine.options import merge
from ollama_lab.engine.recipe import recipe
from ollama_lab.engine.store import Store

async def main():
    engine = Engine(Store(Path(sys.argv[1])))
    await engine.start()
    card = Card(engine.store, engine.store.get("tiny"))
    async with engine.pool.use(card, recipe(card, merge({}, {}), engine.limits), None) as runner:
        print(runner.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    from gguf_models import shelf

    store = shelf.store(tmp_path_factory.mktemp("models"), "slow", "tiny")
    with LiveEngine(store, limits=Limits(context_tokens=4096)) as running:
        yield running


def body(**fields: Any) -> dict[str, Any]:
    options = {"num_predict": 3000, "num_ctx": 4096, **fields.pop("options", {})}
    return {"model": "slow", "prompt": "x", "options": options, **fields}


def kill(engine: LiveEngine) -> None:
    os.kill(engine.children()["slow:latest"], signal.SIGKILL)


def wait_until_busy(engine: LiveEngine) -> None:
    engine.wait_until(lambda: any(one.busy for one in engine.engine.pool.loaded))


def wait_for(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_a_killed_child_is_an_error_line_and_the_next_request_works(engine: LiveEngine) -> None:
    with engine.http.stream("POST", "/api/generate", json=body()) as response:
        lines = lines_of(response)
        first = json.loads(next(lines))
        kill(engine)
        last = json.loads(list(lines)[-1])

    assert first["done"] is False
    assert last == {"error": DIED}
    assert engine.client.generate("slow", "x", options={"num_predict": 2}).done


def test_a_killed_child_before_the_first_token_is_a_status(engine: LiveEngine) -> None:
    long = body(prompt="word " * 700, options={"num_batch": 512})
    with ThreadPoolExecutor(1) as pool:
        engine.unload_all()
        answer = pool.submit(lambda: engine.http.post("/api/generate", json=long))
        wait_until_busy(engine)
        kill(engine)
        got = answer.result(DEADLINE_SECONDS)

    assert got.status_code == 500
    assert got.headers["content-type"] == "application/json"
    assert got.json() == {"error": DIED}


def test_a_killed_child_fails_an_answer_in_one_piece(engine: LiveEngine) -> None:
    with ThreadPoolExecutor(1) as pool:
        engine.unload_all()
        answer = pool.submit(lambda: engine.http.post("/api/generate", json=body(stream=False)))
        wait_until_busy(engine)
        kill(engine)
        got = answer.result(DEADLINE_SECONDS)

    assert got.status_code == 500
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.json() == {"error": DIED}


def test_a_child_that_died_while_idle_is_not_noticed_by_the_next_request(
    engine: LiveEngine,
) -> None:
    engine.client.generate("slow", "")
    kill(engine)

    assert engine.client.generate("slow", "x", options={"num_predict": 2}).done


def test_a_client_that_leaves_a_stream_stops_the_model(engine: LiveEngine) -> None:
    with engine.http.stream("POST", "/api/generate", json=body()) as response:
        lines = lines_of(response)  # held: httpx hangs up when its iterator is collected
        next(lines)
        child = psutil.Process(engine.children()["slow:latest"])
        wait_for(lambda: works(child))

    engine.wait_until(lambda: engine.engine.in_flight == 0)
    wait_for(lambda: not works(child))


def test_a_client_that_leaves_before_the_answer_stops_the_model(engine: LiveEngine) -> None:
    engine.client.generate("slow", "", options={"num_ctx": 4096})
    child = psutil.Process(engine.children()["slow:latest"])

    with pytest.raises(httpx.ReadTimeout):
        engine.http.post("/api/generate", json=body(stream=False), timeout=0.5)

    engine.wait_until(lambda: engine.engine.in_flight == 0)
    wait_for(lambda: not works(child))


def works(child: psutil.Process) -> bool:
    """Whether a process uses a CPU, seen over a tenth of a second."""
    before = sum(child.cpu_times()[:2])
    time.sleep(0.1)
    return bool(sum(child.cpu_times()[:2]) - before > 0.02)


def test_a_client_that_hangs_up_during_a_load_ends_the_child(engine: LiveEngine) -> None:
    engine.unload_all()

    before = set(psutil.Process().children())
    with pytest.raises(httpx.ReadTimeout):
        engine.http.post("/api/generate", json=body(), timeout=0.02)

    engine.wait_until(lambda: engine.engine.in_flight == 0)
    wait_for(lambda: set(psutil.Process().children()) <= before)


def test_children_die_with_their_engine(tmp_path: Path) -> None:
    from gguf_models import shelf

    shelf.store(tmp_path, "tiny")
    command = [sys.executable, "-c", ENGINE_WITH_A_MODEL, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        process.kill()

    wait_for(lambda: not psutil.pid_exists(child))


def test_closing_an_engine_in_the_middle_of_an_answer_leaves_no_child(tmp_path: Path) -> None:
    from gguf_models import shelf

    with LiveEngine(shelf.store(tmp_path, "tiny-endless")) as running:
        request = {"model": "tiny-endless", "prompt": "x", "options": {"num_predict": 400}}
        with running.http.stream("POST", "/api/generate", json=request) as response:
            lines = lines_of(response)
            next(lines)
            child = running.children()["tiny-endless:latest"]
            running.run(running.engine.close())

    assert not psutil.pid_exists(child)


@pytest.fixture
def odd_model(engine: LiveEngine, tmp_path: Path) -> str:
    """Make a model of a family that the library publishes in a layout of its own."""
    import gguf

    path = tmp_path / "odd.gguf"
    writer = gguf.GGUFWriter(str(path), "gptoss")
    writer.add_context_length(512)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    digest = engine.client.create_blob(path)
    engine.client.create("odd", files={"odd.gguf": digest})
    return "odd"


def test_a_model_in_ollamas_own_layout_says_what_to_do(engine: LiveEngine, odd_model: str) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        engine.client.chat(odd_model, [{"role": "user", "content": "hi"}])

    assert caught.value.status_code == 500
    assert caught.value.error.startswith("unable to load model: ")
    assert caught.value.error.endswith(
        "The library publishes gptoss models in Ollama's own layout: take a GGUF from hf.co, "
        "or run the model with Ollama."
    )


def test_a_model_that_did_not_load_is_tried_again(engine: LiveEngine, odd_model: str) -> None:
    for _ in range(2):
        answer = engine.http.post("/api/generate", json={"model": odd_model})

        assert answer.json()["error"].startswith("unable to load model: ")
    engine.wait_until(lambda: engine.engine.in_flight == 0)


def test_a_child_that_cannot_run_is_said(
    engine: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.unload_all()
    monkeypatch.setattr(sys, "executable", "/bin/false")

    answer = engine.http.post("/api/generate", json={"model": "tiny"})

    assert answer.status_code == 500
    assert answer.json() == {"error": "unable to load model: the model process ended with code 1"}
