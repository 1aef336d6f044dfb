"""Streams on an event loop: ends told from breaks, waits that can be canceled, few wake-ups."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import Cut, EndWithoutDone, ErrorLine, Pace, Send, Status, Text, Thinking, Wait
from fake_steps import http_chunk
from scripted_peer import AUTHORITY, Peer, head, hold, reset, stay, whole
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab import aclient, wire
from ollama_lab.errors import (
    ModelNotFound,
    OllamaLabError,
    Refused,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from ollama_lab.hosts import Host
from ollama_lab.transport import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_ollama import FakeOllama

CHUNKED = head("Content-Type: application/x-ndjson", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
LINE = b'{"message":{"content":"Hi"},"done":false}\n'
DONE = b'{"message":{"content":""},"done":true,"done_reason":"stop"}\n'
CALL = wire.chat("tiny-think:latest", [{"role": "user", "content": "Hello"}])


def host(url: str, **more: Any) -> Host:
    return Host(url, "a test", **more)


def chunks(
    url: str, patience: Patience | None = None, *, pace: float = 0.0, **more: Any
) -> list[wire.Chunk]:
    async def go() -> list[wire.Chunk]:
        stream = aclient.chat(host(url, **more), CALL, patience or Patience(), pace=pace)
        return [chunk async for chunk in stream]

    return asyncio.run(go())


def text(found: list[wire.Chunk]) -> str:
    return "".join(chunk.content for chunk in found)


def failure(url: str, patience: Patience | None = None, **more: Any) -> OllamaLabError:
    with pytest.raises(OllamaLabError) as caught:
        chunks(url, patience, **more)
    return caught.value


def cancel_when(url: str, is_time: Callable[[int], bool], **more: Any) -> int:
    """Cancel a stream once `is_time` says so of the number of chunks; gives that number."""

    async def go() -> int:
        got = 0

        async def read() -> None:
            nonlocal got
            async for _ in aclient.chat(host(url, **more), CALL, Patience()):
                got += 1

        task = asyncio.ensure_future(read())
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not is_time(got):  # noqa: ASYNC110 (what is waited for happens in another thread)
                await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return got

    return asyncio.run(go())


# ---------------------------------------------------------------- answers


def test_an_answer_comes_whole(ollama: FakeOllama) -> None:
    ollama.say("Hello big world", thinking="Hm, hm")

    found = chunks(ollama.url)

    assert text(found) == "Hello big world"
    assert "".join(chunk.thinking for chunk in found) == "Hm, hm"
    assert found[-1].done_reason == "stop"
    assert found[-1].stats is not None


def test_thinking_keeps_its_place(ollama: FakeOllama) -> None:
    ollama.script("*", [Thinking("a"), Text("b"), Text("c")])

    assert next((c.thinking, c.content) for c in chunks(ollama.url)) == ("a", "")


@pytest.mark.parametrize("every", [1, 2, 3, 7, 64])
def test_an_answer_may_be_cut_anywhere(every: int) -> None:
    data = CHUNKED + http_chunk(LINE) + http_chunk(LINE + DONE) + END
    pieces = [data[start : start + every] for start in range(0, len(data), every)]

    with Peer(*pieces) as peer:
        assert text(chunks(peer.url)) == "HiHi"


def test_an_answer_of_a_stated_length_is_read() -> None:
    with Peer(whole(LINE + DONE), stay) as peer:
        assert text(chunks(peer.url)) == "Hi"


def test_an_answer_that_ends_with_the_connection_is_read() -> None:
    with Peer(head("Content-Type: application/x-ndjson"), LINE + DONE) as peer:
        assert text(chunks(peer.url)) == "Hi"


def test_a_last_line_without_its_newline_is_read() -> None:
    with Peer(whole(LINE + DONE.rstrip())) as peer:
        assert text(chunks(peer.url)) == "Hi"


def test_what_comes_before_the_answer_is_passed_over() -> None:
    with Peer(b"HTTP/1.1 100 Continue\r\n\r\n", whole(LINE + DONE)) as peer:
        assert text(chunks(peer.url)) == "Hi"


def test_a_head_without_fields_is_a_head() -> None:
    with Peer(b"HTTP/1.1 200 OK\r\n\r\n", LINE + DONE) as peer:
        assert text(chunks(peer.url)) == "Hi"


def test_unusual_line_ends_stay_in_the_text() -> None:
    line = '{"message":{"content":"a\u0085b\u2028c"},"done":false}\n'.encode()

    with Peer(whole(line + DONE)) as peer:
        assert text(chunks(peer.url)) == "a\u0085b\u2028c"


def test_a_line_of_a_megabyte_is_read() -> None:
    line = b'{"message":{"content":"' + b"x" * 1_000_000 + b'"},"done":false}\n'

    with Peer(CHUNKED, http_chunk(line), http_chunk(DONE), END) as peer:
        assert len(text(chunks(peer.url))) == 1_000_000


def test_an_answer_over_tls_is_read() -> None:
    with Peer(CHUNKED, http_chunk(LINE), http_chunk(DONE) + END, is_tls=True) as peer:
        assert text(chunks(peer.url, ca_file=str(AUTHORITY))) == "Hi"


def test_a_certificate_is_not_checked_where_that_was_asked_for() -> None:
    with Peer(whole(LINE + DONE), is_tls=True) as peer:
        assert text(chunks(peer.url, verify_tls=False)) == "Hi"


# ---------------------------------------------------------------- what is sent


def test_a_request_says_who_asks_and_carries_the_hosts_headers() -> None:
    with Peer(whole(LINE + DONE)) as peer:
        chunks(f"{peer.url}/prefix", headers={"X-Team": "blue"})

    start = peer.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert start.startswith("POST /prefix/api/chat HTTP/1.1\r\n")
    assert "\r\nUser-Agent: ollama-lab" in start
    assert "\r\nX-Team: blue" in start
    assert "Origin" not in start


def test_a_user_and_a_password_are_sent_as_such() -> None:
    with Peer(whole(LINE + DONE)) as peer:
        chunks(peer.url, basic_auth=("me", "s3cret"))

    assert b"\r\nAuthorization: Basic bWU6czNjcmV0\r\n" in peer.requests[0]


# ---------------------------------------------------------------- one object


def test_one_object_is_fetched(ollama: FakeOllama) -> None:
    found = asyncio.run(aclient.fetch(host(ollama.url), wire.version(), Patience()))

    assert found["version"] == ollama.version


def test_an_empty_reply_is_an_empty_object(ollama: FakeOllama) -> None:
    call = wire.copy("tiny", "twin")

    assert asyncio.run(aclient.fetch(host(ollama.url), call, Patience())) == {}


def test_the_steps_of_a_pull_come_to_success(ollama: FakeOllama) -> None:
    async def go() -> list[wire.PullProgress]:
        stream = aclient.progress(host(ollama.url), wire.pull("qwen3:0.6b"), Patience())
        return [step async for step in stream]

    assert asyncio.run(go())[-1].is_success


def test_a_pull_that_ends_early_says_so(ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [Send({"status": "pulling"}), EndWithoutDone()])

    async def go() -> None:
        async for _ in aclient.progress(host(ollama.url), wire.pull("x"), Patience()):
            pass

    with pytest.raises(StreamBroken, match="before the work was done"):
        asyncio.run(go())


# ---------------------------------------------------------------- answers that break


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((CHUNKED, http_chunk(LINE)), id="chunked, cut between chunks"),
        pytest.param((CHUNKED, b"50\r\n" + LINE[:5]), id="chunked, cut in a chunk"),
        pytest.param((CHUNKED,), id="chunked, cut after the head"),
        pytest.param((head("Content-Length: 99"), LINE), id="of a length, cut before"),
        pytest.param((CHUNKED, http_chunk(LINE), reset), id="reset"),
    ],
)
def test_an_answer_that_breaks_off_says_so(steps: tuple[Any, ...]) -> None:
    with Peer(*steps) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, StreamBroken)
    assert exc.message == f"The connection to {peer.url} broke in mid-answer."


def test_what_came_before_a_break_is_given(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("half"), Cut()])
    got: list[str] = []

    async def go() -> None:
        async for chunk in aclient.chat(host(ollama.url), CALL, Patience()):
            got.append(chunk.content)  # noqa: PERF401 (what came before the failure counts)

    with pytest.raises(StreamBroken):
        asyncio.run(go())
    assert got == ["half"]


def test_an_answer_without_its_last_line_says_so(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("on and on"), EndWithoutDone()])

    assert "without its last line" in failure(ollama.url).message


def test_an_error_line_is_the_error(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("half"), ErrorLine("out of memory")])

    assert "out of memory" in str(failure(ollama.url))


def test_a_refusal_is_worded_as_everywhere(ollama: FakeOllama) -> None:
    ollama.script("*", [Status(404, {"error": "model 'x' not found"})])

    assert isinstance(failure(ollama.url), ModelNotFound)


def test_a_page_of_a_proxy_is_named(ollama: FakeOllama) -> None:
    ollama.script("*", [Status(502, "<html>", "text/html")])

    assert failure(ollama.url).message == f"A proxy at {ollama.url} answered 502 instead of Ollama."


@pytest.mark.parametrize("steps", [(), (reset,)], ids=["closed", "reset"])
def test_a_server_that_ends_without_an_answer_says_so(steps: tuple[Any, ...]) -> None:
    with Peer(*steps) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, StreamBroken)
    assert exc.message == f"{peer.url} closed the connection before it answered."


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 what\r\n\r\n", b"x" * 200_000]
)
def test_what_speaks_no_http_is_named(data: bytes) -> None:
    with Peer(data, stay) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, Refused)
    assert exc.message == f"{peer.url} answers, but not as Ollama does (no HTTP)."


def test_a_redirect_is_not_followed() -> None:
    with Peer(head("Location: http://elsewhere:1/", status="302 Found")) as peer:
        assert "sends on to http://elsewhere:1" in failure(peer.url).message


def test_a_closed_port_is_named() -> None:
    exc = failure("http://127.0.0.1:1")

    assert isinstance(exc, Unreachable)
    assert exc.message == "Nothing answers at http://127.0.0.1:1."


def test_a_name_without_an_address_is_named() -> None:
    exc = failure("http://nobody.invalid:11434")

    assert exc.message == (
        "Nothing answers at http://nobody.invalid:11434 (no machine is called 'nobody.invalid')."
    )


def test_a_certificate_that_is_not_trusted_is_named() -> None:
    with Peer(stay, is_tls=True) as peer:
        assert "a certificate that is not trusted here" in failure(peer.url).message


def test_a_server_without_tls_is_named() -> None:
    with Peer(b"HTTP/1.1 400 Bad Request\r\n\r\n", is_rude=True) as peer:
        exc = failure(peer.url.replace("http:", "https:"))

    assert "answers, but not as Ollama does (without TLS)" in exc.message


# ---------------------------------------------------------------- waits


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_the_first_byte_is_waited_for_as_long_as_allowed(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(stay, is_tls=is_tls) as peer:
        exc = failure(peer.url, Patience(first_byte_seconds=0.3), ca_file=str(AUTHORITY))

        assert isinstance(exc, TimedOut)
        assert exc.message == f"{peer.url} has sent nothing for 0.3 s."
        assert peer.hung_up.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_silence_within_an_answer_is_waited_for_as_long_as_allowed(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(CHUNKED, http_chunk(LINE), stay, is_tls=is_tls) as peer:
        exc = failure(peer.url, Patience(idle_seconds=0.3), ca_file=str(AUTHORITY))

        assert isinstance(exc, TimedOut)
        assert peer.hung_up.wait(DEADLINE_SECONDS)


def test_the_first_byte_may_take_longer_than_silence_within_an_answer(ollama: FakeOllama) -> None:
    ollama.script("*", [Wait(0.6), Text("late")])

    assert text(chunks(ollama.url, Patience(idle_seconds=0.2))) == "late"


def test_a_connection_is_waited_for_as_long_as_allowed() -> None:
    # A listener that accepts nobody and whose queue is full lets a connection wait.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(3):
                sock = waiting.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", port))

            exc = failure(f"http://127.0.0.1:{port}", Patience(connect_seconds=0.3))

    assert exc.message.endswith("(no connection within 0.3 s).")


# ---------------------------------------------------------------- leaving


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_canceling_before_the_first_byte_closes_the_connection(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(stay, is_tls=is_tls) as peer:
        cancel_when(peer.url, lambda _: bool(peer.requests), ca_file=str(AUTHORITY))

        assert peer.hung_up.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_canceling_in_mid_answer_closes_the_connection(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(CHUNKED, http_chunk(LINE), stay, is_tls=is_tls) as peer:
        got = cancel_when(peer.url, bool, ca_file=str(AUTHORITY))

        assert got == 1
        assert peer.hung_up.wait(DEADLINE_SECONDS)


def test_canceling_a_rest_closes_the_connection(ollama: FakeOllama) -> None:
    ollama.script("*", [Pace(50), *[Text("word ")] * 500])

    async def go() -> None:
        first = asyncio.Event()

        async def read() -> None:
            async for _ in aclient.chat(host(ollama.url), CALL, Patience(), pace=30):
                first.set()

        task = asyncio.ensure_future(read())
        async with asyncio.timeout(DEADLINE_SECONDS):
            await first.wait()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(go())

    wait_until(lambda: ollama.calls("/api/chat")[-1].hangup_seconds is not None)


def test_leaving_the_stream_closes_the_connection() -> None:
    async def go() -> None:
        stream = aclient.chat(host(peer.url), CALL, Patience())
        async with contextlib.aclosing(stream):
            await anext(stream)

    with Peer(CHUNKED, http_chunk(LINE), stay) as peer:
        asyncio.run(go())

        assert peer.hung_up.wait(DEADLINE_SECONDS)


# ---------------------------------------------------------------- pace


def test_a_slow_answer_comes_in_few_pieces(ollama: FakeOllama) -> None:
    ollama.script("*", [Pace(100), *[Text("word ")] * 80])

    found = chunks(ollama.url, pace=0.2)

    assert text(found) == "word " * 80
    assert len(found) < 40


def test_a_burst_is_never_slept_on() -> None:
    with Peer(CHUNKED, http_chunk(LINE * 20_000 + DONE), END) as peer:
        assert len(text(chunks(peer.url, pace=30))) == 40_000


def test_the_end_of_an_answer_is_never_slept_on() -> None:
    async def go() -> list[wire.Chunk]:
        asyncio.get_running_loop().call_later(0.1, peer.go_on.set)
        return [c async for c in aclient.chat(host(peer.url), CALL, Patience(), pace=30)]

    with Peer(CHUNKED, hold, http_chunk(LINE + DONE) + END) as peer:
        assert text(asyncio.run(go())) == "Hi"
