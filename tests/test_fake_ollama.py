"""The scripted Ollama: it answers as recorded, misbehaves as told, and knows who hung up."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wire_cases
from fake_bench import words
from fake_ollama import (
    Cut,
    Done,
    Drip,
    EndWithoutDone,
    ErrorLine,
    FakeModel,
    FakeOllama,
    Garbage,
    HugeLine,
    Never,
    Pace,
    Reset,
    Send,
    Status,
    Text,
    Thinking,
    ToolCalls,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HI = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}

# Recorded requests the fake answers by itself; the models they name are put on it.
AS_RECORDED = [
    "root-get",
    "root-head",
    "version",
    "status-cloud-disabled",
    "tags-empty",
    "ps-empty",
    "chat-stream",
    "chat-nonstream",
    "chat-load-only",
    "chat-unload",
    "generate-stream",
    "generate-nonstream",
    "embed",
    "embed-load-only",
    "copy",
    "pull-nonstream",
    "pull-unknown-model",
    "create-nothing-given",
    "blob-head-missing",
    *[
        name
        for name in wire_cases.names("failure")
        if name.startswith("error-")
        # What only llama.cpp or a full queue can say.
        and name
        not in (
            "error-queue-full",
            "error-schema-unsupported",
            "error-tool-arguments-string",
            "error-image-data-uri",
            "error-embed-too-long",
            "error-cloud-disabled",
            "error-context-exceeded-nonstream",
            "error-context-exceeded-stream",
        )
    ],
]
MODELS = {
    "tiny": ["completion", "tools"],
    "tiny-plain": ["completion"],
    "tiny-embed": ["embedding"],
    "script": ["completion", "tools"],
}


@pytest.fixture
def connection(ollama: FakeOllama) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection("127.0.0.1", ollama.port, timeout=10)
    yield client
    client.close()


def ask(
    client: http.client.HTTPConnection, body: Any = HI, path: str = "/api/chat"
) -> http.client.HTTPResponse:
    client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    return client.getresponse()


def lines(client: http.client.HTTPConnection, body: Any = HI) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ask(client, body).read().split(b"\n") if line]


@pytest.mark.parametrize("name", AS_RECORDED)
def test_it_answers_as_recorded(
    ollama: FakeOllama, connection: http.client.HTTPConnection, name: str
) -> None:
    case = wire_cases.load(name)
    ollama.models = models_for(name)
    recorded = json.loads((wire_cases.FOLDER / f"{name}.json").read_text())["request"]
    ollama.registry["http://127.0.0.1:11500/library/tiny:latest"] = FakeModel("tiny")
    body = case.request if isinstance(case.request, str | None) else json.dumps(case.request)

    connection.request(case.method, case.path, body, recorded["headers"])
    reply = connection.getresponse()
    got = reply.read()

    assert reply.status == case.status
    assert (
        not got
        or reply.headers["Content-Type"].partition(";")[0] == case.content_type.partition(";")[0]
    )
    assert shape(got) == shape(case.body)


def models_for(name: str) -> dict[str, FakeModel]:
    """Give the models that the recorded server had."""
    if name in ("tags-empty", "ps-empty"):
        return {}
    # These refusals came from models that can do nothing but complete.
    is_plain = name in ("error-think-unsupported", "error-tools-unsupported")
    models = [FakeModel(key, ["completion"] if is_plain else can) for key, can in MODELS.items()]
    return {model.name: model for model in models}


def shape(body: bytes) -> Any:
    """Give field names in order of a body's first and last line; an error's words are its shape."""
    pieces = [line for line in body.split(b"\n") if line]
    if not pieces or pieces[0][:1] != b"{":
        return body
    ends = [json.loads(piece) for piece in (pieces[0], pieces[-1])]
    return [end.get("error", list(end)) for end in ends]


def test_a_stream_has_one_line_a_piece_and_the_counts_at_the_end(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.say("Hello big world")

    got = lines(connection)

    assert [line["message"]["content"] for line in got] == ["Hello", " big", " world", ""]
    assert (got[-1]["done"], got[-1]["done_reason"], got[-1]["eval_count"]) == (True, "stop", 3)


def test_thinking_comes_first_and_only_where_the_model_can(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.say("Yes", thinking="Hm so")

    thoughts = [
        line["message"].get("thinking") for line in lines(connection, {**HI, "model": "tiny-think"})
    ]

    assert thoughts == ["Hm", " so", None, None]
    assert len(lines(connection)) == 2


def test_tool_calls_come_in_the_last_line_or_where_the_script_puts_them(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    call = {"name": "add", "arguments": {"b": 2, "a": 1}}
    ollama.say("Let me", tool_calls=[call], once=True)
    ollama.script("tiny", [ToolCalls([call]), Text("Done")])

    last, middle = lines(connection)[-1], lines(connection)[0]

    assert last["message"]["tool_calls"][0]["function"]["arguments"] == {"b": 2, "a": 1}
    assert last["done"]
    assert middle["message"]["tool_calls"][0]["function"]["name"] == "add"
    assert not middle["done"]


def test_headers_leave_with_the_first_line(ollama: FakeOllama) -> None:
    ollama.script("tiny", [Wait(0.3), Text("x")])
    with socket.create_connection(("127.0.0.1", ollama.port), 5) as client:
        client.sendall(raw_request())
        started = time.monotonic()

        first = client.recv(65536)

    assert time.monotonic() - started > 0.25
    assert b"200 OK" in first
    assert b'"content":"x"' in first


def raw_request() -> bytes:
    body = json.dumps(HI).encode()
    return b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def test_it_knows_when_the_client_hung_up(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script("tiny", [Text("x"), Wait()])
    ask(connection).readline()
    record = ollama.wait_for("/api/chat")

    connection.close()

    assert record.wait_for_hangup() < 5
    assert record.wait_until_over() == "client gone"


def test_it_knows_of_a_hang_up_before_the_first_byte(ollama: FakeOllama) -> None:
    ollama.script("tiny", [Wait()])
    with socket.create_connection(("127.0.0.1", ollama.port), 5) as client:
        client.sendall(raw_request())
        record = ollama.wait_for("/api/chat")

    record.wait_for_hangup()

    assert record.bytes_sent == 0


def test_it_knows_of_a_hang_up_in_the_middle_of_a_burst(ollama: FakeOllama) -> None:
    ollama.script("tiny", [Never(rate=0)])
    with socket.create_connection(("127.0.0.1", ollama.port), 5) as client:
        client.sendall(raw_request())
        client.recv(1000)

    assert ollama.wait_for("/api/chat").wait_until_over() == "client gone"


def test_a_client_that_stays_has_not_hung_up(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    lines(connection)

    record = ollama.requests[-1]
    assert record.wait_until_over() == "done"
    assert record.hangup_seconds is None


def test_one_connection_serves_many_requests(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    bodies = [HI, {**HI, "model": "nope"}, {**HI, "stream": False}]

    replies = [ask(connection, body).read() for body in bodies]

    assert all(replies)
    assert [record.status for record in ollama.requests] == [200, 404, 200]


def test_a_cut_leaves_the_body_without_its_end(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script("tiny", [Text("x"), Cut()])

    with pytest.raises(http.client.IncompleteRead):
        ask(connection).read()


def test_a_reset_is_a_reset(ollama: FakeOllama, connection: http.client.HTTPConnection) -> None:
    ollama.script("tiny", [Text("x"), Wait(0.1), Reset()])

    with pytest.raises(ConnectionResetError):
        ask(connection).read()


def test_an_end_without_done_is_a_proper_end(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script("tiny", [Text("x"), EndWithoutDone()])

    assert [line["done"] for line in lines(connection)] == [False]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([ErrorLine("no")], b'{"error":"no"}\n', id="error line first, as old servers"),
        pytest.param([Garbage(), EndWithoutDone()], b"\x00\xff<garbage>\n", id="garbage"),
        pytest.param([Drip(b"ab\nc", 1), EndWithoutDone()], b"ab\nc", id="drip"),
        pytest.param([Send(b"\xff\n"), EndWithoutDone()], b"\xff\n", id="bytes as they are"),
        pytest.param(
            [Send({"a": "<\x85\u2028"}), EndWithoutDone()],
            b'{"a":"\\u003c\xc2\x85\\u2028"}\n',
            id="go",
        ),
    ],
)
def test_a_script_is_played_to_the_byte(
    ollama: FakeOllama, connection: http.client.HTTPConnection, steps: Any, expected: bytes
) -> None:
    ollama.script("tiny", steps)

    assert ask(connection).read() == expected


def test_a_huge_line_is_huge(ollama: FakeOllama, connection: http.client.HTTPConnection) -> None:
    ollama.script("tiny", [HugeLine(1_000_000)])

    assert len(lines(connection)[0]["message"]["content"]) == 1_000_000


def test_done_takes_and_leaves_fields(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script(
        "tiny", [Thinking("x"), Done("length", {"eval_count": 0, "load_duration": None}, "end")]
    )

    last = lines(connection)[-1]

    assert (last["message"]["content"], last["done_reason"]) == ("end", "length")
    assert not {"eval_count", "load_duration"} & set(last)


def test_a_path_can_be_scripted(ollama: FakeOllama, connection: http.client.HTTPConnection) -> None:
    ollama.script("/api/tags", [Status(502, "<html>", "text/html")])

    connection.request("GET", "/api/tags")
    reply = connection.getresponse()

    assert (reply.status, reply.headers["Content-Type"], reply.read()) == (
        502,
        "text/html",
        b"<html>",
    )


def test_a_once_is_followed_by_the_standing_script(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.say("always")
    ollama.say("first", once=True)

    said = [lines(connection)[0]["message"]["content"] for _ in range(3)]

    assert said == ["first", "always", "always"]


def test_a_pace_is_kept(ollama: FakeOllama, connection: http.client.HTTPConnection) -> None:
    ollama.say("a b c d e f g h i j", rate=50)

    ask(connection).read()

    record = ollama.requests[-1]
    assert (record.last_sent_ns - record.first_sent_ns) / 1e9 > 0.17


def test_num_predict_cuts_and_says_length(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script("tiny", [Pace(0), *map(Text, "abcdef")])

    got = lines(connection, {**HI, "options": {"num_predict": 2}})

    assert "".join(line["message"]["content"] for line in got) == "ab"
    assert got[-1]["done_reason"] == "length"


def test_an_over_long_prompt_is_refused_where_the_client_said_truncate_false(
    connection: http.client.HTTPConnection,
) -> None:
    long = {"role": "user", "content": "word " * 2000}
    body = {**HI, "messages": [long], "options": {"num_ctx": 512}, "truncate": False}

    reply = ask(connection, body)

    inner = json.loads(json.loads(reply.read())["error"])["error"]
    assert reply.status == 400
    assert (inner["type"], inner["n_ctx"]) == ("exceed_context_size_error", 512)


def test_a_request_loads_the_model_and_keep_alive_zero_unloads_it(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ask(connection, {**HI, "options": {"num_ctx": 2048}}).read()
    was_loaded, context = ollama.model("tiny").is_loaded, ollama.model("tiny").loaded_context

    ask(connection, {"model": "tiny", "messages": [], "keep_alive": 0}).read()

    assert (was_loaded, context) == (True, 2048)
    assert not ollama.model("tiny").is_loaded


@pytest.mark.parametrize("version", ["0.9.0", "0.12.3", "0.24.0", "0.33.0-rc2", "0.0.0"])
def test_tags_and_version_are_the_versions_own(version: str) -> None:
    with FakeOllama(version=version) as ollama:
        told = get(f"{ollama.url}/api/version")["version"]
        entry = get(f"{ollama.url}/api/tags")["models"][0]

    assert told == version
    assert ("capabilities" in entry) == (version in ("0.33.0-rc2", "0.0.0"))


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def test_a_pulled_model_is_there_afterwards(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    events = ask(connection, {"model": "qwen3:0.6b"}, "/api/pull").read()

    assert b'"status":"success"' in events
    assert "qwen3:0.6b" in ollama.models


@pytest.mark.parametrize("header", [{"Host": "ollama:11434"}, {"Origin": "https://example.com"}])
def test_a_foreign_host_or_origin_gets_an_empty_403(
    connection: http.client.HTTPConnection, header: dict[str, str]
) -> None:
    connection.request("GET", "/api/tags", headers=header)
    reply = connection.getresponse()

    assert (reply.status, reply.read()) == (403, b"")


def test_a_stopped_server_cuts_and_refuses_and_comes_back_on_its_port(
    ollama: FakeOllama, connection: http.client.HTTPConnection
) -> None:
    ollama.script("tiny", [Text("x"), Wait()])
    answer = ask(connection)
    answer.readline()

    ollama.stop()

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ollama.port), 5)
    ollama.start()
    assert get(f"{ollama.url}/api/version")


def test_a_bench_model_says_the_same_each_time(connection: http.client.HTTPConnection) -> None:
    got = lines(connection, {**HI, "model": "bench-n50-k3"})

    assert "".join(line["message"]["content"] for line in got) == "".join(words(50))
    assert [line["message"].get("thinking", "") for line in got[:4]] == [" so", " so", " so", ""]


@pytest.mark.parametrize(
    ("end", "outcome"), [("xmid", "cut"), ("xerr", "done"), ("xhang", "client gone")]
)
def test_a_bench_model_ends_as_its_name_says(
    ollama: FakeOllama, connection: http.client.HTTPConnection, end: str, outcome: str
) -> None:
    reply = ask(connection, {**HI, "model": f"bench-n10-{end}"})
    half = [reply.readline() for _ in range(5)]
    connection.close()
    reply.close()

    record = ollama.requests[-1]
    assert len(half) == 5
    assert record.wait_until_over() == outcome


def test_as_a_process_it_gives_its_port_and_its_log(tmp_path: Path) -> None:
    portfile = tmp_path / "port"
    script = Path(__file__).parent / "fake_ollama.py"
    command = [sys.executable, str(script), "--portfile", str(portfile)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            client = http.client.HTTPConnection("127.0.0.1", int(portfile.read_text()), timeout=10)
            ask(client, {**HI, "model": "bench-n5"}).read()
            client.request("GET", "/__bench/log")
            log = json.load(client.getresponse())
            client.close()
        finally:
            process.terminate()

    assert [(entry["path"], entry["lines_sent"]) for entry in log] == [("/api/chat", 6)]
    assert log[0]["received_ns"] <= log[0]["first_sent_ns"] <= log[0]["last_sent_ns"]
