"""``--chat`` and ``%ollama chats``: cells go on with the chats that the sidebar shows."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import environment
import pytest
from fake_ollama import Cut, Done, FakeOllama, Text, Thinking, Wait
from live_kernel import Kernel
from live_notebook import Notebook, footer
from waiting import wait_until

from ollama_lab.conversations import AttachedText, Parameters, Store
from ollama_lab.magics.stored import Chats, Prompt, StoredChat
from ollama_lab.plan import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_messages import Message

    from ollama_lab.conversations import Message as Said

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


class KernelEndedError(Exception):
    """Raised to stop listening to a kernel that was killed."""


@pytest.fixture
def path(notebook: Notebook, tmp_path: Path) -> Iterator[Path]:
    """Give the kernel a file of chats of its own, which is not there yet."""
    folder = tmp_path / "chats"
    notebook.run(f"import os; os.environ['OLLAMA_LAB_DATA_DIR'] = {str(folder)!r}")
    yield folder / "chats.sqlite"
    notebook.run("os.environ.pop('OLLAMA_LAB_DATA_DIR')")


def branch(path: Path, title: str = "A") -> tuple[Said, ...]:
    """Read the branch on show of the newest chat of a title."""
    with Store(path) as store:
        return store.read(store.find(title)[0].id).messages


def texts(path: Path, title: str = "A") -> list[str]:
    """Read what was said on that branch, in order."""
    return [message.text for message in branch(path, title)]


def contents(notebook: Notebook) -> list[str]:
    """Give what was said in the last prompt's messages, in order."""
    return [message["content"] for message in notebook.sent["messages"]]


def answers(notebook: Notebook, *said: str) -> None:
    """Let the server say these, one after the other."""
    for text in said:
        notebook.ollama.say(text, once=True)


def listed(notebook: Notebook, words: str = "") -> str:
    """Give what ``%ollama chats`` shows."""
    result = notebook.run(f"%ollama chats {words}")
    assert result.status == "ok", result.error_text
    text: str = result.displayed[0]["text/plain"]
    return text


# ---------------------------------------------------------------- which chat


def test_a_missing_chat_is_made(notebook: Notebook, path: Path) -> None:
    answers(notebook, "Hi.")

    result = notebook.ask("--chat A", "one")

    assert texts(path) == ["one", "Hi."]
    assert "chat 'A' begun" in footer(result)


def test_a_chat_goes_on_in_the_next_cell(notebook: Notebook, path: Path) -> None:
    answers(notebook, "Hi.", "Ho.")

    notebook.ask("--chat A", "one", cell_id="c1")
    result = notebook.ask("--chat A", "two", cell_id="c2")

    assert contents(notebook) == ["one", "Hi.", "two"]
    assert texts(path) == ["one", "Hi.", "two", "Ho."]
    assert "chat 'A' continued" in footer(result)


def test_a_chat_of_the_sidebar_goes_on(notebook: Notebook, path: Path) -> None:
    with Store(path) as store:
        chat = store.create("A")
        store.append(chat.id, "from the sidebar")
        store.begin(chat.id).finish(text="Yes.")

    notebook.ask("--chat A", "and here")

    assert contents(notebook) == ["from the sidebar", "Yes.", "and here"]


