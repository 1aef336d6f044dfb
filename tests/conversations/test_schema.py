"""Files of every earlier version open, and what was in them is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ollama_lab.conversations import Store, schema

VERSION_1 = Path(__file__).with_name("version-1.sql")
# What a later version may do: a column with values made of what is there.
NEXT = (
    *schema.STEPS,
    "ALTER TABLE chats ADD COLUMN words INTEGER;\nUPDATE chats SET words = length(title);\n",
)
BROKEN = (*NEXT, "ALTER TABLE chats ADD COLUMN more;\nUPDATE absent SET x = 1;\n")


def written_by_version_1(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text())


def test_a_file_of_version_1_opens(path: Path) -> None:
    written_by_version_1(path)

    with Store(path) as store:
        (chat,) = store.find("Colors of the sky")
        said = [(one.role, one.text, one.thinking) for one in store.read(chat.id).messages]

    assert store.notice == ""
    assert said == [("user", "Why is the sky blue?", ""), ("assistant", "It scatters.", "Hm.")]


def test_a_file_of_version_1_has_all_that_a_new_one_has(path: Path, tmp_path: Path) -> None:
    written_by_version_1(path)
    Store(path).close()
    Store(tmp_path / "new.sqlite").close()
    query = "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name"

    with (
        closing(sqlite3.connect(path)) as old,
        closing(sqlite3.connect(tmp_path / "new.sqlite")) as new,
    ):
        assert old.execute(query).fetchall() == new.execute(query).fetchall()


def test_an_empty_file_is_version_0_and_becomes_a_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    with Store(path) as store:
        store.create("first")

        version = store._database._connection.execute("PRAGMA user_version").fetchone()[0]
    assert version == len(schema.STEPS)


def test_a_step_to_the_next_version_keeps_what_is_there(path: Path) -> None:
    written_by_version_1(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.migrate(connection, NEXT)

        assert schema.version(connection) == len(NEXT)
        assert connection.execute("SELECT title, words FROM chats").fetchall() == [
            ("Colors of the sky", 17)
        ]


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    written_by_version_1(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no such table: absent"):
            schema.migrate(connection, BROKEN)

        columns = [row[1] for row in connection.execute("PRAGMA table_info (chats)")]
        assert (schema.version(connection), "words" in columns) == (1, False)


def test_a_file_that_is_up_to_date_is_not_written(path: Path) -> None:
    with Store(path) as store, closing(sqlite3.connect(path)) as other:
        seen = other.execute("PRAGMA data_version").fetchone()

        schema.migrate(store._database._connection)

        assert other.execute("PRAGMA data_version").fetchone() == seen
