"""Functions that a model may call: their schemas, the calls, the trail, and every way to go wrong."""

from __future__ import annotations

import asyncio
import html
import io
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import Done, FakeOllama, Text

import ollama_lab as ol
from ollama_lab import sharing
from ollama_lab.errors import BadUsage, Refused, Stopped
from ollama_lab.tools import Toolbox, tool
from ollama_lab.wire import ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_shell import Shell


def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Parameters
    ----------
    a : int
        The first.
    b : int, optional
        The second.
    """
    return a + b


def fails(what: str) -> None:
    """Raise."""
    raise ValueError(f"no {what} here")


async def slowly(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "done"


def hangs() -> None:
    """Never end."""
    while True:
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _served(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.model("tiny").capabilities = ["completion", "tools"]
    yield
    sharing.release()


def calls(ollama: FakeOllama, *wanted: tuple[str, dict[str, Any]], text: str = "") -> None:
    """Let the next answer want these calls."""
    made = [{"name": name, "arguments": arguments} for name, arguments in wanted]
    ollama.script("*", [*([Text(text)] if text else []), Done(tool_calls=made)], once=True)


def sent(ollama: FakeOllama, number: int = -1) -> dict[str, Any]:
    return ollama.calls("/api/chat")[number].body


# ---------------------------------------------------------------- schemas


def test_a_function_is_described_by_its_signature_and_docstring() -> None:
    assert tool(add).schema == {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Add two numbers.",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer", "description": "The first."},
                    "b": {
                        "type": "integer",
                        "default": 1,
                        "description": "The second.",
                    },
                },
                "required": ["a"],
            },
        },
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(3, "A int is no tool.", id="number"),
        pytest.param(lambda x: x, "A function is no tool.", id="lambda"),
        pytest.param(lambda: 0, "A function is no tool.", id="no name"),
    ],
)
def test_what_is_no_tool_is_said(value: Any, words: str) -> None:
    with pytest.raises(BadUsage) as caught:
        tool(value)

    assert words in str(caught.value)


def test_a_function_that_takes_what_a_model_cannot_give_is_refused() -> None:
    def listed(*numbers: int) -> int:
        return sum(numbers)

    with pytest.raises(BadUsage, match="listed cannot be a tool: it takes"):
        tool(listed)


# ---------------------------------------------------------------- the loop


def test_a_call_runs_and_its_result_goes_back(ollama: FakeOllama) -> None:
    calls(ollama, ("add", {"a": 2, "b": 3}), text="Let me add.")
    ollama.say("It is 5.", once=True)

    answer = ol.ask("What is 2 + 3?", tools=[add])

    assert answer.text == "It is 5."
    assert [str(run) for run in answer.trail] == ["add(a=2, b=3) → 5"]
    assert sent(ollama)["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Let me add.",
            "tool_calls": [
                {"id": "call_00000000", "function": {"name": "add", "arguments": {"a": 2, "b": 3}}}
            ],
        },
        {
            "role": "tool",
            "tool_name": "add",
            "content": "5",
            "tool_call_id": "call_00000000",
        },
    ]
    assert [one["role"] for one in answer.messages] == ["user", "assistant", "tool", "assistant"]


def test_two_calls_run_in_their_order(ollama: FakeOllama) -> None:
    calls(ollama, ("add", {"a": 1}), ("add", {"a": 2}))

    answer = ol.ask("Add.", tools=[add])

    assert [run.result for run in answer.trail] == ["2", "3"]


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        pytest.param("fails", {"what": "luck"}, "ValueError: no luck here", id="raises"),
        pytest.param("add", {}, "Field required", id="missing"),
        pytest.param("add", {"a": "two"}, "valid integer", id="type"),
        pytest.param("add", {"a": 1, "c": 2}, "Extra inputs are not permitted", id="unknown"),
        pytest.param(
            "eval", {"a": 1}, "There is no tool 'eval'. There are: add, fails.", id="name"
        ),
    ],
)
def test_what_goes_wrong_goes_to_the_model_and_into_the_trail(
    ollama: FakeOllama, name: str, arguments: dict[str, Any], result: str
) -> None:
    calls(ollama, (name, arguments))

    answer = ol.ask("Try.", tools=[add, fails])

    assert answer.is_complete
    assert answer.trail[0].is_error
    assert result in answer.trail[0].result
    assert result in sent(ollama)["messages"][-1]["content"]


def test_a_long_result_is_cut_and_says_so(ollama: FakeOllama) -> None:
    def long() -> str:
        return "x" * 10_000_000

    calls(ollama, ("long", {}))

    answer = ol.ask("Try.", tools=[long])

    assert len(answer.trail[0].result) < 21_000
    assert answer.trail[0].result.endswith("(the rest of 10,000,000 characters is left out)")


def test_after_the_last_round_the_model_has_to_answer(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_LAB_TOOL_ROUNDS", "2")
    ollama.script("*", [Done(tool_calls=[{"name": "add", "arguments": {"a": 1}}])])

    answer = ol.ask("Loop.", tools=[add])

    assert ["tools" in call.body for call in ollama.calls("/api/chat")] == [True, True, False]
    assert len(answer.trail) == 2


def test_when_the_time_for_tools_is_over_none_runs() -> None:
    box = Toolbox([tool(add)], seconds=-1.0)

    run = box.run([ToolCall("add", {"a": 1})])[0]

    assert run.result == "TimeoutError: The time for tools is over: answer without them."


def test_a_coroutine_is_awaited(ollama: FakeOllama) -> None:
    calls(ollama, ("slowly", {"seconds": 0.01}))

    assert ol.ask("Wait.", tools=[slowly]).trail[0].result == "done"


def test_a_coroutine_is_awaited_where_a_loop_runs(ollama: FakeOllama) -> None:
    calls(ollama, ("slowly", {"seconds": 0.01}))

    async def run() -> ol.Answer:
        return ol.ask("Wait.", tools=[slowly])

    assert asyncio.run(run()).trail[0].result == "done"


def test_a_coroutine_that_takes_too_long_is_cut_short() -> None:
    run = Toolbox([tool(slowly)], seconds=0.2).run([ToolCall("slowly", {"seconds": 60})])[0]

    assert (run.result, run.is_error) == ("TimeoutError", True)


def test_tools_run_on_an_event_loop(ollama: FakeOllama) -> None:
    calls(ollama, ("add", {"a": 1}), ("slowly", {"seconds": 0.01}))

    answer = asyncio.run(ol.aask("Both.", tools=[add, slowly]))

    assert [run.result for run in answer.trail] == ["2", "done"]


def test_a_tool_that_hangs_can_be_interrupted(ollama: FakeOllama) -> None:
    calls(ollama, ("hangs", {}))
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()

    with pytest.raises(Stopped):
        ol.ask("Hang.", tools=[hangs])

    timer.join()


# ---------------------------------------------------------------- who may run what


def test_a_call_that_the_user_does_not_allow_does_not_run(ollama: FakeOllama) -> None:
    asked: list[str] = []

    def confirm(words: str) -> bool:
        asked.append(words)
        return False

    run = Toolbox([tool(add)], confirm=confirm).run([ToolCall("add", {"a": 1})])[0]

    assert asked == ["add(a=1)"]
    assert run.result == "PermissionError: The user does not allow this call."


def test_where_nobody_can_be_asked_nothing_runs(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_LAB_ASK_BEFORE_TOOLS", "true")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    calls(ollama, ("add", {"a": 1}))

    assert ol.ask("Add.", tools=[add]).trail[0].is_error


def test_a_call_that_was_not_offered_does_not_run(ollama: FakeOllama) -> None:
    calls(ollama, ("add", {"a": 1}))

    answer = ol.ask("Add.")

    assert len(ollama.calls("/api/chat")) == 1
    assert answer.trail == ()
    assert answer.tool_calls[0].name == "add"


def test_a_model_that_cannot_call_tools_is_named(ollama: FakeOllama) -> None:
    ollama.model("tiny").capabilities = ["completion"]

    with pytest.raises(Refused, match="cannot call tools"):
        ol.ask("Add.", model="tiny", tools=[add])


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(BadUsage, match="Two tools are called 'add'"):
        ol.ask("Add.", tools=[add, add])


# ---------------------------------------------------------------- in a cell


@pytest.fixture
def shell(ip: Shell) -> Iterator[Shell]:
    ip.run("%load_ext ollama_lab")
    ip.user_ns.update(add=add, hangs=hangs, number=3)
    yield ip
    ip.run("%unload_ext ollama_lab")


def ask_in_a_cell(shell: Shell, options: str) -> None:
    shell.run(f"get_ipython().run_cell_magic('ollama', '{options}', 'Add.')")


def test_a_cell_folds_the_trail_above_the_answer(ollama: FakeOllama, shell: Shell) -> None:
    calls(ollama, ("add", {"a": 2}), text="<script>alert(1)</script>")
    ollama.say("It is 3.", once=True)

    ask_in_a_cell(shell, "--tools add -o answer")

    shown = html.unescape(shell.published[-1]["data"]["text/markdown"])
    assert shown.startswith("<details><summary>Called add</summary><pre>add(a=2) → 3</pre>")
    assert "It is 3." in shown
    assert "<script" not in shell.published[-1]["data"]["text/markdown"]
    assert shell.user_ns["answer"].trail[0].result == "3"


@pytest.mark.parametrize("name", ["number", "nowhere"])
def test_a_name_that_is_no_function_is_said(shell: Shell, name: str) -> None:
    with pytest.raises(BadUsage, match=f"--tools names '{name}', which is no function here"):
        ask_in_a_cell(shell, f"--tools {name}")


def test_a_stored_chat_takes_no_tools(shell: Shell) -> None:
    with pytest.raises(BadUsage, match="A stored chat keeps no calls of tools"):
        ask_in_a_cell(shell, "--tools add --chat birds")


def test_an_interrupt_ends_a_tool_and_keeps_what_came(ollama: FakeOllama, shell: Shell) -> None:
    calls(ollama, ("hangs", {}), text="Wait.")
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(1.0, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()

    with pytest.raises(Stopped, match="the tool has been interrupted"):
        ask_in_a_cell(shell, "--tools hangs -o answer")

    timer.join()
    assert shell.user_ns["answer"].text == "Wait."
