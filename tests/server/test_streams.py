"""The relay between a browser and Ollama: few writes, hang-ups, a heartbeat, all misbehavior."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import live_server
import pytest
from fake_ollama import (
    Burst,
    Cut,
    EndWithoutDone,
    FakeModel,
    Garbage,
    HugeLine,
    Never,
    Pace,
    Reset,
    Status,
    Text,
    Wait,
)
from waiting import DEADLINE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_ollama import FakeOllama, Step
    from live_server import Server, Stream

LINE = b'{"message":{"content":"word "},"done":false}\n'


def asked(server: Server, text: str = "Hello", **more: Any) -> Stream:
    return server.stream("chat", {"parent_id": None, "text": text, **more})


def kept(server: Server, start: dict[str, Any]) -> dict[str, Any]:
    """Read the answer that a start line began."""
    chat = server.get(f"conversations/{start['conversation']['id']}")
    found: dict[str, Any] = chat["messages"][-1]
    return found


def wait_until_kept(server: Server, start: dict[str, Any], state: str) -> dict[str, Any]:
    wait_until(lambda: kept(server, start)["state"] == state)
    return kept(server, start)


# ---------------------------------------------------------------- few writes


def test_a_burst_comes_in_few_lines(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Burst([LINE] * 2000)])

    with asked(server) as stream:
        lines = stream.rest()

    assert "".join(line.get("text", "") for line in lines) == "word " * 2000
    assert len(lines) < 200
    assert stream.size_bytes < 40_000


def test_a_slow_answer_comes_in_at_most_twenty_lines_a_second(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Pace(200), *[Text("word ")] * 300])

    begun = time.monotonic()
    with asked(server) as stream:
        lines = stream.rest()
    seconds = time.monotonic() - begun

    deltas = [line for line in lines if line["type"] == "delta"]
    assert "".join(line["text"] for line in deltas) == "word " * 300
    assert len(deltas) <= 20 * seconds + 5


def test_the_first_word_does_not_wait_for_the_second(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("first"), Wait()])

    with asked(server) as stream:
        assert stream.until("delta")["text"] == "first"


def test_words_before_a_stall_are_told(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("a"), Text("b"), Text("c"), Wait()])
    told = ""

    with asked(server) as stream:
        while told != "abc":
            told += stream.until("delta")["text"]


# ---------------------------------------------------------------- the heartbeat


def test_a_wait_for_the_first_word_says_what_is_waited_for(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Wait()])

    with asked(server) as stream:
        first, second = stream.until("phase"), stream.until("phase")

    assert first["words"] == "reading the prompt, or waiting behind others"
    assert second["seconds"] > first["seconds"] > 0


def test_a_model_that_loads_is_said_to_load(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Wait()])
    ollama.script("/api/ps", [Status(200, {"models": []})])

    with asked(server) as stream:
        assert stream.until("phase")["words"] == "loading the model"


def test_a_stall_in_mid_answer_is_said(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("half"), Wait()])

    with asked(server) as stream:
        stream.until("delta")

        assert stream.until("phase")["words"] == "waiting for the server"


# ---------------------------------------------------------------- hanging up


def test_hanging_up_before_the_first_word_stops_the_model(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Wait()])

    with asked(server) as stream:
        start = stream.line()
        record = ollama.wait_for("/api/chat")
    record.wait_for_hangup(DEADLINE_SECONDS)

    assert wait_until_kept(server, start, "stopped")["text"] == ""


def test_hanging_up_in_mid_answer_stops_the_model_and_keeps_what_came(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Text("half"), Never(rate=50)])

    with asked(server) as stream:
        start = stream.line()
        stream.until("delta")
    ollama.calls("/api/chat")[-1].wait_for_hangup(DEADLINE_SECONDS)

    message = wait_until_kept(server, start, "stopped")
    assert message["text"].startswith("half")
    assert message["model"] == "tiny:latest"
    assert message["error"] is None


def test_hanging_up_before_the_model_is_asked_asks_nothing(
    server: Server, ollama: FakeOllama
) -> None:
    model = ollama.add(FakeModel("slow"))
    ollama.script("/api/show", [Wait(0.5), Status(200, model.in_show())])

    with server.stream_later("chat", {"parent_id": None, "text": "Hi", "model": "slow"}):
        record = ollama.wait_for("/api/show")
    record.wait_until_over(DEADLINE_SECONDS)

    assert server.get("health")["state"] == "ready"
    assert ollama.calls("/api/chat") == []


def test_hanging_up_during_a_burst_stops_the_model(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=100_000)])

    with asked(server) as stream:
        stream.until("delta")

    ollama.calls("/api/chat")[-1].wait_for_hangup(DEADLINE_SECONDS)


def test_a_client_that_reads_nothing_holds_nobody_up(server: Server, ollama: FakeOllama) -> None:
    ollama.script(
        "*", [Burst([b'{"message":{"content":"%s"},"done":false}\n' % (b"x" * 9000)] * 2000)]
    )

    with asked(server) as idle:
        record = ollama.wait_for("/api/chat")
        record.wait_until_over(DEADLINE_SECONDS)
        assert server.get("health")["state"] == "ready"

        assert sum(len(line.get("text", "")) for line in idle.rest()) == 18_000_000


def test_hanging_up_is_no_error_in_the_log(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("half"), Wait()])
    before = len(server.log)

    with asked(server) as stream:
        start = stream.line()
        stream.until("delta")
    wait_until_kept(server, start, "stopped")

    assert "Traceback" not in server.log[before:]
    assert "CancelledError" not in server.log[before:]


def test_an_answer_goes_on_without_its_client_where_that_was_asked_for(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Pace(20), *[Text("word ")] * 30])

    with asked(server, keep_running=True) as stream:
        start = stream.line()
        stream.until("delta")

    assert wait_until_kept(server, start, "done")["text"] == "word " * 30


def test_an_answer_without_a_client_can_be_stopped(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=20)])
    with asked(server, keep_running=True) as stream:
        start = stream.line()
        stream.until("delta")

    assert server.post("chat/stop", {"message_id": start["message"]["id"]}) == {"was_running": True}

    ollama.calls("/api/chat")[-1].wait_for_hangup(DEADLINE_SECONDS)
    assert wait_until_kept(server, start, "stopped")["text"].startswith(" on")


def test_an_answer_is_stopped_by_the_key_of_its_request(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Wait()])
    with asked(server, keep_running=True, key="mine") as stream:
        start = stream.line()

    assert server.post("chat/stop", {"key": "mine"}) == {"was_running": True}

    wait_until_kept(server, start, "stopped")


def test_a_stopped_answer_has_a_last_line(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=20)])

    with asked(server) as stream:
        start = stream.line()
        stream.until("delta")
        server.post("chat/stop", {"message_id": start["message"]["id"]})
        last = stream.rest()[-1]

    assert last["type"] == "done"
    assert last["message"]["state"] == "stopped"


def test_nothing_is_stopped_that_does_not_run(server: Server) -> None:
    assert server.post("chat/stop", {"message_id": 10**9}) == {"was_running": False}


# ---------------------------------------------------------------- misbehavior


@pytest.mark.parametrize(
    ("steps", "kind", "words"),
    [
        pytest.param([Text("half"), Cut()], "StreamBroken", "broke in mid-answer", id="cut"),
        pytest.param([Text("half"), Reset()], "StreamBroken", "broke in mid-answer", id="reset"),
        pytest.param(
            [Text("half"), EndWithoutDone()], "StreamBroken", "without its last line", id="no end"
        ),
        pytest.param(
            [Text("half"), Garbage()], "StreamBroken", "not Ollama's answer", id="garbage"
        ),
        pytest.param([Status(500, {"error": "boom"})], "Refused", "boom", id="500"),
        pytest.param(
            [Status(502, "<html>", "text/html")], "Unreachable", "answered 502", id="a proxy's page"
        ),
        pytest.param([Status(503, {"error": "busy"})], "Busy", "queue is full", id="queue full"),
        pytest.param([Status(401, {"error": "who?"})], "Unauthorized", "wants a key", id="key"),
        pytest.param([Cut()], "StreamBroken", "before it answered", id="closed at once"),
    ],
)
def test_a_failure_is_one_typed_last_line(
    server: Server, ollama: FakeOllama, steps: list[Step], kind: str, words: str
) -> None:
    ollama.script("*", steps)

    *_, last = server.chat()

    assert last["type"] == "error"
    assert last["error"]["kind"] == kind
    assert words in last["error"]["message"]
    assert last["message"]["state"] == "broken"


def test_a_line_of_a_megabyte_is_relayed(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [HugeLine()])

    lines = server.chat()

    assert sum(len(line.get("text", "")) for line in lines) == 1_000_000


# ---------------------------------------------------------------- many at once


@contextlib.contextmanager
def streams(server: Server, count: int) -> Iterator[list[Stream]]:
    """Begin answers, as many as may be: none of another test's may be ending still, before or after."""
    wait_until(lambda: not is_answering(server, count))
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(asked(server, f"Prompt {i}")) for i in range(count)]
    wait_until(lambda: not is_answering(server, count))