def test_a_title_may_have_blanks_and_matches_whole(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat 'A and B'", "one")

    notebook.ask("--chat A", "two")

    assert contents(notebook) == ["two"]
    assert texts(path, "A and B")[0] == "one"


def test_of_several_the_newest_goes_on_and_that_is_said(notebook: Notebook, path: Path) -> None:
    with Store(path) as store:
        for text in ("older", "newer"):
            store.append(store.create("A").id, text)

    result = notebook.ask("--chat A", "more")

    assert contents(notebook) == ["newer", "more"]
    assert "chat 'A' continued, the newest of 2 with this title" in footer(result)


def test_new_starts_another_of_the_same_title(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "one", cell_id="c1")

    notebook.ask("--chat A --new", "two", cell_id="c2")
    alone = contents(notebook)
    notebook.ask("--chat A", "three", cell_id="c3")

    assert alone == ["two"]
    assert contents(notebook)[::2] == ["two", "three"]
    with Store(path) as store:
        assert len(store.find("A")) == 2


def test_new_run_again_starts_yet_another(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A --new", "one", cell_id="c1")
    notebook.ask("--chat A --new", "one", cell_id="c1")

    with Store(path) as store:
        assert len(store.find("A")) == 2


def test_a_stored_chat_is_not_the_kernels_conversation(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "stored", cell_id="c1")

    notebook.ask("--history", "in memory", cell_id="c2")

    assert contents(notebook) == ["in memory"]
    assert texts(path)[0] == "stored"


# ---------------------------------------------------------------- branches


def test_a_cell_run_again_adds_a_branch(notebook: Notebook, path: Path) -> None:
    answers(notebook, "Hi.", "Ho.", "Ha.")

    notebook.ask("--chat A", "one", cell_id="c1")
    notebook.ask("--chat A", "two", cell_id="c2")
    result = notebook.ask("--chat A", "two, better", cell_id="c2")

    assert contents(notebook) == ["one", "Hi.", "two, better"]
    assert texts(path) == ["one", "Hi.", "two, better", "Ha."]
    assert len(branch(path)[2].siblings) == 2
    assert "branched where this cell stood" in footer(result)


def test_the_first_cell_run_again_adds_a_branch(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "one", cell_id="c1")

    notebook.ask("--chat A", "one, better", cell_id="c1")

    assert contents(notebook) == ["one, better"]
    assert len(branch(path)[0].siblings) == 2


def test_run_all_again_makes_one_new_branch(notebook: Notebook, path: Path) -> None:
    answers(notebook, "Hi.", "Ho.", "Hi 2.", "Ho 2.")
    notebook.ask("--chat A", "one", cell_id="c1")
    notebook.ask("--chat A", "two", cell_id="c2")

    notebook.ask("--chat A", "one", cell_id="c1")
    notebook.ask("--chat A", "two", cell_id="c2")

    assert texts(path) == ["one", "Hi 2.", "two", "Ho 2."]
    assert contents(notebook) == ["one", "Hi 2.", "two"]


def test_history_is_that_of_the_branch_on_show(notebook: Notebook, path: Path) -> None:
    answers(notebook, "Hi.", "Ho.")
    notebook.ask("--chat A", "one", cell_id="c1")
    notebook.ask("--chat A", "one, better", cell_id="c1")
    with Store(path) as store:
        chat = store.find("A")[0]
        store.select(chat.id, store.read(chat.id).messages[0].siblings[0])

    notebook.ask("--chat A", "two", cell_id="c2")

    assert contents(notebook) == ["one", "Hi.", "two"]


def test_without_cell_ids_every_cell_goes_on(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "one")
    notebook.ask("--chat A", "one")

    assert texts(path)[::2] == ["one", "one"]


# ---------------------------------------------------------------- what is kept


def test_the_prompt_is_kept_as_it_was_sent(notebook: Notebook, path: Path) -> None:
    notebook.run("thing = 'glass'")

    notebook.ask("--chat A", "Is {thing} a {ghost}?")

    assert texts(path)[0] == "Is glass a {ghost}?"


def test_files_are_kept_apart_from_the_prompt(
    notebook: Notebook, path: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("x,y")

    notebook.ask(f"--chat A -f {tmp_path}/a.csv", "Sum x.", cell_id="c1")
    first = contents(notebook)
    notebook.ask("--chat A", "And y?", cell_id="c2")

    asked = branch(path)[0]
    assert (asked.text, asked.attachments) == ("Sum x.", (AttachedText("a.csv", "x,y"),))
    assert contents(notebook)[0] == first[0] == "File `a.csv`:\n\n```csv\nx,y\n```\n\nSum x."


def test_pictures_are_kept_and_shown_again(notebook: Notebook, path: Path) -> None:
    notebook.run(f"import base64; dot = base64.b64decode({PIXEL!r})")

    notebook.ask("tiny-see --chat A -i dot", "What is it?", cell_id="c1")
    (first,) = notebook.sent["messages"]
    notebook.ask("--chat A", "Are you sure?", cell_id="c2")

    (picture,) = branch(path)[0].pictures
    with Store(path) as store:
        kept = store.picture(picture.digest)
    assert (picture.name, picture.mime) == ("image", "image/png")
    assert first["images"] == [base64.b64encode(kept).decode()]
    assert notebook.sent["messages"][0] == first


def test_the_answer_is_kept_with_what_wrote_it(notebook: Notebook, path: Path) -> None:
    notebook.ollama.say("Yes.", thinking="Hm.")

    notebook.ask("tiny-think --chat A --seed 3 -o answer")

    answer = branch(path)[1]
    assert (answer.text, answer.thinking, answer.state) == ("Yes.", "Hm.", "done")
    assert answer.provenance == notebook.value(
        "answer.provenance.metadata(answer.stats, answer.done_reason)"
    )
    assert answer.stats["answer_tokens"] == notebook.value("answer.stats.answer_tokens")
    assert answer.stats["prompt_tokens"] > 0
    assert answer.stats["context_tokens"] == 8192
    assert answer.stats["first_token_seconds"] is not None


def test_why_an_answer_was_cut_is_kept(notebook: Notebook, path: Path) -> None:
    notebook.ollama.script("*", [Text("One"), Done("length", {"eval_count": 20})])

    notebook.ask("--chat A --num-predict 20")

    assert branch(path)[1].stats["notes"] == ["Cut off after 20 tokens: --num-predict says so."]


def test_a_broken_answer_is_kept_as_broken(notebook: Notebook, path: Path) -> None:
    notebook.ollama.script("*", [Text("Half"), Cut()])

    notebook.fail("--chat A")

    answer = branch(path)[1]
    assert (answer.text, answer.state) == ("Half", "broken")
    assert answer.stats["error"]["kind"] == "StreamBroken"


def test_a_stopped_answer_is_kept_as_stopped(notebook: Notebook, path: Path) -> None:
    notebook.ollama.script("*", [Text("Half"), Wait(None)])

    result = notebook.run(
        "%%ollama --chat A\nHello", interrupt_when=lambda message: "Half" in message.text
    )

    assert result.ename == "Stopped"
    assert (branch(path)[1].text, branch(path)[1].state) == ("Half", "stopped")


def test_a_prompt_that_cannot_be_sent_leaves_no_chat(notebook: Notebook, path: Path) -> None:
    notebook.fail("zebra --chat A")

    with Store(path) as store:
        assert store.count() == 0


def test_an_answer_shows_while_it_is_written(notebook: Notebook, path: Path) -> None:
    notebook.ollama.script("*", [Text("Half"), Wait(1.5), Text(" and whole")])
    seen: list[list[tuple[str, str]]] = []

    def look(message: Message) -> bool:
        if "and whole" in message.text and not seen:
            seen.append([(said.text, said.state) for said in branch(path)])
        return False

    result = notebook.run("%%ollama --chat A\nHello", interrupt_when=look)

    assert result.status == "ok"
    assert seen[0][0] == ("Hello", "done")
    assert seen[0][1][0].startswith("Half")


# ---------------------------------------------------------------- what the chat itself asks for


@pytest.fixture
def particular(path: Path) -> Path:
    """Store a chat with wishes of its own."""
    with Store(path) as store:
        store.create("A", Parameters("tiny-think", "Be brief.", {"temperature": 0.5}, think=False))
    return path


def test_the_chats_own_wishes_count(notebook: Notebook, particular: Path) -> None:
    result = notebook.ask("--chat A", "one")

    assert particular.exists()
    assert contents(notebook) == ["Be brief.", "one"]
    assert notebook.sent["model"] == "tiny-think:latest"
    assert notebook.sent["options"]["temperature"] == 0.5
    assert notebook.sent["think"] is False
    assert footer(result).startswith("tiny-think:latest (the chat's)")


def test_the_cells_wishes_come_first(notebook: Notebook, particular: Path) -> None:
    line = "tiny --chat A -s long --temperature 0 --top-k 5"

    notebook.ask(line, "one")

    assert contents(notebook) == ["long", "one"]
    assert notebook.sent["model"] == "tiny:latest"
    assert notebook.sent["options"]["temperature"] == 0
    assert notebook.sent["options"]["top_k"] == 5
    with Store(particular) as store:
        assert store.find("A")[0].parameters.system == "Be brief."


def test_a_chat_remembers_what_it_began_with(notebook: Notebook, path: Path) -> None:
    notebook.ask("tiny-think --chat A -s brief --temperature 0 --think", "one", cell_id="c1")

    notebook.ask("--chat A", "two", cell_id="c2")

    with Store(path) as store:
        assert store.find("A")[0].parameters == Parameters(
            "tiny-think", "brief", {"temperature": 0.0}, think=True
        )
    assert notebook.sent["model"] == "tiny-think:latest"
    assert contents(notebook)[0] == "brief"


def test_what_does_not_fit_is_left_out_by_the_servers_counts(
    notebook: Notebook, path: Path
) -> None:
    big = {"prompt_eval_count": 300, "eval_count": 100}
    notebook.ollama.script("*", [Text("Hi."), Done(fields=big)])

    notebook.ask("--chat A --num-ctx 512", "one", cell_id="c1")
    result = notebook.ask("--chat A", "two", cell_id="c2")

    assert contents(notebook) == ["two"]
    assert "2 earlier messages were left out to fit the window of 512 tokens" in footer(result)
    assert branch(path)[3].stats["left_out"] == 2


def test_old_thinking_takes_no_room(notebook: Notebook, path: Path) -> None:
    long = Done(fields={"prompt_eval_count": 20, "eval_count": 480})
    notebook.ollama.script("*", [Thinking("Hm"), Text("Hi."), long])

    notebook.ask("tiny-think --chat A --num-ctx 512", "one", cell_id="c1")
    notebook.ask("--chat A", "two", cell_id="c2")

    assert contents(notebook) == ["one", "Hi.", "two"]
    assert branch(path)[3].stats["left_out"] == 0


# ---------------------------------------------------------------- wrong use


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param(
            "--chat A --history",
            "--history continues this kernel's conversation, --chat a stored one. Leave one out.",
            id="history",
        ),
        pytest.param(
            "--chat A --raw",
            "--raw sends the prompt as it is: --chat has no place in it. Leave one out.",
            id="raw",
        ),
        pytest.param(
            "--chat ''",
            "--chat is empty; it takes the title of a chat. List: %ollama chats",
            id="empty",
        ),
        pytest.param(
            f"--chat {'x' * 201}",
            "A title of 201 characters is too long; 200 is the limit. Shorten it.",
            id="long",
        ),
        pytest.param("--chat", "%%ollama: --chat wants a value.", id="nothing"),
    ],
)
def test_wrong_use_is_said(notebook: Notebook, path: Path, line: str, words: str) -> None:
    result = notebook.fail(line)

    assert result.evalue.startswith(words)
    assert not path.exists()


# ---------------------------------------------------------------- a disk that does not do its part


def test_without_a_place_to_store_the_answer_stays(notebook: Notebook, path: Path) -> None:
    path.parent.write_text("a file where the directory should be")
    answers(notebook, "Hi.")

    result = notebook.ask("--chat A -o answer")

    assert notebook.value("answer.text") == "Hi."
    assert result.displayed[0]["text/plain"] == "Hi."
    (line,) = [line for line in footer(result).split("<br>") if "tored" in line]
    assert line.startswith(
        "Not stored in the chat 'A', and asked without what was said there: "
        f"Chats cannot be kept in {path}: "
    )


def test_a_quiet_cell_says_that_nothing_is_stored(notebook: Notebook, path: Path) -> None:
    path.parent.write_text("a file where the directory should be")

    result = notebook.ask("--chat A --quiet")

    streams = [output["text"] for output in result.outputs if output["output_type"] == "stream"]
    assert [text.startswith("Not stored in the chat 'A'") for text in streams] == [True]


def test_the_next_cell_tries_the_disk_again(notebook: Notebook, path: Path) -> None:
    path.parent.write_text("a file where the directory should be")
    notebook.ask("--chat A", "one")
    path.parent.unlink()

    notebook.ask("--chat A", "two")

    assert texts(path)[0] == "two"


LIMIT = """
import resource
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, before[1]))
"""
UNLIMIT = "resource.setrlimit(resource.RLIMIT_FSIZE, before)"


@pytest.fixture
def limited(request: pytest.FixtureRequest, notebook: Notebook, path: Path) -> Iterator[Notebook]:
    """Give a kernel whose files may grow by so many bytes, as on a disk that is nearly full."""
    notebook.ask("--chat other")
    size = Path(f"{path}-wal").stat().st_size
    notebook.run(LIMIT.format(bytes=size + request.param))
    yield notebook
    notebook.run(UNLIMIT)


@pytest.mark.skipif(sys.platform == "win32", reason="No limit on files here.")
@pytest.mark.parametrize("limited", [0, 20_000, 30_000], indirect=True)
def test_on_a_full_disk_the_answer_stays(limited: Notebook, path: Path) -> None:
    result = limited.ask("--chat A -o answer", "many words " * 2_000)

    assert limited.value("answer.done_reason") == "stop"
    assert "Not stored in the chat 'A': There is no room left to keep chats in " in footer(result)
    assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="No limit on files here.")
