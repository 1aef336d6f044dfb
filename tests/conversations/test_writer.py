"""An answer reaches the disk while it runs: seldom, soon, and whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from waiting import wait_until

from ollama_lab.conversations import Message, Store
from ollama_lab.errors import BadUsage, NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Adds the time, line by line, as fast as a quick model writes; says each line when it was added.
ANSWERS = """
import sys, time
from pathlib import Path
from ollama_lab.conversations import Store
store = Store(Path(sys.argv[1]))
chat = store.create("killed")
store.append(chat.id, "ask")
writer = store.begin(chat.id)
while True:
    line = f"{time.monotonic():.4f}\\n"
    writer.add(line)
    sys.stdout.write(line)
    sys.stdout.flush()
    time.sleep(0.004)
"""
SECONDS = 10.0
TOKEN = "A token "


@dataclass(frozen=True, slots=True)
class Measured:
    """What an answer of ten seconds cost."""

    seconds: float
    text: str
    commits: int
    log_bytes: int


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Write an answer of ten seconds at about 200 tokens a second."""
    path = tmp_path_factory.mktemp("chats") / "chats.sqlite"
    statements: list[str] = []
    with Store(path) as store:
        chat = store.create("long")
        store.append(chat.id, "ask")
        log = path.with_name(path.name + "-wal")
        before = log.stat().st_size
        store._database._connection.set_trace_callback(statements.append)
        began = time.monotonic()
        pace = threading.Event()
        with store.begin(chat.id) as writer:
            while time.monotonic() - began < SECONDS:
                writer.add(TOKEN)
                pace.wait(0.005)
        yield Measured(
            time.monotonic() - began,
            writer.text,
            statements.count("COMMIT"),
            log.stat().st_size - before,
        )


@pytest.fixture
def chat_id(store: Store) -> str:
    """Make a chat in which something is asked."""
    chat = store.create("Colors")
    store.append(chat.id, "Why?")
    return chat.id


def last(store: Store, chat_id: str) -> Message:
    return store.read(chat_id).messages[-1]


def test_an_answer_costs_one_write_a_second_and_those_of_its_ends(measured: Measured) -> None:
    assert 5 <= measured.commits <= measured.seconds + 2


def test_an_answer_costs_little_more_than_its_bytes(measured: Measured) -> None:
    # Pages of 4 kB, about eight a commit; an answer that is written anew each time costs far more
    # as it grows.
    assert measured.log_bytes <= measured.commits * 80_000


def test_what_is_added_is_visible_to_others_while_the_answer_runs(
    store: Store, chat_id: str, path: Path
) -> None:
    with Store(path) as other, store.begin(chat_id) as writer:
        writer.add("so ", thinking="hm")
        writer.add("far")

        wait_until(lambda: last(other, chat_id).text == "so far")

        assert (last(other, chat_id).state, last(other, chat_id).thinking) == ("streaming", "hm")
        assert other.chats()[0].last_line == "so far"


def test_the_whole_answer_is_there_at_its_end(store: Store, chat_id: str) -> None:
    with store.begin(chat_id) as writer:
        writer.add("all ")
        writer.add("of it")

    assert (last(store, chat_id).text, last(store, chat_id).state) == ("all of it", "done")


def test_the_end_may_bring_another_text(store: Store, chat_id: str) -> None:
    writer = store.begin(chat_id)
    writer.add("draft", "thought")
    writer.finish("stopped", text="exact", thinking="")

    kept = last(store, chat_id)
    assert (kept.text, kept.thinking, kept.state) == ("exact", "", "stopped")


def test_a_second_end_changes_nothing(store: Store, chat_id: str) -> None:
    writer = store.begin(chat_id)
    writer.finish("stopped")
    writer.finish("done", text="other")

    assert (last(store, chat_id).text, last(store, chat_id).state) == ("", "stopped")


def test_an_answer_does_not_end_in_an_unknown_way(store: Store, chat_id: str) -> None:
    with pytest.raises(BadUsage) as caught:
        store.begin(chat_id).finish("streaming")

    assert str(caught.value) == (
        "An answer ends 'streaming'; it ends done, stopped or broken. Use one of these."
    )


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(KeyboardInterrupt, "stopped", id="interrupt"),
        pytest.param(ValueError, "broken", id="failure"),
    ],
)
def test_an_exception_ends_the_answer_and_travels_on(
    store: Store, chat_id: str, error: type[BaseException], state: str
) -> None:
    writer = store.begin(chat_id)
    writer.add("so far")

    with pytest.raises(error), writer:
        raise error

    assert (last(store, chat_id).text, last(store, chat_id).state) == ("so far", state)


