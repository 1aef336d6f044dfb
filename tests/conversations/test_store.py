"""Chats are made, listed, found, changed, deleted and brought back."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Parameters, Store
from ollama_lab.conversations.store import UNDO_SECONDS
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from pathlib import Path


def ids(store: Store, *, limit: int = 50, offset: int = 0) -> list[str]:
    return [one.chat.id for one in store.chats(limit=limit, offset=offset)]


def test_a_chat_is_there_when_the_store_is_opened_again(path: Path) -> None:
    parameters = Parameters("qwen3:0.6b", "Be brief.", {"temperature": 0.2}, think="low")
    with Store(path) as store:
        chat = store.create("Colors", parameters)

    with Store(path) as store:
        found = store.read(chat.id).chat

    assert (found.title, found.parameters) == ("Colors", parameters)


def test_the_first_words_of_the_user_become_the_title(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "Why is\n the sky blue?")
    store.append(chat.id, "And the sea?")

    assert store.read(chat.id).chat.title == "Why is the sky blue?"


def test_a_long_first_prompt_makes_a_title_of_whole_words(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "Explain, " * 30)

    title = store.read(chat.id).chat.title

    assert title.endswith("Explain…")
    assert len(title) <= 61


def test_a_given_title_stays(store: Store) -> None:
    chat = store.create("Colors")
    store.append(chat.id, "Why is the sky blue?")

    assert store.read(chat.id).chat.title == "Colors"


def test_the_chat_written_to_last_comes_first(store: Store) -> None:
    first, second = store.create("first"), store.create("second")
    store.append(first.id, "more")

    assert ids(store) == [first.id, second.id]


def test_the_list_comes_in_pages(store: Store) -> None:
    made = [store.create(f"chat {number}").id for number in range(5)]

    assert ids(store, limit=2, offset=2) == [made[2], made[1]]


def test_the_list_shows_the_last_line_and_how_many_messages_are_on_show(store: Store) -> None:
    chat = store.create()
    asked = store.append(chat.id, "Why?")
    with store.begin(chat.id) as writer:
        writer.add("One reason.\nThe last line.\n\n")
    with store.begin(chat.id, after=asked) as writer:
        writer.add("Another reason.\nThe very last line.\n")

    (summary,) = store.chats()

    assert (summary.message_count, summary.last_line) == (2, "The very last line.")


def test_the_last_line_is_the_prompt_while_the_answer_has_no_words(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "Why?")
    store.begin(chat.id)

    assert store.chats()[0].last_line == "Why?"


def test_an_empty_chat_has_no_messages(store: Store) -> None:
    store.create("empty")

    assert (store.chats()[0].message_count, store.chats()[0].last_line) == (0, "")


def test_a_chat_is_found_by_its_exact_title_the_newest_first(store: Store) -> None:
    old, new = store.create("Colors"), store.create("Colors")
    store.create("Colors of the sea")

    assert [chat.id for chat in store.find("Colors")] == [new.id, old.id]


def test_a_chat_is_made_only_where_there_is_none_of_its_title(store: Store) -> None:
    made, is_made = store.find_or_create("A", Parameters(model="tiny"))
    found, is_made_again = store.find_or_create(" A ", Parameters(model="other"))

    assert (is_made, is_made_again) == (True, False)
    assert (found, found.parameters.model) == (made, "tiny")


def test_the_list_names_the_model_that_answered_last(store: Store) -> None:
    asked = store.create("asked for", Parameters(model="wanted"))
    answered = store.create("answered", Parameters(model="wanted"))
    again = store.create("asked again")
    for chat in (answered, again):
        store.append(chat.id, "one")
        store.begin(chat.id).finish(text="Yes.", provenance={"model": "tiny:latest"})
    store.append(again.id, "two")
    store.begin(again.id).add("so far")
    silent = store.create("nobody")

    assert {one.chat.id: one.model for one in store.chats()} == {
        asked.id: "wanted",
        answered.id: "tiny:latest",
        again.id: "tiny:latest",
        silent.id: "",
    }


def test_renaming_does_not_move_a_chat_up(store: Store) -> None:
    first, second = store.create("first"), store.create("second")

    renamed = store.rename(first.id, "  another\ntitle ")

    assert renamed.title == "another title"
    assert ids(store) == [second.id, first.id]


@pytest.mark.parametrize(
    ("title", "words"),
    [
        pytest.param(" \n", "A chat's title is empty. Give it a word or two.", id="empty"),
        pytest.param(
            "x" * 201,
            "A title of 201 characters is too long; 200 is the limit. Shorten it.",
            id="long",
        ),
    ],
)
def test_a_bad_title_is_refused_in_words(store: Store, title: str, words: str) -> None:
    chat = store.create("Colors")

    with pytest.raises(BadUsage) as caught:
        store.rename(chat.id, title)

    assert str(caught.value) == words


def test_parameters_are_replaced(store: Store) -> None:
    chat = store.create(parameters=Parameters("a", options={"seed": 1}))

    store.set_parameters(chat.id, Parameters("b"))

    assert store.read(chat.id).chat.parameters == Parameters("b")


def test_options_that_json_cannot_say_are_refused(store: Store) -> None:
    with pytest.raises(BadUsage, match=r"^The parameters of a chat cannot be kept as JSON: .* Use"):
        store.create(parameters=Parameters(options={"temperature": float("nan")}))


def test_a_chat_that_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(BadUsage) as caught:
        store.read("nothing")

    assert str(caught.value) == "There is no chat 'nothing'. List them: %ollama chats"


def test_a_deleted_chat_is_out_of_sight(store: Store) -> None:
    chat = store.create("Colors")
    store.append(chat.id, "Why is the sky blue?")

    store.delete(chat.id)

    assert (store.chats(), store.find("Colors"), store.search("sky")) == ([], [], [])


def test_a_deleted_chat_can_be_brought_back(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "Why is the sky blue?")
    store.delete(chat.id)

    store.restore(chat.id)

    assert [message.text for message in store.read(chat.id).messages] == ["Why is the sky blue?"]


def test_all_chats_are_deleted_and_brought_back(store: Store) -> None:
    made = [store.create(f"chat {number}").id for number in range(3)]

    deleted = store.delete_all()
    store.restore(made[1])

    assert sorted(deleted) == sorted(made)
    assert ids(store) == [made[1]]


def test_a_purged_chat_cannot_be_brought_back(store: Store) -> None:
    chat = store.create()
    store.delete(chat.id)

    assert store.purge() == 1
    with pytest.raises(BadUsage, match=r"^There is no chat"):
        store.restore(chat.id)


def test_a_chat_deleted_an_hour_ago_is_erased_when_the_store_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(path) as store:
        chat = store.create()
        store.delete(chat.id)
    later = time.time() + UNDO_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)

    with Store(path) as store, pytest.raises(BadUsage, match=r"^There is no chat"):
        store.restore(chat.id)


def test_nothing_of_a_purged_chat_is_left_on_the_disk(store: Store, path: Path) -> None:
    secret = "xylophone-sonata"
    chat, other = store.create(), store.create("other")
    store.append(chat.id, f"the {secret} " * 500)
    store.append(other.id, "something else")
    assert store.search(secret)

    store.delete(chat.id)
    store.purge()

    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert secret.encode() not in left
    assert b"something else" in left
    assert store.search("something")


def test_a_private_chat_leaves_no_file(home: Path) -> None:
    before = sorted(home.rglob("*"))
    with Store.private() as store:
        chat = store.create()
        store.append(chat.id, "my secret")
        with store.begin(chat.id) as writer:
            writer.add("your secret")

        said = [message.text for message in store.read(chat.id).messages]
        assert (store.is_private, store.path, said) == (True, None, ["my secret", "your secret"])
    assert sorted(home.rglob("*")) == before


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store(path)
    store.close()
    store.close()

    with pytest.raises(BadUsage, match=r"^The store of chats is closed\. Open it again\.$"):
        store.chats()


def test_changes_name_the_chats_that_changed(store: Store) -> None:
    first, second = store.create("first"), store.create("second")
    seen = store.changes()
    store.append(first.id, "more")
    store.delete(second.id)

    changed = store.changes(seen.revision)

    assert set(seen.chat_ids) == {first.id, second.id}
    assert (changed.chat_ids, changed.deleted_ids) == ((first.id,), (second.id,))


def test_nothing_changed_is_the_same_revision(store: Store) -> None:
    store.create()
    seen = store.changes()

    assert store.changes(seen.revision).chat_ids == ()
    assert store.changes(seen.revision) == store.changes(seen.revision)


def test_erasing_is_a_change_without_a_name(store: Store) -> None:
    chat = store.create()
    store.delete(chat.id)
    seen = store.changes()

    store.purge()
    changed = store.changes(seen.revision)

    assert changed.revision > seen.revision
    assert changed.chat_ids == changed.deleted_ids == ()


def test_the_store_stands_below_answers_and_doors() -> None:
    script = (
        "import sys, ollama_lab.conversations\n"
        "above = {'answer', 'ask', 'display', 'attachments', 'magics', 'server', 'cli'}\n"
        "print([name for name in above if f'ollama_lab.{name}' in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_package_does_not_load_the_store() -> None:
    script = "import sys, ollama_lab; print('sqlite3' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