@pytest.mark.parametrize("limited", [100_000], indirect=True)
def test_a_disk_that_fills_up_meanwhile_costs_nothing(limited: Notebook, path: Path) -> None:
    long = "word " * 60_000
    answers(limited, long)

    result = limited.ask("--chat A -o answer", "Hello")

    assert limited.value("len(answer.text)") == len(long)
    assert "Not stored yet in the chat 'A': There is no room left" in footer(result)
    limited.run(UNLIMIT)
    wait_until(lambda: branch(path)[1].state == "done")
    assert texts(path) == ["Hello", long]


def test_a_file_set_aside_is_told_once(notebook: Notebook, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)

    first = notebook.ask("--chat A", "one", cell_id="c1")
    second = notebook.ask("--chat A", "two", cell_id="c2")

    assert f"{path} is damaged. It is kept as chats-damaged-" in footer(first)
    assert "damaged" not in footer(second)
    assert texts(path)[::2] == ["one", "two"]


def test_a_chat_deleted_meanwhile_is_begun_again(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "one", cell_id="c1")
    with Store(path) as store:
        store.delete_all()

    result = notebook.ask("--chat A", "one", cell_id="c1")

    assert "chat 'A' begun" in footer(result)
    assert contents(notebook) == ["one"]


def test_behind_a_gateway_the_sidebars_chats_are_out_of_sight(
    notebook: Notebook, path: Path
) -> None:
    notebook.run("os.environ['KERNEL_GATEWAY'] = '1'")

    first, second = (notebook.ask("--chat A", word) for word in ("one", "two"))
    notebook.run("del os.environ['KERNEL_GATEWAY']")

    words = "this kernel runs behind a gateway and cannot see the chats of the sidebar"
    assert [words in footer(one) for one in (first, second)] == [True, False]
    assert path.exists()


