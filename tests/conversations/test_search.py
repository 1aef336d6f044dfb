"""Words are found in every chat, with the index and without it, whatever is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Store, search

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=[pytest.param(True, id="index"), pytest.param(False, id="no-index")])
def has_index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Search once with SQLite's index, once as a SQLite without it does."""
    has_it: bool = request.param
    if not has_it:
        monkeypatch.setattr(search, "is_available", lambda: False)
    return has_it


def say(store: Store, text: str, title: str = "") -> str:
    chat = store.create(title)
    store.append(chat.id, text)
    return chat.id


def found(store: Store, query: str) -> list[str]:
    return [hit.chat_id for hit in store.search(query) if hit.message_id is not None]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("merge pandas", id="words in any order"),
        pytest.param("PANDAS", id="any case"),
        pytest.param("erg", id="part of a word"),
        pytest.param("of", id="two letters"),
        pytest.param("pandas of", id="long and short words"),
        pytest.param("天空", id="no blanks between words"),
        pytest.param("100%", id="a sign of LIKE"),
        pytest.param("a_b", id="another sign of LIKE"),
        pytest.param('"quoted"', id="quotes"),
        pytest.param(r"back\slash", id="backslash"),
    ],
)
def test_words_are_found(store: Store, has_index: bool, query: str) -> None:  # noqa: FBT001 (a fixture)
    chat_id = say(
        store, 'Merge of two Pandas frames 这里的天空 100% a_b "quoted" back\\slash', "one"
    )
    say(store, "Something else: 100 axb", "two")

    assert found(store, query) == [chat_id]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=repr(query))
        for query in (
            '"',
            '"" OR ""',
            "NEAR(a b, 3",
            "text: x",
            "* AND NOT",
            "^abc",
            "a\0bcd",
            "%%%%",
            "____",
            "\\",
            "(((",
            "'; DROP TABLE messages; --",
            "\ud800abc",
            "{x y} : z",
            "-abc",
            "x" * 100_000,
            "wor " * 50_000,
        )
    ],
)
def test_no_query_raises(store: Store, has_index: bool, query: str) -> None:  # noqa: FBT001 (a fixture)
    say(store, "nothing of this kind", "title")

    assert store.search(query) == []


@pytest.mark.parametrize("query", ["", "  ", "\0"])
def test_no_words_find_nothing(store: Store, query: str) -> None:
    say(store, "text", "title")

    assert store.search(query) == []


def test_titles_come_first(store: Store, has_index: bool) -> None:  # noqa: FBT001 (a fixture)
    titled = store.create("All about lobsters")
    said = say(store, "What do lobsters eat?", "Food")

    hits = store.search("lobsters")

    assert [(hit.chat_id, hit.message_id is None) for hit in hits] == [
        (titled.id, True),
        (said, False),
    ]


def test_a_chat_is_found_once_with_its_first_hit(store: Store) -> None:
    for title in ("sea", "blue"):
        chat = store.create(title)
        store.append(chat.id, "Why is it blue?")
        store.append(chat.id, "How blue?")

    found = store.search_chats("blue")

    assert [(summary.chat.title, hit.excerpt) for summary, hit in found] == [
        ("blue", "blue"),
        ("sea", "How blue?"),
    ]


def test_a_hit_shows_the_words_in_their_place(store: Store) -> None:
    say(store, "x " * 500 + "the needle is here" + " y" * 500, "hay")

    (hit,) = store.search("needle")

    assert hit.excerpt.startswith("…")
    assert "the needle is here" in hit.excerpt
    assert len(hit.excerpt) < 170


def test_other_branches_are_searched_and_can_be_shown(store: Store) -> None:
    chat = store.create("one")
    first = store.append(chat.id, "about lobsters")
    store.append(chat.id, "about crabs", instead_of=first)
    (hit,) = store.search("lobsters")
    assert hit.message_id == first

    shown = store.select(chat.id, first)

    assert [message.text for message in shown.messages] == ["about lobsters"]


def test_answers_are_found_when_they_have_ended(store: Store) -> None:
    chat = store.create("one")
    with store.begin(chat.id) as writer:
        writer.add("about lobsters")
        assert found(store, "lobsters") == []

    assert found(store, "lobsters") == [chat.id]


def test_hits_come_in_pages_the_newest_first(store: Store, has_index: bool) -> None:  # noqa: FBT001 (a fixture)
    made = [say(store, "about lobsters", f"chat {number}") for number in range(5)]

    hits = store.search("lobsters", limit=2, offset=2)

    assert [hit.chat_id for hit in hits] == [made[2], made[1]]


def test_what_a_sqlite_without_index_wrote_is_found_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(store, "about crabs", "one")
    assert found(store, "crabs")
    with monkeypatch.context() as patch:
        patch.setattr(search, "is_available", lambda: False)
        chat_id = say(store, "about lobsters", "two")
        assert found(store, "lobsters") == [chat_id]

    assert found(store, "lobsters") == [chat_id]


def test_an_index_filled_in_portions_is_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_PORTION", 2)
    made = [say(store, "about lobsters", f"chat {number}") for number in range(7)]

    assert sorted(found(store, "lobsters")) == sorted(made)


def test_a_damaged_index_costs_no_chat(store: Store, path: Path) -> None:
    chat_id = say(store, "about lobsters", "one")
    assert found(store, "lobsters")
    store._database._connection.execute("DELETE FROM words_data WHERE id > 10")

    with Store(path) as other:
        assert found(other, "lobsters") == [chat_id]
        assert other.notice == ""
