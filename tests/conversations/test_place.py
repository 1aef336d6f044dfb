"""The file lies where it should, is private, and says in words what keeps it from being written."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ordinary_user import an_ordinary_user

from ollama_lab.conversations import Store, chats_path, database, place
from ollama_lab.errors import Busy, Forbidden

# Files of this process end at 200 kB, as under a quota.
FILLS = """
import resource, sys
from pathlib import Path
from ollama_lab.conversations import Store
from ollama_lab.errors import NoRoom
store = Store(Path(sys.argv[1]))
chat = store.create("full")
writer = store.begin(chat.id)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
writer.add("word " * 100_000)
try:
    writer.finish()
except NoRoom as exc:
    print(exc)
print(len(writer.text))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_chats_lie_in_jupyters_data_directory(home: Path) -> None:
    assert chats_path() == home / "data" / "ollama_lab" / "chats.sqlite"


def test_without_jupyter_they_lie_in_the_systems(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))

    assert chats_path().name == "chats.sqlite"
    assert chats_path().parent.name == "ollama_lab"


def test_a_variable_moves_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_LAB_DATA_DIR", "~/elsewhere")

    with Store() as store:
        assert store.path == home / "elsewhere" / "chats.sqlite"
        assert store.path.exists()


def test_nobody_else_may_read_them(path: Path) -> None:
    before = os.umask(0)
    try:
        with Store(path) as store:
            store.create("secret")

            assert {mode(file) for file in path.parent.iterdir()} == {0o600}
            assert mode(path.parent) == 0o700
    finally:
        os.umask(before)


def test_a_file_open_to_others_is_closed(path: Path) -> None:
    with Store(path):
        path.chmod(0o644)

    with Store(path):
        assert mode(path) == 0o600


def test_a_directory_that_was_there_keeps_its_permissions(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)

    with Store(path):
        assert mode(path.parent) == 0o755


def test_the_write_ahead_log_is_used_on_a_local_disk(store: Store) -> None:
    assert store._database._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_file_on_a_network_uses_the_rollback_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(path) as store:
        chat = store.create("kept")
    monkeypatch.setattr(place, "is_on_network", lambda _: True)

    with Store(path) as store:
        connection = store._database._connection
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert store.find("kept") == [chat]


@pytest.mark.parametrize(
    ("folder", "is_remote"),
    [
        pytest.param("/home/jovyan/data", True, id="nfs"),
        pytest.param("/home/jovyan/local disk/data", False, id="a local disk below, with a blank"),
        pytest.param("/home", False, id="above"),
        pytest.param("/twice/data", False, id="the later mount hides the earlier"),
        pytest.param("/share/data", True, id="windows share"),
    ],
)
def test_file_systems_of_other_machines_are_known(
    tmp_path: Path,
    folder: str,
    is_remote: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\n"
        "server:/home /home/jovyan nfs4 rw 0 0\n"
        "/dev/sdb /home/jovyan/local\\040disk ext4 rw 0 0\n"
        "server:/x /twice nfs rw 0 0\n"
        "/dev/sdc /twice xfs rw 0 0\n"
        "//server/share /share cifs rw 0 0\n"
        "\n"
    )

    assert place.is_on_network(Path(folder), mounts) == is_remote


def test_without_a_list_of_mounts_a_file_is_taken_for_local(tmp_path: Path) -> None:
    assert not place.is_on_network(tmp_path, tmp_path / "nothing")


def test_a_directory_that_nobody_may_write_to_is_said(shelf: Path) -> None:
    shelf.chmod(0o555)

    with an_ordinary_user(), pytest.raises(Forbidden) as caught:
        Store(shelf / "chats.sqlite")

    assert str(caught.value) == (
        f"Chats cannot be kept in {shelf}/chats.sqlite: permission denied. "
        "Change its permissions, or name another directory in OLLAMA_LAB_DATA_DIR."
    )


def test_a_file_of_another_user_is_said(shelf: Path) -> None:
    path = shelf / "chats.sqlite"
    with Store(path):
        pass
    path.chmod(0o444)
    shelf.chmod(0o777)

    with (
        an_ordinary_user(),
        Store(path) as store,
        pytest.raises(Forbidden, match=r": permission denied\. Change"),
    ):
        store.create("x")


def test_a_directory_that_became_read_only_is_said(shelf: Path) -> None:
    shelf.chmod(0o777)
    with an_ordinary_user():
        Store(shelf / "chats.sqlite").close()
    shelf.chmod(0o555)

    with (
        an_ordinary_user(),
        Store(shelf / "chats.sqlite") as store,
        pytest.raises(Forbidden) as caught,
    ):
        store.create("x")

    assert str(caught.value) == (
        f"Chats cannot be kept in {shelf}/chats.sqlite: the directory is not yours to write to. "
        "Change its permissions, or name another directory in OLLAMA_LAB_DATA_DIR."
    )


def test_a_damaged_file_that_cannot_be_renamed_is_said(shelf: Path) -> None:
    path = shelf / "chats.sqlite"
    path.write_bytes(b"this is no database" * 500)
    path.chmod(0o666)
    shelf.chmod(0o555)

    with an_ordinary_user(), pytest.raises(Forbidden, match=r": permission denied\. Change"):
        Store(path)

    assert path.read_bytes() == b"this is no database" * 500


def test_a_file_in_the_place_of_the_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(
        Forbidden, match=r"^Chats cannot be kept in .*: (not a directory|file exists)"
    ):
        Store(tmp_path / "file" / "chats.sqlite")


def test_a_directory_in_the_place_of_the_file_is_said(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(Forbidden, match=r"^Chats cannot be kept in .*: is a directory\. Change"):
        Store(path)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="No limit on files here.")
def test_a_quota_is_said_and_the_answer_is_not_lost(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLS, str(path)], capture_output=True, text=True, check=False
    )

    said, length = done.stdout.splitlines()
    assert said == (
        f"There is no room left to keep chats in {path}: a quota or limit is reached. "
        "Free some space, delete chats, or name another directory in OLLAMA_LAB_DATA_DIR."
    )
    assert length == "500000"


def test_another_program_that_writes_for_long_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    with Store(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(Busy) as caught:
            store.create("x")

        other.execute("ROLLBACK")
        assert str(caught.value) == (
            f"Another program has been writing to {path} for 0.2 s. Try again."
        )