# ---------------------------------------------------------------- several kernels


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[tuple[Notebook, Notebook]]:
    """Run two kernels of one person."""
    home = environment.make_home(tmp_path / "shared-home")
    with FakeOllama() as ollama:
        env = {**environment.clean(os.environ, home), "OLLAMA_HOST": ollama.url}
        with Kernel(env) as first, Kernel(env) as second:
            pair = Notebook(first, ollama), Notebook(second, ollama)
            for one in pair:
                assert one.run("%load_ext ollama_lab").status == "ok"
            yield pair


def chats_file(notebook: Notebook) -> Path:
    """Ask a kernel where its chats are."""
    return Path(
        notebook.value("str(__import__('ollama_lab.conversations').conversations.chats_path())")
    )


def test_two_kernels_write_at_once_without_loss(kernels: tuple[Notebook, Notebook]) -> None:
    kernels[0].ask("--chat both", "begin")
    kernels[0].ollama.script("*", [Text("a"), Wait(0.2), Text("b")])

    def ask(number: int) -> None:
        for turn in range(4):
            kernels[number].ask("--chat both", f"{number}.{turn}")
            kernels[number].ask(f"--chat own{number}", f"{number}.{turn}")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(ask, range(2)))

    path = chats_file(kernels[0])
    asked = [f"{number}.{turn}" for number in range(2) for turn in range(4)]
    assert sorted(said_by("user", path)) == sorted(["begin", *asked, *asked])
    assert said_by("assistant", path).count("ab") == 16
    assert texts(path, "own0")[::2] == ["0.0", "0.1", "0.2", "0.3"]
    assert texts(path, "own1")[::2] == ["1.0", "1.1", "1.2", "1.3"]


