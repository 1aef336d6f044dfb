"""Bytes to and from a server: waits that can be stopped, ends told from breaks, TLS, proxies."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from fake_ollama import Burst, Pace, Status, Text, Wait
from fake_steps import http_chunk
from scripted_peer import AUTHORITY, Peer, head, hold, reset, stay, tunnel, whole
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab.errors import (
    BadUsage,
    OllamaLabError,
    Refused,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from ollama_lab.hosts import Host
from ollama_lab.transport import Patience, Reply, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_ollama import FakeOllama

CHUNKED = head("Content-Type: application/x-ndjson", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
NOWHERE = "http://127.0.0.1:1"
FAR = "http://far.example.org:11434"
JSON = "application/json"


@contextlib.contextmanager
def transport(url: str, patience: Patience | None = None, **host: Any) -> Iterator[Transport]:
    made = Transport(Host(url, "a test", **host), patience or Patience())
    try:
        yield made
    finally:
        made.close()


def fetched(url: str, patience: Patience | None = None, **host: Any) -> Reply:
    with transport(url, patience, **host) as made:
        return made.fetch("GET", "/api/version")


def streamed(url: str, patience: Patience | None = None, **host: Any) -> bytes:
    with (
        transport(url, patience, **host) as made,
        made.open("POST", "/api/chat", b"{}") as (refusal, data),
    ):
        assert refusal is None
        return b"".join(data)


def failure(url: str, patience: Patience | None = None, **host: Any) -> OllamaLabError:
    with pytest.raises(OllamaLabError) as caught:
        streamed(url, patience, **host)
    return caught.value


class LeaveError(Exception):
    """What a test raises to leave a wait."""


# ---------------------------------------------------------------- bodies


def test_a_body_of_a_length_is_read() -> None:
    with Peer(whole(b'{"a": 1}')) as peer:
        assert fetched(peer.url) == Reply(200, JSON, b'{"a": 1}')


def test_a_body_of_a_length_that_comes_after_its_head_is_read() -> None:
    with Peer(head("Content-Length: 6"), b"abc", b"def", stay) as peer:
        assert fetched(peer.url).body == b"abcdef"


def test_a_chunked_body_is_read() -> None:
    with Peer(CHUNKED, http_chunk(b"abc"), http_chunk(b"def"), END, stay) as peer:
        assert fetched(peer.url).body == b"abcdef"


def test_a_chunked_body_that_comes_with_its_head_is_read() -> None:
    with Peer(CHUNKED + http_chunk(b"abc") + END, stay) as peer:
        assert streamed(peer.url) == b"abc"


def test_a_chunked_body_that_comes_byte_by_byte_is_read() -> None:
    body = http_chunk(b'{"a": 1}\n') + END
    with Peer(CHUNKED, *(bytes([byte]) for byte in body)) as peer:
        assert streamed(peer.url) == b'{"a": 1}\n'


def test_a_body_that_ends_with_the_connection_is_read() -> None:
    with Peer(head("Content-Type: text/plain"), b"abc", b"def") as peer:
        assert fetched(peer.url) == Reply(200, "text/plain", b"abcdef")


@pytest.mark.parametrize("status", ["204 No Content", "200 OK"])
def test_an_empty_body_is_read(status: str) -> None:
    with Peer(head("Content-Length: 0", status=status), stay) as peer:
        assert fetched(peer.url).body == b""


def test_the_answer_to_head_has_no_body() -> None:
    with Peer(head("Content-Length: 5"), stay) as peer, transport(peer.url) as made:
        assert made.fetch("HEAD", "/api/blobs/x") == Reply(200, "", b"")


def test_a_body_of_many_megabytes_is_read() -> None:
    body = bytes(range(256)) * 32_768
    with Peer(whole(body)) as peer:
        assert fetched(peer.url).body == body


def test_what_comes_before_the_answer_is_passed_over() -> None:
    with Peer(b"HTTP/1.1 100 Continue\r\n\r\n", whole(b"{}")) as peer:
        assert fetched(peer.url) == Reply(200, JSON, b"{}")


def test_a_refusal_comes_whole_and_not_as_a_stream() -> None:
    with (
        Peer(whole(b'{"error": "no"}', status="404 Not Found")) as peer,
        transport(peer.url) as made,
        made.open("POST", "/api/chat", b"{}") as (refusal, data),
    ):
        assert refusal == Reply(404, JSON, b'{"error": "no"}')
        assert not refusal.is_ok
        assert list(data) == []


def test_a_file_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"x" * 3_000_000)

    with Peer(whole(b"")) as peer, transport(peer.url) as made, path.open("rb") as file:
        made.fetch("POST", "/api/blobs/x", file)

    assert peer.requests[0].endswith(b"\r\n\r\n" + b"x" * 3_000_000)


# ---------------------------------------------------------------- what is sent


def test_a_request_says_who_asks_and_wants_no_compression() -> None:
    with Peer(whole(b"{}")) as peer:
        streamed(peer.url, headers={"X-Team": "blue"})

    start = peer.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert start.startswith("POST /api/chat HTTP/1.1\r\n")
    assert "\r\nUser-Agent: ollama-lab" in start
    assert "\r\nAccept-Encoding: identity" in start
    assert "\r\nContent-Type: application/json" in start
    assert "\r\nX-Team: blue" in start
    assert "Origin" not in start


def test_a_prefix_of_the_path_is_kept() -> None:
    with Peer(whole(b"{}")) as peer:
        fetched(f"{peer.url}/user/me")

    assert peer.first_line == "GET /user/me/api/version HTTP/1.1"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_netrc_is_never_read(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text("default login me password s3cret\n")
    (home / ".netrc").chmod(0o600)

    with Peer(whole(b"{}")) as peer:
        monkeypatch.setenv(name, peer.url)
        fetched(peer.url)
        fetched(FAR)

    assert len(peer.requests) == 2
    assert b"Authorization" not in b"".join(peer.requests)


# ---------------------------------------------------------------- waits


def test_ticks_come_while_nothing_else_does() -> None:
    ticks: list[float] = []

    with Peer(hold, whole(b"{}")) as peer, transport(peer.url) as made:

        def tick(seconds: float) -> None:
            ticks.append(seconds)
            if len(ticks) == 3:
                peer.go_on.set()

        made.fetch("GET", "/", tick=tick)

    assert len(ticks) >= 3
    assert ticks == sorted(ticks)
    assert ticks[0] > 0


def test_ticks_come_between_the_pieces_of_an_answer() -> None:
    ticks: list[float] = []
    steps = (CHUNKED, http_chunk(b"a"), hold, http_chunk(b"b"), END)

    with Peer(*steps) as peer, transport(peer.url) as made:

        def tick(seconds: float) -> None:
            ticks.append(seconds)
            peer.go_on.set()

        with made.open("POST", "/", b"{}", tick=tick) as (_, data):
            assert b"".join(data) == b"ab"

    assert ticks


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_wait_that_is_left_before_the_first_byte_closes_the_socket(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    def leave(_: float) -> None:
        raise LeaveError

    with (
        Peer(stay, is_tls=is_tls) as peer,
        transport(peer.url, ca_file=str(AUTHORITY)) as made,
    ):
        with pytest.raises(LeaveError), made.open("POST", "/", b"{}", tick=leave):
            pass

        assert peer.hung_up.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_stream_that_is_left_closes_the_socket(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with (
        Peer(CHUNKED, http_chunk(b"a\n"), stay, is_tls=is_tls) as peer,
        transport(peer.url, ca_file=str(AUTHORITY)) as made,
    ):
        with made.open("POST", "/", b"{}") as (_, data):
            assert next(data) == b"a\n"

        assert peer.hung_up.wait(DEADLINE_SECONDS)


def test_a_stream_that_is_left_by_an_exception_closes_the_socket() -> None:
    with Peer(CHUNKED, http_chunk(b"a\n"), stay) as peer, transport(peer.url) as made:
        opened = made.open("POST", "/", b"{}")
        _, data = opened.__enter__()
        next(data)

        assert not opened.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

        assert peer.hung_up.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_the_first_byte_is_waited_for_as_long_as_allowed(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(stay, is_tls=is_tls) as peer:
        exc = failure(peer.url, Patience(first_byte_seconds=0.3), ca_file=str(AUTHORITY))

        assert isinstance(exc, TimedOut)
        assert str(exc) == (
            f"{peer.url} has sent nothing for 0.3 s. "
            "It may be overloaded; settings: first_byte_seconds, idle_seconds."
        )
        assert peer.hung_up.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_silence_within_an_answer_is_waited_for_as_long_as_allowed(is_tls: bool) -> None:  # noqa: FBT001 (a column of the table)
    with Peer(CHUNKED, http_chunk(b"a\n"), stay, is_tls=is_tls) as peer:
        exc = failure(peer.url, Patience(idle_seconds=0.3), ca_file=str(AUTHORITY))

        assert isinstance(exc, TimedOut)
        assert peer.hung_up.wait(DEADLINE_SECONDS)


def test_the_first_byte_may_take_longer_than_silence_within_an_answer(ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Wait(1.0), Text("late")])

    assert b"late" in streamed(ollama.url, Patience(idle_seconds=0.2))


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

    assert isinstance(exc, Unreachable)
    assert (
        exc.message == f"Nothing answers at http://127.0.0.1:{port} (no connection within 0.3 s)."
    )


# ---------------------------------------------------------------- pace


def test_a_slow_answer_is_read_in_few_pieces(ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Pace(100), *[Text("word ")] * 80])

    with (
        transport(ollama.url) as made,
        made.open("POST", "/api/chat", b"{}", pace=0.2) as (_, data),
    ):
        pieces = list(data)

    assert b"".join(pieces).count(b"word ") == 80
    assert len(pieces) < 40


def test_a_burst_is_never_slept_on(ollama: FakeOllama) -> None:
    lines = b'{"message":{"content":"x"},"done":false}\n' * 20_000
    with (
        Peer(CHUNKED, http_chunk(lines), END) as peer,
        transport(peer.url) as made,
        made.open("POST", "/", b"{}", pace=3600) as (_, data),
    ):
        assert sum(map(len, data)) == len(lines)


def test_the_end_of_an_answer_is_never_slept_on() -> None:
    with (
        Peer(CHUNKED, hold, http_chunk(b"a\n") + END) as peer,
        transport(peer.url) as made,
        made.open("POST", "/", b"{}", tick=lambda _: peer.go_on.set(), pace=3600) as (_, data),
    ):
        assert list(data) == [b"a\n"]


def test_lines_that_are_sent_one_by_one_are_read_together(ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Burst([b'{"done":false}\n'] * 5000)])

    with transport(ollama.url) as made, made.open("POST", "/api/chat", b"{}") as (_, data):
        pieces = list(data)

    assert b"".join(pieces).count(b'{"done":false}\n') == 5000
    assert len(pieces) < 2500


# ---------------------------------------------------------------- answers that break


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((CHUNKED, http_chunk(b"abc")), id="chunked, cut between chunks"),
        pytest.param((CHUNKED, b"5\r\nab"), id="chunked, cut in a chunk"),
        pytest.param((CHUNKED,), id="chunked, cut after the head"),
        pytest.param((head("Content-Length: 9"), b"abc"), id="of a length, cut before"),
        pytest.param((CHUNKED, http_chunk(b"abc"), reset), id="reset"),
    ],
)
def test_an_answer_that_breaks_off_says_so(steps: tuple[Any, ...]) -> None:
    with Peer(*steps) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, StreamBroken)
    assert exc.message == f"The connection to {peer.url} broke in mid-answer."


def test_what_came_before_a_break_is_given() -> None:
    with (
        Peer(CHUNKED, http_chunk(b"abc")) as peer,
        transport(peer.url) as made,
        made.open("POST", "/", b"{}") as (_, data),
    ):
        assert next(data) == b"abc"
        with pytest.raises(StreamBroken):
            next(data)


def test_a_server_that_closes_without_an_answer_says_so() -> None:
    with Peer() as peer:
        exc = failure(peer.url)

    assert isinstance(exc, StreamBroken)
    assert str(exc) == (
        f"{peer.url} closed the connection before it answered. "
        "Run it again; if it fails again, look at the server's log."
    )


def test_a_server_that_resets_without_an_answer_says_so() -> None:
    with Peer(reset) as peer:
        exc = failure(peer.url)

    assert exc.message == f"{peer.url} closed the connection before it answered."


def test_what_speaks_no_http_is_named() -> None:
    with Peer(b"SSH-2.0-OpenSSH_9.9\r\n", stay) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, Refused)
    assert exc.message == f"{peer.url} answers, but not as Ollama does (no HTTP)."


def test_a_broken_chunk_size_is_named() -> None:
    with Peer(CHUNKED, b"hello\r\n", stay) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, StreamBroken)
    assert exc.message == "The server broke the rules of HTTP in mid-answer: b'hello'."


def test_a_closed_port_is_named() -> None:
    exc = failure(NOWHERE)

    assert isinstance(exc, Unreachable)
    assert str(exc) == f"Nothing answers at {NOWHERE}. Start it with: ollama serve"


def test_a_name_that_does_not_exist_is_named() -> None:
    exc = failure("http://no-such-host.invalid:11434")

    assert isinstance(exc, Unreachable)
    assert exc.message == (
        "Nothing answers at http://no-such-host.invalid:11434 "
        "(no machine is called 'no-such-host.invalid')."
    )


@pytest.mark.parametrize("name", ["a..b", "a" * 64])
def test_a_name_that_no_machine_can_have_is_named(name: str) -> None:
    exc = failure(f"http://{name}:11434")

    assert isinstance(exc, Unreachable)
    assert f"no machine is called '{name}'" in exc.message


def test_an_address_that_cannot_be_asked_is_named() -> None:
    exc = failure("http://.example.org:11434")

    assert isinstance(exc, Unreachable)
    assert exc.message.startswith("http://.example.org:11434 cannot be asked: ")
    assert exc.hint == "Check the address with: %ollama host URL"


def test_a_handshake_that_does_not_come_is_given_up() -> None:
    with Peer(stay) as peer:
        url = peer.url.replace("http:", "https:")

        exc = failure(url, Patience(connect_seconds=0.3))

    assert exc.message == f"Nothing answers at {url} (no connection within 0.3 s)."


# ---------------------------------------------------------------- redirects


def test_a_redirect_is_not_followed_but_said(ollama: FakeOllama) -> None:
    with Peer(
        head(f"Location: {ollama.url}/api/chat", "Content-Length: 0", status="307 Moved")
    ) as peer:
        exc = failure(peer.url, headers={"Authorization": "Bearer secret"})

    assert isinstance(exc, Refused)
    assert str(exc) == (
        f"{peer.url} sends on to {ollama.url}, and redirects are not followed. "
        f"Name the right address with: %ollama host {ollama.url}"
    )
    assert ollama.requests == []


def test_a_redirect_of_a_whole_answer_is_not_followed_either(ollama: FakeOllama) -> None:
    ollama.script("/api/version", [Status(301, headers={"Location": "https://x/api/version"})])

    with pytest.raises(Refused, match="sends on to https://x, and"):
        fetched(ollama.url)


def test_a_redirect_with_an_endless_body_is_said_at_once() -> None:
    with Peer(head("Location: /x", "Content-Length: 99", status="302 Found"), stay) as peer:
        exc = failure(peer.url)

        assert "sends on to another address" in exc.message
        assert peer.hung_up.wait(DEADLINE_SECONDS)


# ---------------------------------------------------------------- TLS


def test_a_certificate_is_checked_with_the_authority_that_is_named() -> None:
    with Peer(whole(b"{}"), is_tls=True) as peer:
        assert fetched(peer.url, ca_file=str(AUTHORITY)).body == b"{}"


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    with Peer(whole(b"{}"), is_tls=True) as peer:
        exc = failure(peer.url)

    assert isinstance(exc, Unreachable)
    assert str(exc) == (
        f"{peer.url} shows a certificate that is not trusted here. "
        "Name its authority with the setting ca_file."
    )
    assert peer.requests == []


def test_a_certificate_is_not_checked_where_that_is_switched_off(
    recwarn: pytest.WarningsRecorder,
) -> None:
    with Peer(whole(b"{}"), is_tls=True) as peer:
        assert fetched(peer.url, verify_tls=False).body == b"{}"

    assert len(recwarn) == 0


def test_an_answer_streams_over_tls() -> None:
    pieces = [b"a\n", b"b" * 100_000 + b"\n", b"c\n"]
    steps = [step for piece in pieces for step in (http_chunk(piece),)]
    with Peer(CHUNKED, *steps, END, stay, is_tls=True) as peer:
        assert streamed(peer.url, ca_file=str(AUTHORITY)) == b"".join(pieces)


def test_an_answer_that_breaks_off_over_tls_says_so() -> None:
    with Peer(CHUNKED, http_chunk(b"abc"), is_tls=True) as peer:
        assert isinstance(failure(peer.url, ca_file=str(AUTHORITY)), StreamBroken)


def test_a_reset_over_tls_says_so() -> None:
    steps = (CHUNKED, http_chunk(b"abc"), hold, reset)
    with Peer(*steps, is_tls=True) as peer, transport(peer.url, ca_file=str(AUTHORITY)) as made:
        opened = made.open("POST", "/", b"{}", tick=lambda _: peer.go_on.set())
        with opened as (_, data), pytest.raises(StreamBroken):
            list(data)


def test_ticks_come_over_tls_while_nothing_else_does() -> None:
    ticks: list[float] = []
    steps = (hold, CHUNKED + http_chunk(b"a\n"), END)

    with Peer(*steps, is_tls=True) as peer, transport(peer.url, ca_file=str(AUTHORITY)) as made:

        def tick(seconds: float) -> None:
            ticks.append(seconds)
            if len(ticks) == 3:
                peer.go_on.set()

        with made.open("POST", "/", b"{}", tick=tick) as (_, data):
            assert b"".join(data) == b"a\n"

    assert len(ticks) >= 3


def test_a_server_without_tls_is_named() -> None:
    with Peer(whole(b"{}", status="400 Bad Request"), is_rude=True) as peer:
        url = peer.url.replace("http:", "https:")

        exc = failure(url)

    assert exc.message == f"{url} answers, but not as Ollama does (without TLS)."


def test_an_authority_whose_file_is_missing_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(BadUsage) as caught,
        transport("https://x", ca_file=str(tmp_path / "ca.pem")),
    ):
        pass

    assert caught.value.message == f"ca_file is '{tmp_path / 'ca.pem'}', and no such file is here."


# ---------------------------------------------------------------- proxies


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_for_far_hosts(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(whole(b"{}")) as proxy:
        monkeypatch.setenv(name, proxy.url)

        assert fetched(FAR).body == b"{}"

    assert proxy.first_line == f"GET {FAR}/api/version HTTP/1.1"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_never_used_for_near_hosts(
    name: str, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(whole(b"{}")) as proxy:
        monkeypatch.setenv(name, proxy.url)
        fetched(ollama.url)
        for near in ("ollama.localhost", "no-such-service", "127.0.0.7"):
            with pytest.raises(Unreachable):
                fetched(f"http://{near}:1", Patience(connect_seconds=0.2))

    assert proxy.requests == []
    assert len(ollama.requests) == 1


def test_a_far_host_that_no_proxy_names_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(whole(b"{}")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "far.invalid")
        with pytest.raises(Unreachable, match="no machine is called"):
            fetched("http://far.invalid:11434")

    assert proxy.requests == []


def test_a_proxy_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)

    exc = failure(FAR)

    assert isinstance(exc, Unreachable)
    assert str(exc) == (
        f"The proxy of the environment does not lead to {FAR}. "
        "Go there without it: set NO_PROXY=far.example.org"
    )


def test_a_proxy_whose_address_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://")

    assert failure(FAR).message == f"The proxy of the environment does not lead to {FAR}."


def test_a_proxy_leads_to_a_far_host_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[float] = []
    with Peer(hold, whole(b"{}"), is_tls=True) as peer, Peer(tunnel(peer.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        # The environment's authorities must not win over the one that the setting names.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())

        def tick(seconds: float) -> None:
            ticks.append(seconds)
            peer.go_on.set()

        with transport("https://far.example.org:443", ca_file=str(AUTHORITY)) as made:
            assert made.fetch("GET", "/api/version", tick=tick).body == b"{}"

    assert proxy.first_line.startswith("CONNECT far.example.org:443 ")
    assert ticks


# ---------------------------------------------------------------- several at once


def test_two_threads_may_use_one_transport(ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Pace(200), *[Text("word ")] * 20])
    got: list[bytes] = []

    with transport(ollama.url) as made:

        def read() -> None:
            with made.open("POST", "/api/chat", b"{}") as (_, data):
                got.append(b"".join(data))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)

    wait_until(lambda: len(got) == 4)
    assert [answer.count(b"word ") for answer in got] == [20] * 4
