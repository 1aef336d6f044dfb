"""Which server a prompt goes to, who gets the key, and what happens where none answers."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from scripted_peer import Peer, stay, whole
from waiting import wait_until

from ollama_lab import hosts, settings
from ollama_lab.client import Client
from ollama_lab.errors import BadUsage, Unreachable
from ollama_lab.hosts import Host, Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_ollama import FakeOllama

#: Nothing listens on this port of loopback: it is reserved and never given to a listener.
NOWHERE = "http://127.0.0.1:1"


def hosts_with(local: str = NOWHERE, **values: Any) -> Hosts:
    """Make a choice of hosts with settings, and with another place for localhost:11434."""
    chosen = settings.load()
    for name, value in {"allow_engine": False, **values}.items():
        chosen.take(name, value, f"the setting {name}")
    return Hosts(chosen, local=local)


def sentence(made: Hosts) -> str:
    with pytest.raises(Unreachable) as caught:
        made.resolve()
    return str(caught.value)


# ---------------------------------------------------------------- how a host is written


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        ("ollama", "http://ollama:11434"),
        ("Ollama.Example.ORG", "http://ollama.example.org:11434"),
        ("größe", "http://größe:11434"),
        ("my_host-1.local", "http://my_host-1.local:11434"),
        ("ollama:5000", "http://ollama:5000"),
        (":5000", "http://127.0.0.1:5000"),
        ("ollama:", "http://ollama:11434"),
        ("ollama:abc", "http://ollama:11434"),
        ("ollama:99999", "http://ollama:11434"),
        ("ollama:-1", "http://ollama:11434"),
        ("http://ollama", "http://ollama:80"),
        ("https://ollama", "https://ollama:443"),
        ("HTTPS://Ollama", "https://ollama:443"),
        ("http://ollama:5000", "http://ollama:5000"),
        ("http://ollama:abc", "http://ollama:80"),
        ("http://:5000", "http://127.0.0.1:5000"),
        ("https://x/", "https://x:443"),
        ("https://x/user/me/proxy", "https://x:443/user/me/proxy"),
        ("https://x:8443/a/b/", "https://x:8443/a/b"),
        ("x/p", "http://x:11434/p"),
        ("x:5000/p", "http://x:5000/p"),
        ('"http://ollama:1"', "http://ollama:1"),
        ("'ollama'", "http://ollama:11434"),
        (' " ollama " ', "http://ollama:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("http://0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
        ("[::]:5000", "http://[::1]:5000"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("http://[::1]", "http://[::1]:80"),
        ("http://[FD00::7]:5000/p", "http://[fd00::7]:5000/p"),
        ("fd00:0:0::7", "http://[fd00::7]:11434"),
        ("[fe80::1%eth0]:5000", "http://[fe80::1%eth0]:5000"),
        ("ollama.com", "https://ollama.com:443"),
        ("http://ollama.com", "http://ollama.com:80"),
    ],
)
def test_a_host_is_read_as_ollama_reads_it(text: str, url: str) -> None:
    assert hosts.parse(text) == (url, None)


@pytest.mark.parametrize(
    ("text", "url", "auth"),
    [
        ("http://me:secret@box:1", "http://box:1", ("me", "secret")),
        ("me:secret@box", "http://box:11434", ("me", "secret")),
        ("https://me@box/p", "https://box:443/p", ("me", "")),
        ("http://me:p%40s%2Fs@box", "http://box:80", ("me", "p@s/s")),
        ("http://me:a:b@[::1]:5", "http://[::1]:5", ("me", "a:b")),
        ("http://m@e:x@box:1", "http://box:1", ("m@e", "x")),
    ],
)
def test_a_password_comes_apart_from_the_url(text: str, url: str, auth: tuple[str, str]) -> None:
    assert hosts.parse(text) == (url, auth)


@pytest.mark.parametrize("text", ["ftp://x", "unix:///run/ollama.sock", "file://x", "://x"])
def test_another_scheme_is_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="is no address of Ollama") as caught:
        hosts.parse(text)

    assert caught.value.hint == "Write http:// or https://"


@pytest.mark.parametrize("text", ["two words", "http://a b", "a\nb", "x;y", "http://$HOME"])
def test_what_can_be_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="is no host name") as caught:
        hosts.parse(text)

    assert caught.value.hint == "Write a host as in http://ollama:11434"


@pytest.mark.parametrize(
    ("name", "is_near"),
    [
        ("localhost", True),
        ("x.localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("172.17.0.1", True),
        ("192.168.1.7", True),
        ("169.254.1.1", True),
        ("fd00::7", True),
        ("fe80::1", True),
        ("ollama", True),
        ("gpu.local", True),
        ("host.docker.internal", True),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("far.example.org", False),
        ("local.example.org", False),
    ],
)
def test_a_host_is_near_or_far(name: str, is_near: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert hosts.is_near(name) is is_near
    assert Host(hosts.parse(name)[0], "").is_near is is_near


# ---------------------------------------------------------------- the order


def test_a_flag_wins_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "variable")
    made = hosts_with(host="setting")

    host = made.resolve("flag")

    assert (host.url, host.why) == ("http://flag:11434", "--host")


def test_a_flag_is_not_remembered() -> None:
    made = hosts_with(host="setting")

    made.resolve("flag")

    assert made.chosen is None
    assert made.resolve().url == "http://setting:11434"


def test_the_setting_wins_over_ollamas_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "variable")

    host = hosts_with(host="setting").resolve()

    assert (host.url, host.why) == ("http://setting:11434", "the setting host")


def test_our_variable_wins_over_ollamas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "theirs")
    monkeypatch.setenv("OLLAMA_LAB_HOST", "ours")

    host = Hosts(settings.load()).resolve()

    assert (host.url, host.why) == ("http://ours:11434", "OLLAMA_LAB_HOST")


def test_ollamas_variable_wins_over_this_machine(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:5000")

    host = hosts_with(ollama.url).resolve()

    assert (host.url, host.why) == ("http://127.0.0.1:5000", "OLLAMA_HOST")
    assert ollama.requests == []


@pytest.mark.parametrize("text", ["", "  ", '""'])
def test_an_empty_variable_says_nothing(
    text: str, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", text)

    assert hosts_with(ollama.url).resolve().url == ollama.url


def test_an_ollama_on_this_machine_is_found(ollama: FakeOllama) -> None:
    host = hosts_with(ollama.url).resolve()

    assert (host.url, host.why) == (ollama.url, "it answers on this machine")
    assert not host.is_embedded


def test_this_machine_is_tried_at_ollamas_own_port() -> None:
    assert Hosts(settings.load())._local == "http://127.0.0.1:11434"


def test_where_probing_is_off_this_machine_is_not_tried(ollama: FakeOllama) -> None:
    sentence(hosts_with(ollama.url, allow_probe=False))

    assert ollama.requests == []


def test_under_jupyterhub_this_machine_is_tried_where_that_is_allowed(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "me")
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_PROBE", "true")

    assert Hosts(settings.load(), local=ollama.url).resolve().url == ollama.url


def test_under_jupyterhub_this_machine_is_not_tried(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "me")

    words = sentence(Hosts(settings.load(), local=ollama.url))

    assert ollama.requests == []
    assert words == (
        "No Ollama answers at localhost:11434, and no other host is set. "
        "Start Ollama, or say where it is with: %ollama host URL"
    )


def test_where_an_engine_could_be_but_is_not_installed_the_three_ways_on_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    words = sentence(hosts_with(allow_engine=True))

    assert words == (
        "No Ollama answers at localhost:11434, and no other host is set. "
        'Start Ollama, set OLLAMA_HOST, or run: pip install "ollama-lab[engine]"'
    )


def test_a_choice_is_made_once(ollama: FakeOllama) -> None:
    made = hosts_with(ollama.url)

    made.resolve()
    made.resolve()

    assert len(ollama.calls("/api/version")) == 1


def test_after_forget_the_choice_is_made_anew(ollama: FakeOllama) -> None:
    made = hosts_with(ollama.url)
    made.resolve()

    made.forget()

    assert made.chosen is None
    assert made.resolve().url == ollama.url
    assert len(ollama.calls("/api/version")) == 2


def test_a_setting_that_changes_counts_after_forget(ollama: FakeOllama) -> None:
    chosen = settings.load()
    made = Hosts(chosen, local=ollama.url)
    made.resolve()

    chosen.set_from_text("host", "elsewhere")
    made.forget()

    host = made.resolve()
    assert (host.url, host.why) == ("http://elsewhere:11434", "%ollama set")


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://x")

    with pytest.raises(BadUsage) as caught:
        hosts_with().resolve()

    assert str(caught.value) == (
        "'ftp://' is no address of Ollama (OLLAMA_HOST). Write http:// or https://"
    )


def test_where_nobody_said_where_the_server_is_it_must_be_looked_for(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hosts_with(ollama.url)
    assert made.must_look()

    assert not made.must_look("flag")
    assert not hosts_with(host="setting").must_look()
    made.resolve()
    assert not made.must_look()
    made.forget()
    monkeypatch.setenv("OLLAMA_HOST", "variable")
    assert not made.must_look()


# ---------------------------------------------------------------- the probe


def test_a_port_that_accepts_and_stays_silent_is_given_up_soon() -> None:
    with Peer(stay) as peer:
        began = time.monotonic()

        assert not hosts.answers(peer.url)

        assert time.monotonic() - began < 2
        assert hosts.PROBE_SECONDS == 0.3


def test_a_closed_port_does_not_answer() -> None:
    assert not hosts.answers(NOWHERE)


def test_a_name_that_does_not_exist_does_not_answer() -> None:
    assert not hosts.answers("http://no-such-host.invalid:11434")


@pytest.mark.parametrize(
    "body", [b'{"name": "something else"}', b"<html>", b"[]", b"5", b'"version"', b"\xff", b""]
)
def test_what_is_not_ollama_does_not_answer(body: bytes) -> None:
    with Peer(whole(body)) as peer:
        assert not hosts.answers(peer.url)


def test_what_speaks_no_http_does_not_answer() -> None:
    with Peer(b"SSH-2.0-OpenSSH_9.9\r\n") as peer:
        assert not hosts.answers(peer.url)


def test_an_ollama_below_a_path_answers(ollama: FakeOllama) -> None:
    with Peer(whole(b'{"version": "0.33.0"}')) as peer:
        assert hosts.answers(f"{peer.url}/prefix")

    assert peer.first_line == "GET /prefix/api/version HTTP/1.1"


# ---------------------------------------------------------------- who gets the key


def test_the_host_of_the_setting_gets_the_key_and_the_headers() -> None:
    made = hosts_with(host="https://x", api_key="secret", headers={"X-Team": "blue"})

    host = made.resolve()

    assert host.headers == {"X-Team": "blue", "Authorization": "Bearer secret"}


def test_the_host_of_ollamas_variable_gets_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "https://x")
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")

    assert hosts_with().resolve().headers == {"Authorization": "Bearer secret"}


def test_the_host_of_a_flag_gets_no_key() -> None:
    made = hosts_with(host="https://x", api_key="secret", headers={"X-Team": "blue"})

    assert made.resolve("https://x").headers == {}


def test_an_ollama_that_was_found_gets_no_key(ollama: FakeOllama) -> None:
    made = hosts_with(ollama.url, api_key="secret", headers={"X-Team": "blue"})

    with Client(made.resolve()) as client:
        client.version()

    assert "authorization" not in ollama.requests[-1].headers
    assert "x-team" not in ollama.requests[-1].headers


def test_the_key_reaches_the_server(ollama: FakeOllama) -> None:
    made = hosts_with(host=ollama.url, api_key="secret", headers={"X-Team": "blue"})

    with Client(made.resolve()) as client:
        client.version()

    assert ollama.requests[-1].headers["authorization"] == "Bearer secret"
    assert ollama.requests[-1].headers["x-team"] == "blue"


def test_a_password_of_the_url_reaches_the_server(ollama: FakeOllama) -> None:
    made = hosts_with(host=ollama.url.replace("//", "//me:secret@"))

    with Client(made.resolve()) as client:
        client.version()

    assert ollama.requests[-1].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_a_host_shows_no_secret() -> None:
    made = hosts_with(host="http://me:s3cret@x", api_key="s3cret", headers={"X-Key": "s3cret"})

    assert "s3cret" not in repr(made.resolve())


def test_certificates_are_those_of_the_settings() -> None:
    host = hosts_with(host="https://x", ca_file="/ca.pem", verify_tls=False).resolve()

    assert (host.ca_file, host.verify_tls) == ("/ca.pem", False)


# ---------------------------------------------------------------- the embedded engine


@pytest.fixture
def with_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """A choice of hosts that finds no Ollama; what it starts is ended."""
    from ollama_lab.engine import launcher

    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")
    made = hosts_with(allow_engine=True)
    yield made
    made.close()
    launcher.stop()


def engine_pid() -> int:
    from ollama_lab.engine import launcher

    found = launcher.status()
    return found.pid if found else 0


@pytest.mark.engine
def test_where_no_ollama_answers_the_engine_does(with_engine: Hosts) -> None:
    host = with_engine.resolve()

    assert host.is_embedded
    assert host.why == "no Ollama answers, so the embedded engine does"
    assert host.is_near
    with Client(host) as client:
        assert client.version()
        assert "demo:latest" in [model.name for model in client.list()]


@pytest.mark.engine
def test_an_ollama_that_answers_is_preferred_to_the_engine(ollama: FakeOllama) -> None:
    made = hosts_with(ollama.url, allow_engine=True)

    assert not made.resolve().is_embedded
    assert engine_pid() == 0


@pytest.mark.engine
def test_after_forget_the_same_engine_is_found(with_engine: Hosts) -> None:
    first = with_engine.resolve()
    pid = engine_pid()

    with_engine.forget()

    assert with_engine.resolve() == first
    assert engine_pid() == pid


@pytest.mark.engine
def test_an_engine_that_was_killed_is_replaced(with_engine: Hosts) -> None:
    first = with_engine.resolve()
    pid = engine_pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or _is_zombie(pid))

    second = with_engine.resolve()

    assert second != first
    with Client(second) as client:
        assert client.version()


@pytest.mark.engine
def test_an_engine_that_is_not_needed_any_more_is_given_back(with_engine: Hosts) -> None:
    with_engine.resolve()

    with_engine._settings.set_from_text("host", "elsewhere")
    with_engine.forget()
    with_engine.resolve()

    wait_until(lambda: engine_pid() == 0)


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
