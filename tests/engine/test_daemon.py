from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab.engine import daemon
from ollama_lab.engine.store import Store
from ollama_lab.engine.users import Users
from ollama_lab.errors import BadUsage, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE = "import sys; from ollama_lab.engine.daemon import serve; serve({arguments})"
LISTENING = re.compile(r"^\d\d:\d\d:\d\d Listening on (http://\S+) with \d+ models?\.$")


@contextmanager
def serving(arguments: str = "port=0") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the foreground engine as a terminal would: in a process group that gets the Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE.format(arguments=arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        try:
            found = LISTENING.match(process.stderr.readline())
            assert found is not None
            yield process, found[1]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def refusal_of(arguments: str) -> str:
    """Run the foreground engine where it cannot listen, and return its last line."""
    code = SERVE.format(arguments=arguments)
    answer = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    return answer.stderr.strip().split("\n")[-1]


def rest_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


def status_of(url: str, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{url}/api/tags", headers=headers, timeout=20).status_code


@pytest.mark.engine
def test_the_foreground_engine_says_where_it_listens_and_answers_without_a_token() -> None:
    with serving() as (_, url):
        assert url.startswith("http://127.0.0.1:")
        assert status_of(url) == 200


@pytest.mark.engine
def test_ctrl_c_leaves_no_process() -> None:
    with serving() as (process, url):
        body = {"model": "demo", "prompt": "hello", "stream": False}
        requests.post(f"{url}/api/generate", json=body, timeout=60)
        (child,) = psutil.Process(process.pid).children(recursive=True)

        os.killpg(process.pid, signal.SIGINT)

        assert process.wait(DEADLINE_SECONDS) == 0
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.engine
def test_its_log_is_made_of_lines_for_a_person() -> None:
    with serving() as (process, url):
        status_of(url)

        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_SECONDS)

        lines = [line[9:] for line in rest_of(process).strip().split("\n")]
    assert lines[0].startswith("Models are kept in ")
    assert lines[0].endswith("Stop with Ctrl-C.")
    assert re.fullmatch(r"GET /api/tags 200, \d+ ms", lines[1])
    assert lines[2:] == ["Stopping."]


@pytest.mark.engine
def test_control_characters_of_a_path_do_not_reach_the_terminal() -> None:
    with serving() as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 20) as client:
            client.sendall(b"GET /a\x1b[31mb HTTP/1.0\r\nHost: localhost\r\n\r\n")
            client.recv(1)

        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_SECONDS)

        assert "\x1b" not in rest_of(process)


@pytest.mark.engine
def test_the_foreground_engine_does_not_end_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")

    with serving() as (process, url):
        status_of(url)

        assert status_of(url) == 200
        assert process.poll() is None


@pytest.mark.engine
def test_an_open_address_with_a_token_asks_for_it() -> None:
    with serving("host='0.0.0.0', port=0, token='secret'") as (_, url):
        local = url.replace("0.0.0.0", "127.0.0.1")

        assert status_of(local) == 401
        assert status_of(local, "secret") == 200


@pytest.mark.engine
def test_the_folder_for_models_can_be_chosen(tmp_path: Path) -> None:
    arguments = f"port=0, models=__import__('pathlib').Path({str(tmp_path)!r})"

    with serving(arguments) as (process, _):
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_SECONDS)

        assert f"Models are kept in {tmp_path}." in rest_of(process)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])
def test_an_open_address_without_a_token_is_refused_in_words(host: str) -> None:
    with pytest.raises(BadUsage) as caught:
        daemon.serve(host)

    assert str(caught.value) == (
        f"Without a token everybody who reaches {host or 'every address'} could use this engine. "
        "Add --token SECRET, or listen on 127.0.0.1."
    )


def test_a_host_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(BadUsage, match=r"no-such-host\.invalid is no address of this machine"):
        daemon.serve("no-such-host.invalid")


@pytest.mark.engine
def test_a_port_that_is_taken_is_refused_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        words = refusal_of(f"port={port}")

    assert words == (
        f"ollama_lab.errors.BadUsage: Port {port} of 127.0.0.1 is taken, perhaps by an Ollama. "
        f"Take another one with: ollama-lab serve --port {port + 1}"
    )


@pytest.mark.engine
def test_an_address_of_another_machine_is_refused_in_words() -> None:
    words = refusal_of("host='192.0.2.1', token='secret'")

    assert "BadUsage: 192.0.2.1:11434 cannot be listened on: " in words
    assert words.endswith(". Try 127.0.0.1.")


def test_a_missing_library_is_named_before_anything_is_listened_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libgomp.so.1").write_bytes(b"not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    with pytest.raises(Unreachable, match="apt-get install libgomp1"):
        daemon.serve(port=0)


def test_the_engine_ends_when_the_last_user_has_been_gone_for_long_enough() -> None:
    async def use() -> None:
        users = Users(linger_seconds=0)
        users.open()
        users.open()
        users.close()
        assert not users.is_over
        users.close()
        await asyncio.wait_for(users.wait(), DEADLINE_SECONDS)
        assert users.is_over

    asyncio.run(use())


def test_the_engine_ends_when_nobody_ever_comes() -> None:
    async def wait() -> None:
        users = Users(linger_seconds=600, first_seconds=0)
        await asyncio.wait_for(users.wait(), DEADLINE_SECONDS)

    asyncio.run(wait())


def test_a_user_who_comes_back_in_time_keeps_the_engine() -> None:
    async def use() -> bool:
        users = Users(linger_seconds=600)
        users.open()
        users.close()
        users.open()
        return users.is_over

    assert asyncio.run(use()) is False


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        pytest.param("", 60.0, id="nothing"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param("-3", 0.0, id="negative"),
        pytest.param("soon", 60.0, id="a word"),
    ],
)
def test_how_long_an_engine_lingers_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, said: str, seconds: float
) -> None:
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", said)

    assert daemon._linger_seconds() == seconds


def test_a_store_that_cannot_be_written_moves_to_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    store = daemon._writable(Store(Path("/proc/models"), [tmp_path]))

    assert store.root == tmp_path / f"ollama-lab-{os.getuid()}" / "models"
    assert store.roots[1:] == [Path("/proc/models"), tmp_path]
