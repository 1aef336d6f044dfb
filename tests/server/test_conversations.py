"""The stored chats as the sidebar sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import live_server
import pytest

from ollama_lab.conversations import Parameters, Store

if TYPE_CHECKING:
    from pathlib import Path

    from fake_ollama import FakeOllama
    from live_server import Server


@pytest.fixture
def chat(server: Server, ollama: FakeOllama) -> dict[str, Any]:
    """Give a chat of one prompt and its answer, in a list with nothing else."""
    server.delete("conversations")
    ollama.say("Because of *Rayleigh*:\n\n```python\nprint(1)\n```")
    lines = server.chat("Why is the sky blue?")
    found: dict[str, Any] = server.get(f"conversations/{lines[0]['conversation']['id']}")
    return found


def titles(server: Server, query: str = "") -> list[str]:
    return [one["title"] for one in server.get(f"conversations{query}")["conversations"]]


# ---------------------------------------------------------------- one chat


def test_a_chat_begins_empty(server: Server) -> None:
    made = server.post("conversations", {"title": "Sky", "model": "tiny", "system": "Be brief."})

    assert made["title"] == "Sky"
    assert (made["model"], made["system"]) == ("tiny", "Be brief.")
    assert (made["messages"], made["leaf_id"], made["is_private"]) == ([], None, False)


def test_a_private_chat_is_not_listed(server: Server, chat: dict[str, Any]) -> None:
    made = server.post("conversations", {"title": "Secret", "is_private": True})

    assert made["is_private"] is True
    assert titles(server) == ["Why is the sky blue?"]


def test_a_chat_is_renamed(server: Server, chat: dict[str, Any]) -> None:
    assert server.patch(f"conversations/{chat['id']}", {"title": " Night "})["title"] == "Night"


def test_what_a_chat_asks_for_is_changed_one_by_one(server: Server, chat: dict[str, Any]) -> None:
    place = f"conversations/{chat['id']}"
    server.patch(place, {"model": "tiny-think", "options": {"temperature": 0.5}})

    changed = server.patch(place, {"system": "Be brief."})

    assert changed["model"] == "tiny-think"
    assert changed["system"] == "Be brief."
    assert changed["options"] == {"temperature": 0.5}


def test_a_wrong_option_is_not_kept(server: Server, chat: dict[str, Any]) -> None:
    status, error = server.refusal(
        "PATCH", f"conversations/{chat['id']}", {"options": {"top_p": 7}}
    )

    assert (status, error["message"]) == (400, "top_p is 7; it goes from 0 to 1.")


def test_another_branch_is_shown(server: Server, chat: dict[str, Any]) -> None:
    prompt, answer = chat["messages"]
    server.chat("", conversation_id=chat["id"], parent_id=prompt["id"], regenerate=True)

    shown = server.patch(f"conversations/{chat['id']}", {"leaf_id": answer["id"]})

    assert shown["leaf_id"] == answer["id"]
    assert len(shown["messages"][1]["siblings"]) == 2


def test_a_deleted_chat_comes_back(server: Server, chat: dict[str, Any]) -> None:
    token = server.delete(f"conversations/{chat['id']}")["undo_token"]
    assert titles(server) == []

    restored = server.post(f"conversations/{chat['id']}/restore", {"undo_token": token})

    assert restored["messages"] == chat["messages"]
    assert titles(server) == ["Why is the sky blue?"]


def test_all_chats_are_deleted(server: Server, chat: dict[str, Any]) -> None:
    assert server.delete("conversations") == {"undo_tokens": [chat["id"]]}

    assert server.get("conversations")["total"] == 0
    assert titles(server) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/export")],
)
def test_a_chat_that_is_not_there_is_named(server: Server, method: str, path: str) -> None:
    body = {"title": "x"} if method == "PATCH" else None

    status, error = server.refusal(method, f"conversations/nope{path}", body)

    assert (status, error["message"]) == (404, "There is no chat 'nope'.")


# ---------------------------------------------------------------- the list


def test_the_list_says_how_each_chat_ends(server: Server, chat: dict[str, Any]) -> None:
    (found,) = server.get("conversations")["conversations"]

    assert found["id"] == chat["id"]
    assert found["message_count"] == 2
    assert found["excerpt"] == "```"
    assert found["model"] == "tiny:latest"
    assert found["updated_at"] >= found["created_at"]


def test_the_list_comes_in_pages(server: Server, chat: dict[str, Any]) -> None:
    server.post("conversations", {"title": "Second"})

    assert titles(server, "?limit=1") == ["Second"]
    assert titles(server, "?limit=1&offset=1") == ["Why is the sky blue?"]
    assert server.get("conversations?limit=1")["total"] == 2


def test_a_search_finds_words_of_answers(server: Server, chat: dict[str, Any]) -> None:
    server.post("conversations", {"title": "Second"})

    found = server.get("conversations?q=rayleigh")

    assert found["total"] == 1
    assert "Rayleigh" in found["conversations"][0]["excerpt"]
    assert titles(server, "?q=second") == ["Second"]
    assert titles(server, "?q=nothing%20of%20that") == []


def test_a_page_needs_whole_numbers(server: Server) -> None:
    status, error = server.refusal("GET", "conversations?limit=-1")

    assert (status, error["message"]) == (400, "limit is '-1'; it is a whole number from 0 up.")


# ---------------------------------------------------------------- out and in


def test_a_chat_is_exported_as_markdown(server: Server, chat: dict[str, Any]) -> None:
    found = server.get(f"conversations/{chat['id']}/export?format=markdown")

    assert found["name"] == "Why-is-the-sky-blue.md"
    assert found["content"].startswith("# Why is the sky blue?")


def test_a_chat_is_exported_as_a_notebook(server: Server, chat: dict[str, Any]) -> None:
    found = server.get(f"conversations/{chat['id']}/export?format=notebook")

    cells = json.loads(found["content"])["cells"]
    assert found["name"].endswith(".ipynb")
    assert [cell["source"] for cell in cells if cell["cell_type"] == "code"] == ["print(1)"]


def test_an_export_as_json_can_be_imported(server: Server, chat: dict[str, Any]) -> None:
    content = server.get(f"conversations/{chat['id']}/export?format=json")["content"]

    imported = server.post("conversations/import", {"content": content})

    assert imported["id"] != chat["id"]
    assert imported["imported_ids"] == [imported["id"]]
    said = [(one["role"], one["text"], one["stats"]) for one in imported["messages"]]
    assert said == [(one["role"], one["text"], one["stats"]) for one in chat["messages"]]


@pytest.mark.parametrize("content", ["{", "{}", {"format": "x"}, None, 7])
def test_what_is_no_export_is_refused(server: Server, content: Any) -> None:
    status, error = server.refusal("POST", "conversations/import", {"content": content})

    assert status == 400
    assert error["kind"] == "BadUsage"


def test_an_unknown_format_is_refused(server: Server, chat: dict[str, Any]) -> None:
    _, error = server.refusal("GET", f"conversations/{chat['id']}/export?format=pdf")

    assert error["message"] == "The format is 'pdf'; it is markdown, notebook or json."


# ---------------------------------------------------------------- changes


def test_changes_are_seen_by_their_version(server: Server, chat: dict[str, Any]) -> None:
    version = server.get("changes")["version"]
    assert server.get(f"changes?since={version}")["changed_ids"] == []

    server.patch(f"conversations/{chat['id']}", {"title": "Night"})

    found = server.get(f"changes?since={version}")
    assert found["version"] > version
    assert found["changed_ids"] == [chat["id"]]


def test_what_a_kernel_writes_is_seen(server: Server, chat: dict[str, Any]) -> None:
    version = server.get("changes")["version"]

    with Store(server.home / "data" / "ollama_lab" / "chats.sqlite") as store:
        made = store.create("From a cell", Parameters())
        store.append(made.id, "Hello")

    assert server.get(f"changes?since={version}")["changed_ids"] == [made.id]
    assert titles(server)[0] == "From a cell"


def test_a_chat_of_two_thousand_messages_is_read(server: Server, chat: dict[str, Any]) -> None:
    messages: list[dict[str, Any]] = [
        {
            "id": i,
            "parent_id": i - 1 if i > 1 else None,
            "text": f"Text {i}",
            "role": "user" if i % 2 else "assistant",
            "thinking": "",
            "state": "done",
            "created": 0,
            "tool_calls": [],
            "tool_name": "",
            "provenance": {},
            "stats": {},
            "attachments": [],
            "pictures": [],
        }
        for i in range(1, 2001)
    ]
    parameters: dict[str, Any] = {"model": "", "system": "", "options": {}, "think": None}
    whole = {
        "title": "Long",
        "created": 0,
        "updated": 0,
        "leaf_id": 2000,
        "parameters": parameters,
        "messages": messages,
    }
    content = {"format": "ollama-lab chats", "version": 1, "chats": [whole]}

    imported = server.post("conversations/import", {"content": content})
    lines = server.chat("Next", conversation_id=imported["id"], parent_id=imported["leaf_id"])

    assert len(imported["messages"]) == 2000
    assert "were left out to fit the window" in lines[0]["notes"][0]
    assert lines[-1]["type"] == "done"


# ---------------------------------------------------------------- single messages


def test_a_message_is_deleted_with_what_follows_it(server: Server, chat: dict[str, Any]) -> None:
    prompt, answer = chat["messages"]
    server.chat("And at night?", conversation_id=chat["id"], parent_id=answer["id"])

    left = server.delete(f"conversations/{chat['id']}/messages/{answer['id']}")

    assert (left["undo_token"], left["deleted_count"]) == (answer["id"], 3)
    assert [one["id"] for one in left["messages"]] == [prompt["id"]]
    assert left["leaf_id"] == prompt["id"]


def test_a_deleted_message_comes_back(server: Server, chat: dict[str, Any]) -> None:
    place = f"conversations/{chat['id']}/messages/{chat['messages'][0]['id']}"
    assert server.delete(place)["messages"] == []

    restored = server.post(f"{place}/restore", {})

    assert restored["messages"] == chat["messages"]


def test_the_answer_before_a_deleted_one_is_what_a_prompt_goes_on_from(
    server: Server, ollama: FakeOllama, chat: dict[str, Any]
) -> None:
    answer = chat["messages"][1]
    lines = server.chat("And at night?", conversation_id=chat["id"], parent_id=answer["id"])
    prompt = lines[0]["user_message"]["id"]
    server.delete(f"conversations/{chat['id']}/messages/{prompt}")

    server.chat("And by day?", conversation_id=chat["id"], parent_id=answer["id"])

    sent = [one["content"] for one in ollama.calls("/api/chat")[-1].body["messages"]]
    assert (sent[0], sent[-1]) == ("Why is the sky blue?", "And by day?")
    assert "And at night?" not in sent


@pytest.mark.parametrize("message", ["999", "nope", "9" * 40])
@pytest.mark.parametrize(("method", "end"), [("DELETE", ""), ("POST", "/restore")])
def test_a_message_that_is_not_there_is_said(
    server: Server, chat: dict[str, Any], method: str, end: str, message: str
) -> None:
    place = f"conversations/{chat['id']}/messages/{message}{end}"

    status, error = server.refusal(method, place, {} if end else None)

    assert status == 400
    assert error["message"].startswith("There is no message")


# ---------------------------------------------------------------- a file that is set aside


def test_a_damaged_file_is_told_in_the_list_and_with_the_next_answer_once(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    place = tmp_path / "chats"
    place.mkdir()
    (place / "chats.sqlite").write_bytes(b"this is no database" * 500)
    env = {"OLLAMA_LAB_DATA_DIR": str(place)}

    with live_server.running(tmp_path / "server", ollama.url, env=env) as server:
        notice = server.get("conversations")["notice"]
        first, second = server.chat("one")[-1], server.chat("two")[-1]

    (kept,) = place.glob("chats-damaged-*.sqlite")
    assert notice == (
        f"{place}/chats.sqlite is damaged. It is kept as {kept.name}, and a new file was begun."
    )
    assert first["message"]["notes"] == [notice]
    assert second["message"]["notes"] == []
