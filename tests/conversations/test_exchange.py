"""JSON goes out and comes back in, and nothing in it is trusted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ollama_lab.conversations import (
    AttachedText,
    Conversation,
    Message,
    Parameters,
    Picture,
    Store,
    exchange,
)
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from pathlib import Path

HINT = " Import a file that 'Export as JSON' wrote."


def full_chat(store: Store) -> str:
    """Make a chat with everything a chat can have."""
    chat = store.create(
        "Colors", Parameters("m", "Be brief.", {"seed": 1, "stop": ["x"]}, think=True)
    )
    asked = store.append(
        chat.id,
        "Why?",
        pictures=[Picture("a.png", "image/png", b"PNG"), Picture("b.png", "image/png", b"PNG")],
        attachments=[AttachedText("a.txt", "天空\ud800")],
    )
    first = store.begin(chat.id)
    first.finish("stopped", text="first", provenance={"model": "m"}, stats={"answer_tokens": 3})
    second = store.begin(chat.id, instead_of=first.message_id)
    second.finish(text="second", thinking="hm", tool_calls=[{"function": {"name": "add"}}])
    store.append(chat.id, "3", role="tool", tool_name="add")
    store.append(chat.id, "other", instead_of=asked)
    store.select(chat.id, first.message_id)
    return chat.id


def told(conversation: Conversation) -> list[tuple[Any, ...]]:
    return [shape(message) for message in conversation.messages]


def shape(message: Message) -> tuple[Any, ...]:
    return (
        *(message.role, message.text, message.thinking, message.tool_calls, message.tool_name),
        *(message.pictures, message.attachments, message.provenance, message.stats),
        *(message.state, message.created, len(message.siblings)),
    )


def valid() -> dict[str, Any]:
    with Store.private() as store:
        full_chat(store)
        content: dict[str, Any] = json.loads(store.export_json())
    return content


def refused(store: Store, data: str | bytes) -> str:
    with pytest.raises(BadUsage) as caught:
        store.import_json(data)
    assert store.chats() == []
    return str(caught.value)


def test_what_was_exported_comes_back_in_another_store(store: Store, tmp_path: Path) -> None:
    chat_id = full_chat(store)

    with Store(tmp_path / "other.sqlite") as other:
        (new_id,) = other.import_json(store.export_json([chat_id]))

        old, new = store.read(chat_id), other.read(new_id)
        assert (new.chat.title, new.chat.parameters) == (old.chat.title, old.chat.parameters)
        assert (new.chat.created, new.chat.updated) == (old.chat.created, old.chat.updated)
        assert told(new) == told(old)
        assert other.picture(new.messages[0].pictures[1].digest) == b"PNG"
        assert len(json.loads(other.export_json())["chats"][0]["messages"]) == 5


def test_an_export_of_an_export_is_the_same(store: Store) -> None:
    full_chat(store)
    store.create("empty")
    exported = store.export_json()

    with Store.private() as other:
        other.import_json(exported)

        assert json.loads(other.export_json()) == json.loads(exported)


def test_importing_twice_makes_two_chats(store: Store) -> None:
    full_chat(store)
    store.import_json(store.export_json())

    assert len(store.find("Colors")) == 2


def test_an_answer_that_runs_is_exported_as_far_as_it_is(store: Store) -> None:
    chat = store.create("x")
    writer = store.begin(chat.id)

    exported = json.loads(store.export_json())["chats"][0]["messages"]

    writer.finish()
    assert [message["state"] for message in exported] == ["stopped"]


def test_a_deleted_chat_is_not_exported(store: Store) -> None:
    chat_id = full_chat(store)
    store.delete(chat_id)

    assert json.loads(store.export_json())["chats"] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("", "The file is not JSON that can be read.", id="empty"),
        pytest.param("{", "The file is not JSON that can be read.", id="cut"),
        pytest.param(b"\xff\xfe\x00", "The file is not JSON that can be read.", id="bytes"),
        pytest.param("[" * 100_000, "The file is not JSON that can be read.", id="deep"),
        pytest.param('{"format": NaN}', "The file is not JSON that can be read.", id="NaN"),
        pytest.param("9" * 10_000, "The file is not JSON that can be read.", id="a long number"),
        pytest.param("[]", "The file is no object.", id="a list"),
        pytest.param("{}", "The file.format is missing.", id="no format"),
        pytest.param('{"format": "x"}', "The file is no export of chats.", id="another format"),
    ],
)
def test_what_is_no_export_is_said(store: Store, data: str | bytes, words: str) -> None:
    assert refused(store, data) == words + HINT


def test_another_version_is_said(store: Store) -> None:
    assert refused(store, json.dumps({**valid(), "version": 2})) == (
        "The file was written by another version of ollama-lab. Update ollama-lab."
    )


def test_a_file_that_is_too_long_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LIMIT_BYTES", 1_000_000)

    assert refused(store, "x" * 2_000_000) == (
        "The file has 2 MB; the limit is 1 MB. Export fewer chats at a time."
    )


CHAT = ("chats", 0)
FIRST = (*CHAT, "messages", 0)
SECOND = (*CHAT, "messages", 1)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        pytest.param(("chats",), {}, "The file.chats is no list.", id="chats"),
        pytest.param(CHAT, "x", "chats[0] is no object.", id="chat"),
        pytest.param((*CHAT, "title"), 1, "chats[0].title is no text.", id="title"),
        pytest.param((*CHAT, "created"), "x", "chats[0].created is no number.", id="created"),
        pytest.param((*CHAT, "created"), True, "chats[0].created is no number.", id="a boolean"),
        pytest.param((*CHAT, "updated"), 1e300, "chats[0].updated is no time.", id="updated"),
        pytest.param((*CHAT, "updated"), -1, "chats[0].updated is no time.", id="before 1970"),
        pytest.param(
            (*CHAT, "leaf_id"), 99, "chats[0].leaf_id names no message of the chat.", id="leaf"
        ),
        pytest.param(
            (*CHAT, "leaf_id"), None, "chats[0].leaf_id names no message of the chat.", id="no leaf"
        ),
        pytest.param(
            (*CHAT, "parameters"), [], "chats[0].parameters is no object.", id="parameters"
        ),
        pytest.param(
            (*CHAT, "parameters", "options"),
            "x",
            "chats[0].parameters.options is no object.",
            id="options",
        ),
        pytest.param(
            (*CHAT, "parameters", "think"),
            [],
            "chats[0].parameters.think is neither true, false, null nor a word.",
            id="think",
        ),
        pytest.param(FIRST, None, "chats[0].messages[0] is no object.", id="message"),
        pytest.param((*FIRST, "id"), "1", "chats[0].messages[0].id is no whole number.", id="id"),
        pytest.param((*SECOND, "id"), 1, "chats[0].messages[1].id is there twice.", id="id twice"),
        pytest.param(
            (*FIRST, "parent_id"),
            2,
            "chats[0].messages[0].parent_id names no message before it.",
            id="a child before its parent",
        ),
        pytest.param(
            (*FIRST, "parent_id"),
            1,
            "chats[0].messages[0].parent_id names no message before it.",
            id="its own parent",
        ),
        pytest.param(
            (*FIRST, "role"),
            "admin",
            "chats[0].messages[0].role is 'admin'; it is system, user, assistant or tool.",
            id="role",
        ),
        pytest.param(
            (*FIRST, "state"),
            "streaming",
            "chats[0].messages[0].state is 'streaming'; it is done, stopped or broken.",
            id="state",
        ),
        pytest.param(
            (*FIRST, "tool_calls"),
            ["x"],
            "chats[0].messages[0].tool_calls holds something that is no object.",
            id="calls",
        ),
        pytest.param(
            (*FIRST, "pictures", 0, "mime"),
            "text/html",
            "chats[0].messages[0].pictures[0].mime is no kind of image.",
            id="mime",
        ),
        pytest.param(
            (*FIRST, "pictures", 0, "data"),
            "<>",
            "chats[0].messages[0].pictures[0].data is not base64.",
            id="data",
        ),
        pytest.param(
            (*FIRST, "pictures", 0, "data"),
            "",
            "chats[0].messages[0].pictures[0].data is empty.",
            id="no data",
        ),
        pytest.param(
            (*FIRST, "attachments", 0, "text"),
            None,
            "chats[0].messages[0].attachments[0].text is no text.",
            id="attachment",
        ),
        pytest.param(
            (*FIRST, "provenance"),
            1,
            "chats[0].messages[0].provenance is no object.",
            id="provenance",
        ),
    ],
)
def test_what_is_wrong_in_an_export_is_said_with_its_place(
    store: Store, place: tuple[str | int, ...], value: object, words: str
) -> None:
    content: Any = valid()
    part = content
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value

    assert refused(store, json.dumps(content)) == words + HINT


def test_a_missing_field_is_said(store: Store) -> None:
    content = valid()
    del content["chats"][0]["messages"][1]["text"]

    assert refused(store, json.dumps(content)) == "chats[0].messages[1].text is missing." + HINT


def test_all_of_a_file_is_imported_or_nothing(store: Store) -> None:
    content = valid()
    content["chats"].append({"title": "broken"})

    assert refused(store, json.dumps(content)) == "chats[1].messages is missing." + HINT


def test_numbers_that_no_database_holds_do_no_harm(store: Store) -> None:
    content = valid()
    chat = content["chats"][0]
    chat["messages"] = [chat["messages"][0] | {"id": 10**30}]
    chat["leaf_id"] = 10**30

    (chat_id,) = store.import_json(json.dumps(content))

    assert [message.text for message in store.read(chat_id).messages] == ["Why?"]


def test_hostile_text_is_text(store: Store) -> None:
    content = valid()
    content["chats"][0]["title"] = "'; DROP TABLE chats; --\n\ud800"
    content["chats"][0]["messages"][0]["text"] = "<script>\0\ud800"

    (chat_id,) = store.import_json(json.dumps(content))

    conversation = store.read(chat_id)
    assert conversation.chat.title == "'; DROP TABLE chats; -- \ufffd"
    assert conversation.messages[0].text == "<script>\0\ufffd"
