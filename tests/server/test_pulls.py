"""Pulls as jobs: shared by tabs, surviving the page, canceled, failed, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_ollama import ErrorLine, Send, Wait
from waiting import DEADLINE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_ollama import FakeOllama
    from live_server import Server

HALF = Send({"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": 500})


def job(server: Server, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in server.get("pulls")["pulls"] if one["id"] == job_id)
    return found


def wait_for(
    server: Server, job_id: str, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    wait_until(lambda: is_so(job(server, job_id)))
    return job(server, job_id)


def test_a_pull_goes_on_without_the_page_that_began_it(server: Server, ollama: FakeOllama) -> None:
    begun = server.post("pulls", {"model": "qwen3:0.6b"})

    done = wait_for(server, begun["id"], lambda one: one["state"] != "running")

    assert begun["state"] == "running"
    assert done["state"] == "done"
    assert done["done_bytes"] == done["total_bytes"] > 0
    assert "qwen3:0.6b" in {one["name"] for one in server.get("models")["models"]}


def test_two_tabs_see_one_pull(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [HALF, Wait()])

    first = server.post("pulls", {"model": "qwen3:0.6b"})
    second = server.post("pulls", {"model": "Qwen3:0.6B"})

    assert second["id"] == first["id"]
    assert (
        wait_for(server, first["id"], lambda one: one["done_bytes"] == 500)["total_bytes"] == 1000
    )
    assert len(ollama.calls("/api/pull")) == 1
    server.delete(f"pulls/{first['id']}")


def test_a_canceled_pull_lets_the_server_go(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [HALF, Wait()])
    begun = server.post("pulls", {"model": "qwen3:0.6b"})
    record = ollama.wait_for("/api/pull")

    server.delete(f"pulls/{begun['id']}")

    record.wait_for_hangup(DEADLINE_SECONDS)
    assert job(server, begun["id"])["state"] == "cancelled"


def test_a_pull_can_begin_again_after_it_was_canceled(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [HALF, Wait()], once=True)
    begun = server.post("pulls", {"model": "qwen3:0.6b"})
    ollama.wait_for("/api/pull")
    server.delete(f"pulls/{begun['id']}")

    again = server.post("pulls", {"model": "qwen3:0.6b"})

    assert again["id"] != begun["id"]
    assert wait_for(server, again["id"], lambda one: one["state"] != "running")["state"] == "done"


def test_a_model_that_the_registry_lacks_is_named(server: Server, ollama: FakeOllama) -> None:
    begun = server.post("pulls", {"model": "lama9"})

    failed = wait_for(server, begun["id"], lambda one: one["state"] != "running")

    assert failed["state"] == "failed"
    assert failed["error"]["kind"] == "ModelNotFound"
    assert failed["error"]["message"] == "The registry knows no model 'lama9:latest'."


def test_a_full_disk_is_named(server: Server, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [HALF, ErrorLine("write: no space left on device")])
    begun = server.post("pulls", {"model": "qwen3:0.6b"})

    failed = wait_for(server, begun["id"], lambda one: one["state"] != "running")

    assert failed["error"]["kind"] == "NoRoom"


def test_a_name_that_no_model_can_have_is_refused(server: Server) -> None:
    status, error = server.refusal("POST", "pulls", {"model": "a b"})

    assert (status, error["message"]) == (400, "'a b' is no model name.")


def test_a_pull_that_is_not_there_cannot_be_canceled(server: Server) -> None:
    status, error = server.refusal("DELETE", "pulls/0123456789abcdef")

    assert (status, error["message"]) == (404, "There is no pull '0123456789abcdef'.")
