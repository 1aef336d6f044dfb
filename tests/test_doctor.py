"""Each check of the doctor, with its remedy; nothing is started for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from fake_ollama import FakeModel, FakeOllama, Status
from scripted_peer import Peer, whole

from ollama_lab import doctor, settings
from ollama_lab.doctor import Check
from ollama_lab.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def session(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The kernel's way to the scripted server."""
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    made = Session(settings.load())
    yield made
    made.close()


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A way to nowhere: no host is set, and no usual place is tried."""
    monkeypatch.setattr(doctor, "_OTHER_PLACES", ())
    made = Session(settings.load())
    made.settings.allow_probe = False
    yield made
    made.close()


def checked(session: Session, host: str = "") -> dict[str, Check]:
    return {check.what: check for check in doctor.checks(session, host)}


def test_with_a_server_all_is_well(session: Session, ollama: FakeOllama) -> None:
    found = checked(session)

    assert list(found) == ["packages", "embedded engine", "server", "version", "models"]
    assert all(check.is_ok for check in found.values())
    assert found["server"].found == f"{ollama.url} (OLLAMA_HOST)"
    assert found["version"].found == f"Ollama {ollama.version}"
    assert found["models"].found == "4, prompts go to tiny:latest (the newest here)"


def test_the_packages_are_told_with_their_versions(session: Session) -> None:
    found = checked(session)["packages"].found

    assert found.startswith("Python 3.")
    assert "ollama-lab " in found


def test_a_server_that_is_down_comes_with_its_remedy(lost: Session) -> None:
    check = checked(lost, NOWHERE)["server"]

    assert check == Check(
        "server",
        is_ok=False,
        found=f"Nothing answers at {NOWHERE}.",
        remedy="Start it with: ollama serve",
    )


def test_after_a_server_that_is_down_nothing_more_is_asked_of_it(lost: Session) -> None:
    assert "models" not in checked(lost, NOWHERE)


def test_an_ollama_at_another_usual_place_is_named(
    lost: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama() as other:
        monkeypatch.setattr(doctor, "_OTHER_PLACES", (NOWHERE, other.url))

        check = checked(lost, NOWHERE)["server"]

    assert check.remedy == f"An Ollama answers at {other.url}: %ollama host {other.url}"


def test_where_the_engine_would_start_it_is_said_and_not_started(lost: Session) -> None:
    pytest.importorskip("xllamacpp")

    check = checked(lost)["server"]

    assert check == Check("server", is_ok=True, found="no Ollama answers: the engine starts")
    assert lost.hosts.chosen is None
    assert lost.settings.allow_engine


def test_without_a_server_and_an_engine_the_ways_on_are_named(lost: Session) -> None:
    lost.settings.allow_engine = False

    check = checked(lost)["server"]

    assert not check.is_ok
    assert check.remedy == "Start Ollama, or say where it is with: %ollama host URL"


def test_an_engine_that_is_switched_off_is_told(session: Session) -> None:
    session.settings.allow_engine = False

    assert checked(session)["embedded engine"].found == "switched off (allow_engine)"


def test_an_engine_that_is_not_installed_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    check = checked(session)["embedded engine"]

    assert check.is_ok
    assert check.found == (
        'not installed; needed only without an Ollama: pip install "ollama-lab[engine]"'
    )


@pytest.mark.engine
def test_an_engine_that_can_run_is_told(session: Session) -> None:
    assert checked(session)["embedded engine"].found == "can run on this machine"


def test_an_old_server_comes_with_its_remedy(session: Session, ollama: FakeOllama) -> None:
    ollama.version = "0.9.0"

    check = checked(session)["version"]

    assert not check.is_ok
    assert check.found == "Ollama 0.9.0 cuts prompts that are too long without a word"
    assert check.remedy == "Update it to 0.12.6 or newer."


def test_a_server_without_models_comes_with_its_remedy(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.models.clear()

    check = checked(session)["models"]

    assert not check.is_ok
    assert (check.found, check.remedy) == (
        "the server has none",
        "Pull one with: %ollama pull llama3.2:1b",
    )


def test_a_server_with_embedding_models_only_comes_with_its_remedy(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.models = {"v:latest": FakeModel("v", ["embedding"])}

    check = checked(session)["models"]

    assert not check.is_ok
    assert check.found == "The server has no chat model."


def test_the_demo_model_alone_is_told(session: Session, ollama: FakeOllama) -> None:
    ollama.models = {"demo:latest": FakeModel("demo")}

    check = checked(session)["models"]

    assert check.is_ok
    assert check.found == "only the demo model, which knows little: %ollama pull llama3.2:1b"


def test_a_server_that_fails_at_a_check_does_not_end_the_doctor(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.script("/api/tags", [Status(500, {"error": "disk on fire"})])

    check = checked(session)["models"]

    assert not check.is_ok
    assert check.found == "Ollama refused: disk on fire."


def test_a_server_that_is_not_ollama_is_told(lost: Session) -> None:
    with Peer(whole(b"<html>")) as peer:
        check = checked(lost, peer.url)["server"]

    assert not check.is_ok
    assert check.remedy == "Check the address with: %ollama host URL"


def test_a_proxy_that_is_not_used_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)

    assert checked(session)["proxy"].found == "HTTPS_PROXY: not used: the server is near"


def test_a_proxy_that_is_used_is_told(lost: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(whole(b'{"version": "0.33.0"}')) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)

        found = checked(lost, "http://far.example.org:11434")

    assert found["server"].is_ok
    assert found["proxy"].found == "http_proxy: used for this host"


def test_a_proxy_that_is_down_is_told(lost: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", NOWHERE)

    found = checked(lost, "http://far.example.org:11434")

    assert found["server"].remedy == "Go there without it: set NO_PROXY=far.example.org"
    assert found["proxy"].found == "http_proxy: used for this host"


def test_where_no_host_is_set_a_proxy_is_not_used(
    lost: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", NOWHERE)

    assert checked(lost)["proxy"].found == "http_proxy: not used: the server is near"


def test_without_a_proxy_nothing_is_said_of_it(session: Session) -> None:
    assert "proxy" not in checked(session)


def test_a_key_stands_in_no_finding(session: Session) -> None:
    session.settings.api_key = "s3cret"

    assert "s3cret" not in repr(list(doctor.checks(session)))
