"""A file that cannot be used is set aside, never overwritten, and said in words."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ollama_lab.conversations import Store
from ollama_lab.errors import OllamaLabError

if TYPE_CHECKING:
    from pathlib import Path

OPENS = """
import sys
from pathlib import Path
from ollama_lab.conversations import Store
sys.stdin.readline()
with Store(Path(sys.argv[1])) as store:
    store.create(sys.argv[2])
    print(store.notice)
"""


def aside(path: Path, kind: str) -> list[Path]:
    return sorted(path.parent.glob(f"chats-{kind}-????-??-??-??????*.sqlite"))


def filled(path: Path) -> None:
    """Make a file of many pages."""
    with Store(path) as store:
        chat = store.create("old")
        for number in range(200):
            store.append(chat.id, f"{number} " * 200)


def test_a_file_that_is_no_database_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 500)

    with Store(path) as store:
        (kept,) = aside(path, "damaged")
        assert kept.read_bytes() == b"this is no database" * 500
        assert store.notice == (
            f"{path} is damaged. It is kept as {kept.name}, and a new file was begun."
        )
        assert store.create("new") == store.find("new")[0]


def test_a_newer_file_is_set_aside(path: Path) -> None:
    with Store(path) as store:
        store.create("old")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with Store(path) as store:
        (kept,) = aside(path, "newer")
        assert store.chats() == []
        assert store.notice == (
            f"{path} was written by a newer ollama-lab. "
            f"It is kept as {kept.name}, and a new file was begun."
        )
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT title FROM chats").fetchone() == ("old",)


def test_the_database_of_another_program_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")

    with Store(path) as store:
        (kept,) = aside(path, "foreign")
        assert store.notice.startswith(f"{path} is the database of another program.")
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def spoil(path: Path, begin: float, end: float) -> None:
    """Overwrite a part of a file, such as its last third."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(begin * size))
        file.write(b"\xa5" * int((end - begin) * size))


def test_damage_behind_the_first_page_is_met_when_the_file_is_opened(path: Path) -> None:
    filled(path)
    spoil(path, 0.1, 1.0)

    with Store(path) as store:
        (kept,) = aside(path, "damaged")
        assert store.notice.endswith(f"It is kept as {kept.name}, and a new file was begun.")
        assert store.create("new") == store.find("new")[0]


def test_damage_in_the_middle_is_said_when_it_is_met(path: Path) -> None:
    filled(path)
    spoil(path, 0.4, 0.6)
    spoiled = path.read_bytes()

    with Store(path) as store:
        (chat,) = store.find("old")
        with pytest.raises(OllamaLabError) as caught:
            store.read(chat.id)

        (kept,) = aside(path, "damaged")
        assert kept.read_bytes() == spoiled
        assert re.fullmatch(
            r".*sqlite is damaged\. It is kept as chats-damaged-[-0-9]+\.sqlite, and a new file was"
            r" begun\. Try again, with the new file\.",
            str(caught.value),
        )
        assert store.create("new") == store.find("new")[0]


def test_a_half_copied_file_is_set_aside(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])

    with Store(path) as store:
        store.create("new")
        assert [one.chat.title for one in store.chats()] == ["new"]

    assert aside(path, "damaged")[0].read_bytes()[:5000] == whole[:5000]


def test_two_files_set_aside_at_the_same_time_have_two_names(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"older" * 1000, b"newer" * 1000):
        path.write_bytes(content)
        Store(path).close()

    assert {file.read_bytes()[:5] for file in aside(path, "damaged")} == {b"older", b"newer"}


def test_processes_that_meet_a_damaged_file_agree_on_one_new_file(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 500)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS, str(path), f"chat {number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    told = [process.stdin.write("go\n") for process in processes if process.stdin]
    said = [process.communicate(timeout=60)[0].strip() for process in processes]

    with Store(path) as store:
        titles = sorted(one.chat.title for one in store.chats())
    assert (len(told), titles) == (4, [f"chat {number}" for number in range(4)])
    assert len(aside(path, "damaged")) == 1
    assert sum(bool(one) for one in said) == 1