def said_by(role: str, path: Path) -> list[str]:
    """Read what somebody said on every branch of every chat."""
    with Store(path) as store:
        exported: dict[str, Any] = json.loads(store.export_json())
    messages = [message for chat in exported["chats"] for message in chat["messages"]]
    return [message["text"] for message in messages if message["role"] == role]


def test_a_kernel_goes_on_with_what_another_said(kernels: tuple[Notebook, Notebook]) -> None:
    first, second = kernels
    first.ollama.say("Hi.", once=True)

    first.ask("--chat A", "one")
    second.ask("--chat A", "two")

    assert contents(second) == ["one", "Hi.", "two"]


def test_kernels_that_begin_a_chat_at_once_begin_one_and_branch_it(home: Path) -> None:
    chats = Chats()
    late = StoredChat(chats, "A", "", is_new=False)
    with Store() as other:
        first, _ = other.find_or_create("A")
        other.append(first.id, "the other's")

        late.request(Request(prompt="mine"), Prompt("mine"), "")
        late.begin()
        late.abandon()
        said = list(late.notes())
        chats.close()

        (found,) = other.find("A")
        messages = other.read(found.id).messages
    assert said == ["chat 'A' branched at its beginning: another kernel had just begun it"]
    assert [message.text for message in messages] == ["mine", ""]
    assert len(messages[0].siblings) == 2


