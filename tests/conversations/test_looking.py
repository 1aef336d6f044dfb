"""A file that cannot, or must not, be written to is read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from ordinary_user import an_ordinary_user, whoever_runs_the_tests

from ollama_lab.conversations import Store, store
from ollama_lab.errors import Forbidden, OllamaLabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def titles(opened: Store) -> list[str]:
    return [one.chat.title for one in opened.chats()]


@pytest.fixture
def locked(shelf: Path) -> Iterator[Path]:
    """Give an ordinary user's file of one chat, and let nobody write to it or beside it."""
    shelf.chmod(0o777)
    path = shelf / "chats.sqlite"
    with an_ordinary_user():
        with Store(path) as opened:
            chat = opened.create("sky")
            opened.append(chat.id, "Why is it blue?")
        path.chmod(0o400)
    shelf.chmod(0o555)
    yield path
    shelf.chmod(0o777)


def test_a_file_that_cannot_be_written_to_is_read(locked: Path) -> None:
    with an_ordinary_user(), Store(locked) as opened:
        (chat,) = opened.find("sky")

        assert opened.is_read_only
        assert opened.read(chat.id).messages[0].text == "Why is it blue?"
        assert [hit.title for _, hit in opened.search_chats("blue")] == ["sky"]
        assert "Why is it blue?" in opened.export_markdown(chat.id)
        assert [file.name for file in locked.parent.iterdir()] == [locked.name]


def test_what_can_be_written_to_again_is(locked: Path) -> None:
    with an_ordinary_user(), Store(locked) as opened:
        seen = opened.changes()
        with pytest.raises(Forbidden, match=r": permission denied\. Change its permissions"):
            opened.create("sea")
        locked.chmod(0o600)
        with whoever_runs_the_tests():
            locked.parent.chmod(0o777)

        sea = opened.create("sea")

        assert not opened.is_read_only
        assert opened.changes(seen.revision).chat_ids == (sea.id,)


def test_what_others_write_into_a_file_that_is_only_read_is_seen(locked: Path) -> None:
    with an_ordinary_user(), Store(locked) as opened:
        before = opened.changes()
        with whoever_runs_the_tests():
            locked.parent.chmod(0o777)
        locked.chmod(0o600)
        with Store(locked) as other:
            sea = other.create("sea")
        locked.chmod(0o400)

        assert opened.is_read_only
        assert opened.changes(before.revision).chat_ids == (sea.id,)


def test_whoever_wants_only_to_look_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(path) as opened:
        opened.delete(opened.create("deleted long ago").id)
        opened.append(opened.create("sky").id, "Why is it blue?")
    before = path.read_bytes()
    monkeypatch.setattr(store, "UNDO_SECONDS", -1.0)

    with Store(path, is_read_only=True) as opened:
        assert titles(opened) == ["sky"]
        assert [summary.chat.title for summary, _ in opened.search_chats("blue")] == ["sky"]
        with pytest.raises(Forbidden) as caught:
            opened.create("sea")

    assert str(caught.value) == f"The chats in {path} can only be looked at here."
    assert path.read_bytes() == before


def test_whoever_wants_only_to_look_makes_no_file_and_sees_the_one_that_comes(path: Path) -> None:
    with Store(path, is_read_only=True) as looking:
        assert titles(looking) == []
        assert not path.parent.exists()

        with Store(path) as opened:
            opened.create("sky")
            assert titles(looking) == ["sky"]
            opened.create("sea")
            assert titles(looking) == ["sea", "sky"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(
            "PRAGMA user_version = 99", "is of another program, or of another", id="newer"
        ),
        pytest.param("PRAGMA application_id = 7", "is of another program, or of", id="foreign"),
    ],
)
def test_what_is_not_ours_is_said_and_not_set_aside(path: Path, spoil: str, words: str) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(spoil)

    with pytest.raises(OllamaLabError, match=words):
        Store(path, is_read_only=True)

    assert [file.suffix for file in path.parent.glob("*.sqlite")] == [".sqlite"]


def test_damage_is_said_and_not_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 500)

    with pytest.raises(OllamaLabError) as caught:
        Store(path, is_read_only=True)

    assert str(caught.value) == (
        f"{path} is damaged, and can only be read. Name another directory in OLLAMA_LAB_DATA_DIR."
    )
    assert path.read_bytes() == b"this is no database" * 500