def test_what_waits_is_written_when_the_store_is_closed(path: Path) -> None:
    with Store(path) as store:
        chat = store.create("Colors")
        writer = store.begin(chat.id)
        writer.add("so far")

    with Store(path) as store:
        assert last(store, chat.id).text == "so far"


def test_several_answers_are_written_at_once(store: Store) -> None:
    writers = [store.begin(store.create(f"chat {number}").id) for number in range(8)]
    for writer in writers:
        writer.add(f"answer to {writer.chat_id}")

    wait_until(lambda: all(last(store, one.chat_id).text == one.text for one in writers))
    for writer in writers:
        writer.finish()

    assert {last(store, one.chat_id).state for one in writers} == {"done"}


def test_threads_share_a_store(store: Store, chat_id: str) -> None:
    def write(number: int) -> None:
        for count in range(20):
            with store.begin(chat_id) as writer:
                writer.add(f"{number}/{count}")
            store.read(chat_id)
            store.chats()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    texts = [message.text for message in store.read(chat_id).messages[1:]]
    assert sorted(texts) == sorted(f"{n}/{c}" for n in range(6) for c in range(20))


def test_a_full_disk_is_said_and_the_text_stays_with_the_caller(store: Store, chat_id: str) -> None:
    writer = store.begin(chat_id)
    connection = store._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    writer.add("word " * 10_000)
    wait_until(lambda: writer.error is not None)

    with pytest.raises(NoRoom, match=r"^There is no room left to keep chats in .*sqlite: .* Free"):
        writer.finish()

    assert isinstance(writer.error, NoRoom)
    assert writer.text == "word " * 10_000
    connection.execute("PRAGMA max_page_count = 100000")
    wait_until(lambda: writer.is_finished)
    assert last(store, chat_id).text == writer.text


def test_a_failure_is_told_before_a_full_disk(store: Store, chat_id: str) -> None:
    connection = store._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    writer = store.begin(chat_id)
    connection.execute(f"PRAGMA max_page_count = {pages}")
    writer.add("word " * 10_000)

    with pytest.raises(ValueError, match="the first"), writer:
        raise ValueError("the first")

    connection.execute("PRAGMA max_page_count = 100000")
    wait_until(lambda: last(store, chat_id).state == "broken")
    assert last(store, chat_id).text == writer.text


def test_an_interrupt_between_two_statements_locks_nothing(store: Store, path: Path) -> None:
    store._database._connection.execute("BEGIN IMMEDIATE")

    store.create("mine")

    with Store(path) as other:
        other.create("theirs")
        assert len(other.chats()) == 2


def test_a_chat_erased_in_mid_answer_is_said_and_keeps_no_other_off_the_disk(
    store: Store, chat_id: str
) -> None:
    other = store.create("other")
    gone, alive = store.begin(chat_id), store.begin(other.id)
    store.delete(chat_id)
    store.purge()
    gone.add("nowhere")
    alive.add("somewhere")
    wait_until(lambda: last(store, other.id).text == "somewhere")

    with pytest.raises(BadUsage) as caught:
        gone.finish()

    assert str(caught.value) == (
        "The chat was deleted while its answer was written. "
        "The text is still where it was asked for."
    )
    alive.finish()


def test_an_answer_in_a_deleted_chat_is_there_when_the_chat_is_brought_back(
    store: Store, chat_id: str
) -> None:
    with store.begin(chat_id) as writer:
        store.delete(chat_id)
        writer.add("all of it")
    store.restore(chat_id)

    assert last(store, chat_id).text == "all of it"


@pytest.mark.parametrize("seconds", [1.3, 1.9, 2.6])
def test_a_killed_process_loses_at_most_its_last_second(path: Path, seconds: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while float(lines[-1]) - float(lines[0]) < seconds:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        lines += [line for line in process.stdout if line.endswith("\n")]

    with Store(path) as store:
        (chat,) = store.find("killed")
        kept = last(store, chat.id)

    written = kept.text.splitlines(keepends=True)
    assert written == lines[: len(written)]
    # A second, the milliseconds of a commit, and what a busy machine adds.
    assert float(lines[-1]) - float(written[-1]) <= 1.5
    assert kept.state == "broken"


def test_a_process_that_still_runs_is_not_taken_for_a_killed_one(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with Store(path) as store:
                (chat,) = store.find("killed")
                assert last(store, chat.id).state == "streaming"
        finally:
            process.kill()


def test_an_answer_in_mid_air_is_mended_in_an_open_store_too(store: Store, path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    (chat,) = store.find("killed")

    assert last(store, chat.id).state == "broken"