def test_a_killed_kernel_keeps_what_had_come(kernels: tuple[Notebook, Notebook]) -> None:
    first, second = kernels
    path = chats_file(second)
    first.ollama.script("*", [Text("kept words"), Wait(1.6), Text(" last"), Wait(None)])

    def kill(message: Message) -> bool:
        if "last" in message.text:
            os.kill(first.kernel.pid, signal.SIGKILL)
            raise KernelEndedError
        return False

    with pytest.raises(KernelEndedError):
        first.run("%%ollama --chat A\nHello", interrupt_when=kill)
    first.kernel.close()

    question, answer = branch(path)
    assert question.text == "Hello"
    assert answer.text.startswith("kept words")
    assert answer.state == "broken"


# ---------------------------------------------------------------- the list


def test_the_list_has_date_messages_and_model(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat 'first one'", "one")
    notebook.ask("tiny-think --chat second", "two")
    notebook.ask("--chat second", "three")

    head, newer, older, place = listed(notebook).splitlines()

    assert head.split() == ["chat", "written", "messages", "model"]
    assert newer.split()[0] == "second"
    assert newer.split()[-2:] == ["4", "tiny-think:latest"]
    assert older.startswith("first one")
    assert older.split()[-2:] == ["2", "tiny:latest"]
    assert place == f"Chats are kept in {path}"


def test_the_list_has_todays_date(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat A", "one")

    today = notebook.value("__import__('datetime').date.today().isoformat()")

    assert today in listed(notebook)
    assert path.exists()


def test_a_search_shows_where_words_were_found(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat birds", "Why do herons stand on one leg?")
    notebook.ask("--chat fish", "How do eels travel?")

    head, row, place = listed(notebook, "one heron").splitlines()

    assert head.split()[-1] == "found"
    assert row.startswith("birds")
    assert row.endswith("Why do herons stand on one leg?")
    assert place == f"Chats are kept in {path}"


def test_a_search_without_a_hit_says_so(notebook: Notebook, path: Path) -> None:
    notebook.ask("--chat birds", "Hello")

    assert "No chat holds 'zebra fish'." in listed(notebook, "zebra fish")
    assert path.exists()


def test_listing_nothing_makes_no_file(notebook: Notebook, path: Path) -> None:
    found = listed(notebook)

    assert f"No chat is stored yet; chats will be kept in {path}" in found
    assert not path.exists()


def test_a_long_list_is_cut_and_says_so(notebook: Notebook, path: Path) -> None:
    with Store(path) as store:
        for number in range(52):
            store.create(f"chat {number}")

    assert "These are the last 50 of 52; find others with: %ollama chats WORDS" in listed(notebook)


def test_a_hostile_title_cannot_act_in_the_list(notebook: Notebook, path: Path) -> None:
    with Store(path) as store:
        store.create("<script>alert(1)</script> | $x$")

    (data,) = notebook.run("%ollama chats").displayed

    assert "<script" not in data["text/markdown"]
    assert "$x$" not in data["text/markdown"]


# ---------------------------------------------------------------- light


def test_a_plain_prompt_opens_no_store(ollama: FakeOllama, home: Path) -> None:
    code = (
        "import sys; get_ipython().run_line_magic('load_ext', 'ollama_lab')\n"
        "get_ipython().run_cell('%%ollama tiny -q\\nHello')\n"
        "get_ipython().run_cell('%ollama models')\n"
        "print('conversations' if 'ollama_lab.conversations' in sys.modules else 'light')"
    )

    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code],
        env={**os.environ, "OLLAMA_HOST": ollama.url, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "light"
