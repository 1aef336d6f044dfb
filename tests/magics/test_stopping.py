"""Stop, at every moment: the cell ends as an interrupted one, the server is left, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Never, Pace, Send, Status, Text, Thinking, Wait
from live_notebook import footer

if TYPE_CHECKING:
    from collections.abc import Callable

    from live_messages import Message, Result
    from live_notebook import Notebook

# Presses the button from inside: when a variable is put into the prompt, a thread waits and sends
# SIGINT, which then comes while the magic is at work.
BUTTON = """
import os, signal, threading

class Button:
    def __init__(self, seconds):
        self.timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    def __format__(self, spec):
        self.timer.start()
        return 'prompt'
"""
# Presses it just when a message leaves for the notebook: that one by number, or the last bundle.
AT_A_MESSAGE = """
import os, signal

leaving = 0

def press(message):
    global leaving
    leaving += 1
    if leaving == {number} or 'ollama_lab' in message['content']['metadata']:
        get_ipython().display_pub.unregister_hook(press)
        os.kill(os.getpid(), signal.SIGINT)
    return message

get_ipython().display_pub.register_hook(press)
"""


def seen(text: str) -> Callable[[Message], bool]:
    """Give the condition that a message shows this text."""
    return lambda message: message.type != "execute_input" and text in message.text


def stop(notebook: Notebook, when: str, first_line: str = "") -> Result:
    """Run a cell, press Stop when this text is seen, and look at how the cell ends."""
    result = notebook.run(f"%%ollama -o answer {first_line}\nHello", interrupt_when=seen(when))
    assert (result.status, result.ename) == ("error", "Stopped")
    assert result.error_text == f"Stopped: {result.evalue}"
    assert "Traceback" not in str(result.outputs)
    assert result.seconds_to_idle < 5
    return result


def kept(notebook: Notebook) -> list[str]:
    """Give the text and the reason of what the variable holds; the kernel is free for that."""
    found: list[str] = notebook.value("[answer.text, answer.done_reason]")
    return found


@pytest.mark.parametrize("path", ["/api/tags", "/api/show", "/api/version", "/api/ps"])
def test_while_the_prompt_is_prepared(notebook: Notebook, path: str) -> None:
    notebook.run("answer = 'older'")
    notebook.ollama.script(path, [Wait(None)])

    result = stop(notebook, "connecting ·")

    assert result.evalue == "nothing had been sent to the model."
    assert result.displayed == [{"text/plain": ""}]
    assert kept(notebook) == ["", "stopped"]
    notebook.ollama.calls(path)[-1].wait_for_hangup()
    assert notebook.prompts_sent == 0


def test_before_the_first_byte(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Wait(None)])

    result = stop(notebook, "reading the prompt")

    assert result.displayed == [{"text/plain": ""}]
    assert kept(notebook) == ["", "stopped"]
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_while_the_model_loads(notebook: Notebook) -> None:
    notebook.ollama.script("/api/ps", [Status(200, {"models": []})])
    notebook.ollama.script("*", [Wait(None)])

    stop(notebook, "loading the model")

    assert kept(notebook) == ["", "stopped"]
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_in_mid_answer(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("It is"), Never()])

    result = stop(notebook, "It is")

    text, reason = kept(notebook)
    assert text.startswith("It is")
    assert reason == "stopped"
    assert result.displayed[0]["text/plain"] == text
    assert "Stopped by you: this is what had come." in footer(result)
    assert result.outputs[0]["metadata"]["ollama_lab"]["done_reason"] == "stopped"
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_while_nothing_comes_in_mid_answer(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("It is"), Wait(None)])

    result = stop(notebook, "It is")

    assert kept(notebook) == ["It is", "stopped"]
    assert result.displayed[0]["text/plain"] == "It is"
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_while_it_thinks(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Pace(50), *[Thinking("hm ")] * 10, Wait(None)])

    result = stop(notebook, "thinking", "tiny-think")

    assert notebook.value("answer.thinking").startswith("hm ")
    assert kept(notebook) == ["", "stopped"]
    assert "hm " in result.displayed[0]["text/markdown"]
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_in_a_burst(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Never(rate=0)])

    result = stop(notebook, " on")

    assert kept(notebook)[1] == "stopped"
    assert result.displayed[0]["text/plain"] == kept(notebook)[0]
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_right_at_the_end(notebook: Notebook) -> None:
    notebook.ollama.say("All of it.")
    notebook.run(AT_A_MESSAGE.format(number=0))

    result = notebook.run("%%ollama -o answer\nHello")

    assert (result.ename, result.evalue) == (
        "Stopped",
        "the answer had just ended, and it is kept.",
    )
    assert kept(notebook) == ["All of it.", "stop"]
    assert result.displayed[0]["text/plain"] == "All of it."


@pytest.mark.parametrize("number", [1, 2, 3])
def test_while_a_message_leaves(notebook: Notebook, number: int) -> None:
    notebook.ollama.script("*", [Pace(20), *[Text("w ")] * 20, Wait(None)])
    notebook.run(f"answer = None\n{AT_A_MESSAGE.format(number=number)}")

    result = notebook.run("%%ollama -o answer\nHello")

    assert result.ename == "Stopped"
    text, reason = kept(notebook)
    assert reason == "stopped"
    assert [data["text/plain"] for data in result.displayed] == [text]


@pytest.mark.parametrize("milliseconds", range(0, 50, 3))
def test_at_any_millisecond(notebook: Notebook, milliseconds: int) -> None:
    notebook.ollama.script("*", [Pace(200), *[Text("w ")] * 10, Wait(None)])
    notebook.run(f"{BUTTON}\nbutton = Button({milliseconds / 1000}); answer = None")

    result = notebook.run("%%ollama -o answer\n{button}")

    assert result.ename == "Stopped"
    assert "Traceback" not in str(result.outputs)
    text, reason = kept(notebook)
    assert reason == "stopped"
    assert "".join(data["text/plain"] for data in result.displayed) == text


def test_the_next_cell_asks_as_if_nothing_had_been(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("It is"), Wait(None)], once=True)
    notebook.ollama.say("Again.")
    stop(notebook, "It is")

    result = notebook.ask()

    assert result.displayed[0]["text/plain"] == "Again."


def test_run_all_ends_there(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("It is"), Wait(None)])
    cell = "try:\n    get_ipython().run_cell_magic('ollama', '', 'Hello')\n{}\nprint('went on')"

    result = notebook.run(cell.format("except Exception:\n    pass"), interrupt_when=seen("It is"))

    assert result.ename == "Stopped"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        pytest.param("models", "/api/tags", id="models"),
        pytest.param("show tiny", "/api/show", id="show"),
        pytest.param("ps", "/api/ps", id="ps"),
        pytest.param("use tiny", "/api/tags", id="use"),
        pytest.param("cp tiny other", "/api/copy", id="cp"),
        pytest.param("unload tiny", "/api/chat", id="unload"),
    ],
)
def test_a_command_stops_without_a_traceback(notebook: Notebook, line: str, path: str) -> None:
    notebook.ollama.script(path, [Wait(None)])

    result = notebook.run(f"%ollama {line}", interrupt_after=0.3)

    assert result.ename == "Stopped"
    assert result.error_text == "Stopped: nothing more is done."
    notebook.ollama.calls(path)[-1].wait_for_hangup()


def test_a_pull_stops_and_says_what_stays(notebook: Notebook) -> None:
    step = {"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": 500}
    notebook.ollama.script("/api/pull", [Send(step), Wait(None)])

    result = notebook.run("%ollama pull qwen3:0.6b", interrupt_when=seen("50 %"))

    assert result.error_text == "Stopped: what came stays on the server; pull again to go on."
    notebook.ollama.calls("/api/pull")[-1].wait_for_hangup()


def test_loading_stops_and_says_so(notebook: Notebook) -> None:
    notebook.ollama.script("/api/chat", [Wait(None)])

    result = notebook.run("%ollama load tiny", interrupt_when=seen("loading tiny"))

    assert result.error_text == "Stopped: the server has given up loading."
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()