def is_answering(server: Server, count: int) -> bool:
    """Whether an answer is being written in one of the newest chats."""
    newest = server.get(f"conversations?limit={count}")["conversations"]
    chats = [server.get(f"conversations/{one['id']}") for one in newest]
    return any(message["state"] == "streaming" for chat in chats for message in chat["messages"])


def test_the_server_answers_while_eight_answers_are_written(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Never(rate=200)])
    worst = 0.0

    with streams(server, 8) as opened:
        for stream in opened:
            stream.until("delta")
        for _ in range(20):
            begun = time.monotonic()
            assert server.call("GET", "/api/status").status == 200
            worst = max(worst, time.monotonic() - begun)

    assert worst < 5


def test_one_answer_more_than_allowed_is_refused_in_words(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Never(rate=20)])

    with streams(server, 8) as opened:
        for stream in opened:
            stream.until("delta")
        status, error = server.refusal("POST", "chat", {"parent_id": None, "text": "One more"})

    assert status == 503
    assert error["message"] == "8 answers are being written already, the most at once here."


def test_an_answer_that_has_ended_makes_room(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=20)])
    with streams(server, 8) as opened:
        starts = [stream.line() for stream in opened]
    for start in starts:
        wait_until_kept(server, start, "stopped")
    ollama.forget()

    assert server.chat()[-1]["type"] == "done"


