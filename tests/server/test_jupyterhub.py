"""A server of JupyterHub's: signed in by its cookie, under its address, with nothing looked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import live_server
import pytest
from hub_cookies import COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_server import Server

pytestmark = pytest.mark.engine

TESTS = Path(__file__).parents[1]
HUB = {
    "JUPYTERHUB_USER": "me",
    "JUPYTERHUB_API_URL": "http://hub:8081/hub/api",
    "JUPYTERHUB_SERVICE_PREFIX": "/user/me/",
}
SIGNED_IN = {"Cookie": f"{COOKIE}=opaque"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server as JupyterHub does, whose administrator allows the embedded engine."""
    env = {**HUB, "PYTHONPATH": str(TESTS), "OLLAMA_LAB_ENGINE_LINGER_SECONDS": "0"}
    server = live_server.Server(
        tmp_path_factory.mktemp("hub"),
        "--ServerApp.identity_provider_class=hub_cookies.HubCookies",
        "--OllamaLab.allow_engine=True",
        env=env,
        base_url="/user/me/",
    )
    server.headers = SIGNED_IN
    with server:
        yield server


def test_the_hubs_cookie_is_a_login(hub: Server) -> None:
    assert hub.get("conversations")["total"] == 0


def test_an_old_cookie_of_the_hubs_is_no_login(hub: Server) -> None:
    reply = hub.call("GET", "conversations", headers={"Cookie": f"{COOKIE}=old"})

    assert (reply.status, reply.json["kind"]) == (403, "Unauthorized")


def test_the_hubs_cookie_alone_changes_nothing(hub: Server) -> None:
    status, error = hub.refusal("POST", "estimate", {"texts": ["a"]})

    assert (status, "_xsrf" in error["message"]) == (403, True)


def test_the_hubs_cookie_with_xsrf_is_enough(hub: Server) -> None:
    word = "0123456789abcdef"  # as the page's cookie has it
    both = {"Cookie": f"{SIGNED_IN['Cookie']}; _xsrf={word}", "X-XSRFToken": word}

    assert hub.call("POST", "estimate", {"texts": ["a"]}, headers=both).json == {"tokens": [1]}


def test_the_engine_answers_where_the_administrator_allows_it(hub: Server) -> None:
    health = hub.get("health")

    assert (health["is_embedded"], health["state"]) == (True, "only_demo")
