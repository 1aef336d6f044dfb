"""Several processes have the file open: kernels, the Jupyter server, their forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from waiting import wait_until

from ollama_lab.conversations import Store

if TYPE_CHECKING:
    from pathlib import Path

WRITES = """
import sys
from pathlib import Path
from ollama_lab.conversations import Store
name, chat_id = sys.argv[2:4]
sys.stdin.readline()
with Store(Path(sys.argv[1])) as store:
    chat_id = chat_id or store.create(name).id
    for number in range(100):
        store.append(chat_id, f"{name} {number}")
        with store.begin(chat_id) as writer:
            writer.add(f"{name} {number} answered")
"""
# All have looked before the first of them writes.
FINDS = """
import sys, time
from pathlib import Path
from ollama_lab.conversations import Store
path, name = Path(sys.argv[1]), sys.argv[2]
with Store(path) as store:
    store.find("shared")
    (path.parent / f"{name} has looked").touch()
    deadline = time.monotonic() + 30
    while len(list(path.parent.glob("* has looked"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    chat, _ = store.find_or_create("shared")
    store.append(chat.id, name, after=0)
"""
FORKS = """
import os, sys
from pathlib import Path
from ollama_lab.conversations import Store
store = Store(Path(sys.argv[1]))
chat = store.create("forked")
store.append(chat.id, "before")
if (child := os.fork()) == 0:
    store.append(chat.id, "child")
    store.close()
    os._exit(0)
os.waitpid(child, 0)
store.append(chat.id, "parent")
store.close()
"""


def run_at_once(path: Path, chat_id: str, names: list[str], code: str = WRITES) -> list[int]:
    """Let processes write at the same time; returns how each ended."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), name, chat_id], stdin=subprocess.PIPE
        )
        for name in names
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.close()
    return [process.wait(timeout=60) for process in processes]


def expected(names: list[str]) -> list[str]:
    asked = [f"{name} {number}" for name in names for number in range(100)]
    return sorted(asked + [f"{one} answered" for one in asked])


def test_two_processes_write_to_one_chat_and_lose_nothing(store: Store, path: Path) -> None:
    chat = store.create("shared")

    ended = run_at_once(path, chat.id, ["kernel", "server"])

    assert ended == [0, 0]
    assert sorted(message.text for message in store.read(chat.id).messages) == expected(
        ["kernel", "server"]
    )


def test_processes_make_the_file_at_the_same_time(path: Path) -> None:
    names = ["one", "two", "three", "four"]

    ended = run_at_once(path, "", names)

    with Store(path) as store:
        assert ended == [0] * 4
        assert store.notice == ""
        texts = [m.text for one in store.chats() for m in store.read(one.chat.id).messages]
    assert sorted(texts) == expected(names)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_processes_that_look_for_one_title_at_once_make_one_chat(path: Path) -> None:
    with Store(path) as store:
        assert run_at_once(path, "", ["one", "two", "three", "four"], code=FINDS) == [0] * 4

        (chat,) = store.chats()
        exported = json.loads(store.export_json())["chats"][0]["messages"]
    assert chat.chat.title == "shared"
    assert {message["parent_id"] for message in exported} == {None}
    assert sorted(message["text"] for message in exported) == ["four", "one", "three", "two"]


def test_a_change_of_another_process_is_seen(store: Store, path: Path) -> None:
    chat = store.create("shared")
    seen = store.changes()
    assert run_at_once(path, chat.id, ["kernel"]) == [0]

    assert store.changes(seen.revision).chat_ids == (chat.id,)


def test_an_answer_of_another_process_is_seen_while_it_runs(store: Store, path: Path) -> None:
    chat = store.create("shared")
    with Store(path) as other, other.begin(chat.id) as writer:
        seen = store.changes()
        writer.add("so far")

        wait_until(lambda: store.changes(seen.revision).chat_ids == (chat.id,))


def test_a_fork_writes_on_a_connection_of_its_own(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORKS, str(path)], timeout=60, check=False)

    with Store(path) as store:
        (chat,) = store.find("forked")
        texts = [message.text for message in store.read(chat.id).messages]
    assert (done.returncode, texts) == (0, ["before", "child", "parent"])


def test_a_file_deleted_while_it_is_open_is_begun_anew(store: Store, path: Path) -> None:
    store.create("lost")
    for file in path.parent.iterdir():
        os.unlink(file)  # noqa: PTH108 (what a person does in a terminal)

    store.create("kept")

    with Store(path) as other:
        assert [one.chat.title for one in other.chats()] == ["kept"]
