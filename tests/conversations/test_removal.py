"""Single messages are deleted with what follows them, brought back, and erased."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Picture, Store
from ollama_lab.conversations.store import UNDO_SECONDS
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def chat_id(store: Store) -> str:
    """Make a chat of two prompts with their answers: messages 1 to 4."""
    made = store.create()
    for number, text in enumerate(("one", "two", "three", "four")):
        store.append(made.id, text, role="assistant" if number % 2 else "user")
    return made.id


def shown(store: Store, chat_id: str) -> list[str]:
    return [message.text for message in store.read(chat_id).messages]


def test_what_follows_a_deleted_message_goes_with_it(store: Store, chat_id: str) -> None:
    assert store.delete_message(chat_id, 2) == 3

    assert shown(store, chat_id) == ["one"]
    assert store.chats()[0].message_count == 1


def test_a_chat_without_its_first_message_is_empty_and_goes_on(store: Store, chat_id: str) -> None:
    store.delete_message(chat_id, 1)

    assert (shown(store, chat_id), store.read(chat_id).chat.leaf_id) == ([], None)
    store.append(chat_id, "anew")
    assert shown(store, chat_id) == ["anew"]


def test_the_newest_other_version_is_shown(store: Store, chat_id: str) -> None:
    other = store.append(chat_id, "two again", role="assistant", instead_of=2)
    third = store.append(chat_id, "two once more", role="assistant", instead_of=2)

    store.delete_message(chat_id, third)

    assert shown(store, chat_id) == ["one", "two again"]
    assert store.read(chat_id).messages[1].siblings == (2, other)


def test_a_deleted_version_that_was_not_on_show_changes_nothing_there(
    store: Store, chat_id: str
) -> None:
    store.append(chat_id, "two again", role="assistant", instead_of=2)

    store.delete_message(chat_id, 2)

    assert shown(store, chat_id) == ["one", "two again"]


def test_a_deleted_message_comes_back_with_what_followed(store: Store, chat_id: str) -> None:
    other = store.append(chat_id, "two again", role="assistant", instead_of=2)
    store.delete_message(chat_id, 2)

    store.restore_message(chat_id, 2)

    assert shown(store, chat_id) == ["one", "two", "three", "four"]
    assert store.read(chat_id).messages[1].siblings == (2, other)


def test_what_was_deleted_before_does_not_come_back_along(store: Store, chat_id: str) -> None:
    store.delete_message(chat_id, 4)
    store.delete_message(chat_id, 2)

    store.restore_message(chat_id, 2)

    assert shown(store, chat_id) == ["one", "two", "three"]


def test_a_message_does_not_come_back_before_the_one_it_follows(store: Store, chat_id: str) -> None:
    store.delete_message(chat_id, 4)
    store.delete_message(chat_id, 2)

    with pytest.raises(BadUsage) as caught:
        store.restore_message(chat_id, 4)

    assert str(caught.value) == (
        "The message that it follows is deleted, too. Bring that one back first."
    )


def test_a_message_that_is_there_is_brought_back_without_harm(store: Store, chat_id: str) -> None:
    store.restore_message(chat_id, 2)

    assert shown(store, chat_id) == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda store, chat: store.delete_message(chat, 2), id="delete"),
        pytest.param(lambda store, chat: store.select(chat, 2), id="select"),
        pytest.param(lambda store, chat: store.read(chat, 3), id="read"),
        pytest.param(lambda store, chat: store.append(chat, "x", after=4), id="after"),
        pytest.param(lambda store, chat: store.append(chat, "x", instead_of=2), id="instead"),
        pytest.param(lambda store, chat: store.begin(chat, after=3), id="begin"),
    ],
)
def test_a_deleted_message_is_no_longer_there(
    store: Store, chat_id: str, call: Callable[[Store, str], object]
) -> None:
    store.delete_message(chat_id, 2)

    with pytest.raises(BadUsage, match=r"^There is no message \d in this chat\."):
        call(store, chat_id)


def test_a_message_of_another_chat_is_not_deleted(store: Store, chat_id: str) -> None:
    other = store.create()

    with pytest.raises(BadUsage, match=r"^There is no message 2 in this chat\."):
        store.delete_message(other.id, 2)

    assert shown(store, chat_id) == ["one", "two", "three", "four"]


def test_an_answer_that_is_being_written_is_not_deleted(store: Store, chat_id: str) -> None:
    with store.begin(chat_id) as writer, pytest.raises(BadUsage) as caught:
        store.delete_message(chat_id, 2)

    assert str(caught.value) == "An answer is still being written there. Stop it, then delete it."
    store.delete_message(chat_id, writer.message_id)


@pytest.mark.parametrize("has_index", [True, False])
def test_a_search_finds_no_deleted_message(
    store: Store,
    chat_id: str,
    has_index: bool,  # noqa: FBT001 (a parameter of the test)
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ollama_lab.conversations.search.is_available", lambda: has_index)
    assert [hit.message_id for hit in store.search("four")] == [4]

    store.delete_message(chat_id, 3)
    found = store.search("four")
    store.restore_message(chat_id, 3)

    assert found == []
    assert [hit.message_id for hit in store.search("four")] == [4]


def test_a_deleted_message_is_not_exported(store: Store, chat_id: str) -> None:
    store.append(chat_id, "two again", role="assistant", instead_of=2)
    store.delete_message(chat_id, 2)

    (copy,) = store.import_json(store.export_json([chat_id]))

    assert shown(store, copy) == ["one", "two again"]
    assert len(store.read(copy).messages[1].siblings) == 1


def test_a_deletion_is_a_change_that_others_see(store: Store, chat_id: str) -> None:
    before = store.changes().revision

    store.delete_message(chat_id, 4)

    assert store.changes(before).chat_ids == (chat_id,)


def test_a_message_deleted_an_hour_ago_is_erased_with_its_text_and_image(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "xylophone-sonata"
    with Store(path) as store:
        chat = store.create("kept")
        store.append(chat.id, "stays")
        picture = Picture("plot.png", "image/png", b"\x89PNG secret picture")
        gone = store.append(chat.id, f"the {secret} " * 500, pictures=[picture])
        store.append(chat.id, "follows")
        assert store.search(secret)
        store.delete_message(chat.id, gone)
    later = time.time() + UNDO_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)

    with Store(path) as store:
        with pytest.raises(BadUsage, match=r"^There is no message 2 in this chat\."):
            store.restore_message(chat.id, gone)
        assert shown(store, chat.id) == ["stays"]
        assert store.search("stays")

    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"stays" in left
    assert secret.encode() not in left
    assert b"secret picture" not in left


def test_a_chat_with_deleted_messages_is_erased_whole(store: Store, chat_id: str) -> None:
    store.delete_message(chat_id, 2)
    store.delete(chat_id)

    assert store.purge() == 1
    assert store.chats() == []
