"""Messages form a tree, and a branch of it is what a model reads."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ollama_lab.attachments import as_prompt
from ollama_lab.conversations import AttachedText, Picture, Store, turns
from ollama_lab.errors import BadUsage
from ollama_lab.prompts import Turn, fit

PIXEL = b"\x89PNG and so on"


def answer(store: Store, chat_id: str, text: str, *, instead_of: int | None = None) -> int:
    with store.begin(chat_id, instead_of=instead_of) as writer:
        writer.add(text)
    return writer.message_id


def texts(store: Store, chat_id: str, leaf_id: int | None = None) -> list[str]:
    return [message.text for message in store.read(chat_id, leaf_id).messages]


def sent(store: Store, chat_id: str) -> list[dict[str, Any]]:
    messages = store.read(chat_id).messages
    found = turns.measured(messages, "", compose=as_prompt, picture=store.picture)
    return [one.message for one in found]


def test_messages_follow_each_other(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "one")
    answer(store, chat.id, "two")
    store.append(chat.id, "three")

    assert texts(store, chat.id) == ["one", "two", "three"]


def test_regenerating_keeps_the_earlier_answer_as_a_branch(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "ask")
    first = answer(store, chat.id, "first")
    second = answer(store, chat.id, "second", instead_of=first)

    assert texts(store, chat.id) == ["ask", "second"]
    assert texts(store, chat.id, first) == ["ask", "first"]
    assert store.read(chat.id).messages[1].siblings == (first, second)


def test_editing_the_first_message_begins_a_branch_at_the_top(store: Store) -> None:
    chat = store.create()
    first = store.append(chat.id, "ask")
    answer(store, chat.id, "answer")
    second = store.append(chat.id, "ask better", instead_of=first)

    assert texts(store, chat.id) == ["ask better"]
    assert store.read(chat.id).messages[0].siblings == (first, second)


def test_a_message_after_none_is_a_first_one_beside_others(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "first")
    store.append(chat.id, "follows")

    store.append(chat.id, "also first", after=0)

    assert texts(store, chat.id) == ["also first"]


def test_selecting_a_message_shows_its_branch_to_the_newest_end(store: Store) -> None:
    chat = store.create()
    first = store.append(chat.id, "ask")
    answer(store, chat.id, "answer")
    store.append(chat.id, "more")
    store.append(chat.id, "ask better", instead_of=first)

    shown = store.select(chat.id, first)

    assert [message.text for message in shown.messages] == ["ask", "answer", "more"]
    assert store.chats()[0].message_count == 3


def test_an_answer_can_follow_an_earlier_message(store: Store) -> None:
    chat = store.create()
    first = store.append(chat.id, "ask")
    store.append(chat.id, "more")

    store.append(chat.id, "other", after=first)

    assert texts(store, chat.id) == ["ask", "other"]


def test_a_place_is_named_only_once(store: Store) -> None:
    chat = store.create()
    first = store.append(chat.id, "ask")

    with pytest.raises(BadUsage, match=r"^A message is either after one or instead of one\."):
        store.append(chat.id, "more", after=first, instead_of=first)


def test_a_message_of_another_chat_is_no_place(store: Store) -> None:
    chat, other = store.create(), store.create()
    elsewhere = store.append(other.id, "ask")

    with pytest.raises(BadUsage) as caught:
        store.append(chat.id, "more", after=elsewhere)

    assert str(caught.value) == "There is no message 1 in this chat. Load the chat again."


def test_a_role_that_does_not_exist_is_refused(store: Store) -> None:
    chat = store.create()

    with pytest.raises(BadUsage) as caught:
        store.append(chat.id, "x", role="admin")

    assert str(caught.value) == (
        "The role is 'admin'; it is system, user, assistant or tool. Use one of these."
    )


def test_an_answer_keeps_what_wrote_it(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "ask")
    calls = [{"function": {"name": "add", "arguments": {"a": 1}}}]
    writer = store.begin(chat.id)
    writer.add("text", "thought")
    writer.finish(tool_calls=calls, provenance={"model": "m"}, stats={"answer_tokens": 3})

    kept = store.read(chat.id).messages[-1]

    assert (kept.text, kept.thinking, kept.state) == ("text", "thought", "done")
    assert (list(kept.tool_calls), kept.provenance) == (calls, {"model": "m"})
    assert kept.stats == {"answer_tokens": 3}


def test_lone_surrogates_are_replaced(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "a\ud800b")

    assert texts(store, chat.id) == ["a\ufffdb"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\0b", id="a NUL"),
        pytest.param("\x85\u2028\r\n", id="line ends"),
        pytest.param("天空 🌌 \u200b\u202e", id="beyond ASCII"),
        pytest.param("'; DROP TABLE chats; --", id="SQL"),
    ],
)
def test_text_comes_back_as_it_was(store: Store, text: str) -> None:
    chat = store.create()
    answer(store, chat.id, text)

    assert texts(store, chat.id) == [text]


def test_a_picture_is_kept_once_however_often_it_is_sent(store: Store) -> None:
    chat = store.create()
    first = store.append(chat.id, "look", pictures=[Picture("a.png", "image/png", PIXEL)])
    (kept,) = store.read(chat.id).messages[0].pictures

    store.append(chat.id, "look again", pictures=[kept], instead_of=first)

    (again,) = store.read(chat.id).messages[0].pictures
    assert (again, again.size_bytes) == (kept, len(PIXEL))
    assert store.picture(again.digest) == PIXEL


def test_a_picture_without_data_is_refused(store: Store) -> None:
    chat = store.create()

    with pytest.raises(BadUsage) as caught:
        store.append(chat.id, "look", pictures=[Picture("a.png", "image/png")])

    assert str(caught.value) == "Image 'a.png' is empty. Attach it again."
    assert texts(store, chat.id) == []


def test_a_picture_goes_with_its_last_chat(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "look", pictures=[Picture("a.png", "image/png", PIXEL)])
    digest = store.read(chat.id).messages[0].pictures[0].digest
    store.delete(chat.id)
    store.purge()

    with pytest.raises(BadUsage, match=r"^There is no image '.{12}'\. Load the chat again\.$"):
        store.picture(digest)


def test_a_branch_goes_out_in_ollamas_shape(store: Store) -> None:
    chat = store.create()
    call = {"function": {"name": "add", "arguments": {"a": 1}}}
    store.append(
        chat.id,
        "Sum x.",
        attachments=[AttachedText("a.csv", "x,y")],
        pictures=[Picture("a.png", "image/png", PIXEL)],
    )
    writer = store.begin(chat.id)
    writer.add(thinking="hm")
    writer.finish(tool_calls=[call])
    store.append(chat.id, "3", role="tool", tool_name="add")

    assert sent(store, chat.id) == [
        {
            "role": "user",
            "content": "File `a.csv`:\n\n```csv\nx,y\n```\n\nSum x.",
            "images": [base64.b64encode(PIXEL).decode()],
        },
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "3", "tool_name": "add"},
    ]


def test_an_answer_stopped_before_its_first_word_is_not_sent(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "ask")
    store.begin(chat.id).finish("stopped")

    assert sent(store, chat.id) == [{"role": "user", "content": "ask"}]


def test_what_goes_out_can_be_fitted_to_a_window(store: Store) -> None:
    chat = store.create()
    store.append(chat.id, "word " * 1000)
    answer(store, chat.id, "answer")
    store.append(chat.id, "ask")

    fitted = fit([Turn(one) for one in sent(store, chat.id)], context_tokens=256, reserve_tokens=64)

    assert (fitted.dropped, fitted.messages) == (2, [{"role": "user", "content": "ask"}])


def test_a_chat_of_2000_messages_is_read_whole(store: Store) -> None:
    message = (
        '{"id": %d, "parent_id": %s, "role": "user", "text": "%d", "thinking": "", "state": "done",'
        ' "created": 1, "tool_calls": [], "tool_name": "", "provenance": {}, "stats": {},'
        ' "attachments": [], "pictures": []}'
    )
    messages = ",".join(message % (i, i - 1 if i else "null", i) for i in range(2000))
    (chat_id,) = store.import_json(
        '{"format": "ollama-lab chats", "version": 1, "chats": [{"title": "long", "created": 1,'
        ' "updated": 2, "leaf_id": 1999, "parameters": {"model": "", "system": "", "options": {},'
        f' "think": null}}, "messages": [{messages}]}}]}}'
    )

    assert texts(store, chat_id) == [str(number) for number in range(2000)]