# ---------------------------------------------------------------- completions for the editor


def test_a_completion_streams(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("coder", ["completion", "insert"]))
    ollama.say("return x")

    with server.stream(
        "generate", {"model": "coder", "prompt": "def f(x):\n", "suffix": "\n"}
    ) as stream:
        lines = stream.rest()

    assert "".join(line.get("text", "") for line in lines) == "return x"
    assert lines[-1]["type"] == "done"
    body = ollama.calls("/api/generate")[-1].body
    assert (body["suffix"], body["options"]["num_ctx"]) == ("\n", 8192)


def test_a_completion_between_two_texts_needs_a_model_that_can(
    server: Server, ollama: FakeOllama
) -> None:
    status, error = server.refusal(
        "POST", "generate", {"model": "tiny", "prompt": "a", "suffix": "b"}
    )

    assert status == 400
    assert error["message"] == "Model 'tiny:latest' cannot fill in the middle."


def test_leaving_a_completion_stops_the_model(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Never(rate=20)])

    with server.stream("generate", {"model": "tiny", "prompt": "a"}) as stream:
        stream.until("delta")

    ollama.calls("/api/generate")[-1].wait_for_hangup(DEADLINE_SECONDS)


def test_a_completion_that_breaks_off_ends_with_an_error(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Text("half"), Cut()])

    with server.stream("generate", {"model": "tiny", "prompt": "a"}) as stream:
        last = stream.rest()[-1]

    assert last["error"]["kind"] == "StreamBroken"


def test_a_completion_of_an_unknown_model_is_refused(server: Server, ollama: FakeOllama) -> None:
    status, error = server.refusal("POST", "generate", {"model": "tyni", "prompt": "a"})

    assert status == 404
    assert error["kind"] == "ModelNotFound"


# ---------------------------------------------------------------- the end of the server


def test_a_server_that_is_shut_down_ends_answers_with_a_word(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script("*", [Text("half"), Never(rate=20)])

    with (
        live_server.running(tmp_path, ollama.url) as server,
        asked(server) as stream,
    ):
        stream.until("delta")
        server.stop()
        last = stream.rest()[-1]

    assert last["type"] == "error"
    assert last["error"]["message"] == "The Jupyter server was shut down in mid-answer."
    assert last["message"]["text"].startswith("half")
    ollama.calls("/api/chat")[-1].wait_for_hangup(DEADLINE_SECONDS)
    with live_server.running(tmp_path / "again", ollama.url, env=data_of(server)) as again:
        assert again.get("conversations")["total"] == 1


def data_of(server: Server) -> dict[str, str]:
    return {"OLLAMA_LAB_DATA_DIR": str(server.home / "data" / "ollama_lab")}
