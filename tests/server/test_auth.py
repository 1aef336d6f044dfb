"""Who may make a call: every route, allowed, denied, without a token, and without XSRF."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import live_server
import pytest

from ollama_lab.server.routes import ROUTES, Verb, verbs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_ollama import FakeOllama
    from live_server import Reply, Server

TESTS = Path(__file__).parents[1]
ACTIONS = {"read", "write", "execute"}
CALLS = list(verbs())
STRICT = (
    "--ServerApp.authorizer_class=only_allowed.OnlyAllowed",
    "--ServerApp.allow_unauthenticated_access=False",
)

in_each_call = pytest.mark.parametrize("verb", CALLS, ids=lambda v: f"{v.method} {v.path}")
in_each_change = pytest.mark.parametrize(
    "verb", [v for v in CALLS if v.method != "GET"], ids=lambda v: f"{v.method} {v.path}"
)


@pytest.fixture(scope="module")
def strict(shared_ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("strict")
    env = {"PYTHONPATH": str(TESTS), "PYTHONWARNINGS": "default"}
    with live_server.running(
        folder, shared_ollama.url, *STRICT, env=env, base_url="/user/me/"
    ) as server:
        yield server


def made(server: Server, verb: Verb, headers: dict[str, str] | None = None) -> Reply:
    """Make a call that can be refused only for who makes it, or for what it says."""
    path = verb.path.replace("NAME", "tiny").replace("ID", "0123456789abcdef")
    body: dict[str, str] | None = None if verb.method in ("GET", "DELETE") else {}
    return server.call(verb.method, path, body, headers=headers)


def allow(server: Server, actions: set[str]) -> None:
    (server.home / "allowed").write_text(" ".join(actions))


@in_each_call
def test_a_call_needs_no_more_than_its_action(strict: Server, verb: Verb) -> None:
    allow(strict, {verb.action})

    reply = made(strict, verb)

    assert reply.status in (200, 400) or (reply.status, reply.json["kind"]) == (404, "NotFound")


@in_each_call
def test_a_call_is_denied_without_its_action(strict: Server, verb: Verb) -> None:
    allow(strict, ACTIONS - {verb.action})

    reply = made(strict, verb)

    assert reply.status == 403
    assert reply.json["kind"] == "Forbidden"
    assert f"not authorized to {verb.action} on resource: ollama_lab" in reply.json["message"]


@in_each_call
def test_a_call_is_denied_without_a_token(strict: Server, verb: Verb) -> None:
    allow(strict, ACTIONS)

    reply = made(strict, verb, headers={})

    assert reply.status == 403
    assert reply.json == {
        "message": "This call comes without the login of the Jupyter server.",
        "hint": "Send its token: Authorization: token TOKEN.",
        "kind": "Unauthorized",
    }


@in_each_change
def test_a_change_is_denied_with_a_cookie_but_without_xsrf(strict: Server, verb: Verb) -> None:
    allow(strict, ACTIONS)

    reply = made(strict, verb, headers={"Cookie": login(strict)})

    assert reply.status == 403
    assert "_xsrf" in reply.json["message"]


def test_a_cookie_with_xsrf_is_enough(strict: Server) -> None:
    allow(strict, ACTIONS)
    cookie = login(strict)
    xsrf = cookie.partition("_xsrf=")[2].partition(";")[0]

    reply = strict.call(
        "POST", "estimate", {"texts": ["a"]}, headers={"Cookie": cookie, "X-XSRFToken": xsrf}
    )

    assert reply.status == 200


def login(server: Server) -> str:
    """Log in as a browser does, by the login page; gives its cookies."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    cookies: list[str] = []
    try:
        for path in ("login", f"api/me?token={server.token}"):
            connection.request("GET", place.path + path, headers={"Cookie": "; ".join(cookies)})
            response = connection.getresponse()
            response.read()
            given = response.headers.get_all("Set-Cookie") or []
            cookies += [text.partition(";")[0] for text in given]
    finally:
        connection.close()
    return "; ".join(cookies)


def test_a_strict_server_starts_without_a_warning(strict: Server) -> None:
    assert "JupyterServerAuthWarning" not in strict.log
    assert "Extension endpoints without" not in strict.log


def test_a_page_from_elsewhere_is_refused(server: Server) -> None:
    cookies = {"Cookie": login(server), "Origin": "http://evil.example"}

    assert server.call("GET", "health", headers=cookies).status in (403, 404)


def test_every_verb_of_every_handler_is_in_the_table() -> None:
    found = {
        (handler.__name__, name)
        for _, handler in ROUTES
        for name in ("get", "post", "patch", "delete", "put", "head", "options")
        if name in vars(handler)
    }

    assert len(found) == len(CALLS)
