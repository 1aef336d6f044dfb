"""``--history`` and ``--new``: a conversation that follows the cells of the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Cut, Done, Text, Wait
from live_notebook import footer

if TYPE_CHECKING:
    from pathlib import Path

    from live_notebook import Notebook


def contents(notebook: Notebook) -> list[str]:
    """Give what was said in the last prompt's messages, in order."""
    return [message["content"] for message in notebook.sent["messages"]]


def answers(notebook: Notebook, *texts: str) -> None:
    """Let the server say these, one after the other."""
    for text in texts:
        notebook.ollama.say(text, once=True)


def test_a_plain_cell_knows_nothing_of_the_last(notebook: Notebook) -> None:
    notebook.ask(prompt="one")
    notebook.ask(prompt="two")

    assert contents(notebook) == ["two"]


def test_history_continues_what_was_said(notebook: Notebook) -> None:
    answers(notebook, "A", "B")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("--history", "two", cell_id="c2")

    assert contents(notebook) == ["one", "A", "two"]


def test_history_does_without_cell_ids(notebook: Notebook) -> None:
    answers(notebook, "A", "B", "C")

    notebook.ask("--history", "one")
    notebook.ask("--history", "two")
    notebook.ask("--history", "three")

    assert contents(notebook) == ["one", "A", "two", "B", "three"]


def test_a_plain_cell_adds_nothing_to_the_conversation(notebook: Notebook) -> None:
    answers(notebook, "A", "aside", "B")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("", "by the way", cell_id="c2")
    notebook.ask("--history", "two", cell_id="c3")

    assert contents(notebook) == ["one", "A", "two"]


def test_a_cell_run_again_replaces_its_turn(notebook: Notebook) -> None:
    answers(notebook, "A", "B", "B2")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("--history", "two", cell_id="c2")
    notebook.ask("--history", "two, better", cell_id="c2")

    assert contents(notebook) == ["one", "A", "two, better"]


def test_a_cell_run_again_drops_what_followed(notebook: Notebook) -> None:
    answers(notebook, "A", "B", "A2", "C")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("--history", "two", cell_id="c2")
    notebook.ask("--history", "one again", cell_id="c1")
    notebook.ask("--history", "three", cell_id="c3")

    assert contents(notebook) == ["one again", "A2", "three"]


def test_new_begins_with_its_cell(notebook: Notebook) -> None:
    answers(notebook, "A", "B", "C")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("--new", "two", cell_id="c2")
    alone = contents(notebook)
    notebook.ask("--history", "three", cell_id="c3")

    assert alone == ["two"]
    assert contents(notebook) == ["two", "B", "three"]


def test_reset_forgets_the_conversation(notebook: Notebook) -> None:
    notebook.ask("--history", "one", cell_id="c1")

    notebook.run("%ollama reset")
    notebook.ask("--history", "two", cell_id="c2")

    assert contents(notebook) == ["two"]


def test_the_system_prompt_is_not_repeated(notebook: Notebook) -> None:
    answers(notebook, "A")

    notebook.ask("--history -s brief", "one", cell_id="c1")
    notebook.ask("--history -s brief", "two", cell_id="c2")

    assert contents(notebook) == ["brief", "one", "A", "two"]


def test_another_model_may_go_on(notebook: Notebook) -> None:
    answers(notebook, "A")

    notebook.ask("--history", "one", cell_id="c1")
    notebook.ask("tiny-think --history", "two", cell_id="c2")

    assert notebook.sent["model"] == "tiny-think:latest"
    assert contents(notebook) == ["one", "A", "two"]


def test_a_broken_answer_is_no_turn(notebook: Notebook) -> None:
    answers(notebook, "A")
    notebook.ask("--history", "one", cell_id="c1")
    notebook.ollama.script("*", [Text("Half"), Cut()], once=True)

    notebook.fail("--history", "two")
    notebook.ask("--history", "three", cell_id="c3")

    assert contents(notebook) == ["one", "A", "three"]


def test_a_stopped_answer_is_no_turn(notebook: Notebook) -> None:
    answers(notebook, "A")
    notebook.ask("--history", "one", cell_id="c1")
    notebook.ollama.script("*", [Text("Half"), Wait(None)], once=True)

    notebook.run("%%ollama --history\ntwo", interrupt_when=lambda message: "Half" in message.text)
    notebook.ask("--history", "three", cell_id="c3")

    assert contents(notebook) == ["one", "A", "three"]


def test_what_does_not_fit_is_left_out_and_said(notebook: Notebook) -> None:
    big = {"prompt_eval_count": 300, "eval_count": 100}
    notebook.ollama.script("*", [Text("A"), Done(fields=big)])

    notebook.ask("--history --num-ctx 512", "one", cell_id="c1")
    result = notebook.ask("--history --num-ctx 512", "two", cell_id="c2")

    assert contents(notebook) == ["two"]
    assert "2 earlier messages were left out to fit the window of 512 tokens" in footer(result)


def test_history_is_estimated_where_the_server_counts_nothing(notebook: Notebook) -> None:
    uncounted = {"prompt_eval_count": None, "eval_count": None}
    notebook.ollama.script("*", [Text("A"), Done(fields=uncounted)])

    notebook.ask("--history --num-ctx 512", "word " * 400, cell_id="c1")
    result = notebook.ask("--history --num-ctx 512", "two", cell_id="c2")

    assert "left out" in footer(result)


def test_thinking_takes_no_room_in_the_history(notebook: Notebook) -> None:
    from fake_ollama import Thinking

    long = Done(fields={"prompt_eval_count": 20, "eval_count": 480})
    notebook.ollama.script("*", [Thinking("Hm"), Text("A"), long])

    notebook.ask("tiny-think --history --num-ctx 512", "one", cell_id="c1")
    notebook.ask("tiny-think --history --num-ctx 512", "two", cell_id="c2")

    assert contents(notebook) == ["one", "A", "two"]


def test_the_status_counts_turns(notebook: Notebook) -> None:
    notebook.ask("--history", cell_id="c1")

    assert "--history continues 1 turn" in notebook.run("%ollama").displayed[0]["text/plain"]


@pytest.mark.parametrize("line", ["", "--history"])
def test_nothing_is_written_to_disk(notebook: Notebook, line: str) -> None:
    from pathlib import Path

    home = Path(notebook.value("str(__import__('pathlib').Path.home())"))
    before = files(home)

    notebook.ask(f"{line} -o answer", "private words", cell_id="c1")

    assert files(home) == before


def files(folder: Path) -> list[tuple[str, float]]:
    """List every file below a folder with its time."""
    return sorted((str(path), path.stat().st_mtime) for path in folder.rglob("*") if path.is_file())
