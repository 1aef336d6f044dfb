"""What is on the screen while an answer comes, and how little it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import Done, Pace, Status, Text, Thinking, Wait
from live_notebook import markdown, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from live_messages import Message, Result
    from live_notebook import Notebook

WORDS = " ".join(f"word{number % 7}" for number in range(2000))


def shown(result: Result) -> list[str]:
    """Give the Markdown of every message, in order."""
    found = [
        message.content.get("data", {}).get("text/markdown", "") for message in result.published
    ]
    return [unescaped(text) for text in found]


def seen(text: str) -> Callable[[Message], bool]:
    """Give the condition that a message shows this text."""
    return lambda message: message.type != "execute_input" and text in unescaped(message.text)


def stopped_at(notebook: Notebook, text: str, first_line: str = "") -> Result:
    """Run a cell until this is on the screen, then stop it: the stop comes only if it is seen."""
    result = notebook.run(f"%%ollama {first_line}\nHello", interrupt_when=seen(text))
    assert result.interrupted_ns, shown(result)
    return result


def test_the_first_token_is_shown_at_once(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("First"), Wait(None)])

    result = stopped_at(notebook, "First")

    assert result.published[0].type == "display_data"


def test_what_was_held_back_is_shown_when_nothing_follows(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("First"), Text(" second"), Text(" third"), Wait(None)])

    stopped_at(notebook, "First second third")


def test_live_updates_are_markdown_with_empty_plain_text(notebook: Notebook) -> None:
    notebook.ollama.say("a **b** c " * 20, rate=100)

    result = notebook.ask()

    *live, _ = [message.content["data"] for message in result.published]
    assert len(live) > 3
    assert {data["text/plain"] for data in live} == {""}


def test_one_output_is_updated_in_place(notebook: Notebook) -> None:
    notebook.ollama.say("a b c d e f g h", rate=50)

    result = notebook.ask()

    kinds = [message.type for message in result.published]
    assert kinds == ["display_data"] + ["update_display_data"] * (len(kinds) - 1)
    assert len(kinds) > 2


def test_half_an_answer_is_whole_markdown(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("```html\n<b>"), Wait(None)])

    result = stopped_at(notebook, "<b>")

    live = next(message.text for message in result.published if "<b>" in message.text)
    assert live.count("```") == 2


@pytest.mark.parametrize(
    ("line", "most_bytes"),
    [pytest.param("", 130_000, id="markdown"), pytest.param("--as text", 75_000, id="text")],
)
@pytest.mark.parametrize("rate", [0, 1500])
def test_2000_tokens_take_few_messages_and_bytes(
    notebook: Notebook, line: str, most_bytes: int, rate: int
) -> None:
    notebook.ollama.say(WORDS, rate=rate)

    result = notebook.ask(line)

    assert len(result.messages) <= 200
    assert result.size_bytes <= most_bytes
    assert result.displayed[0]["text/plain"] == WORDS


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        pytest.param("", "text/markdown", id="markdown"),
        pytest.param("--as text", "text/plain", id="text"),
    ],
)
def test_an_answer_goes_on_however_fast_it_comes(notebook: Notebook, line: str, kind: str) -> None:
    notebook.ollama.say(f"{WORDS} {WORDS}", rate=1500)

    result = notebook.ask(line)

    texts = [message.content.get("data", {}).get(kind, "") for message in result.published]
    *live, _ = [text for text in texts if text.startswith("word")]
    assert len(live) >= 4
    assert result.size_bytes <= 130_000


def test_the_status_is_gone_at_the_end(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Wait(0.5), Text("Late.")])

    result = notebook.ask()

    assert "reading the prompt, or waiting behind others · " in "".join(shown(result))
    assert "reading" not in str(result.displayed)
    assert markdown(result).startswith("Late.")


@pytest.mark.parametrize(
    ("in_memory", "phase"),
    [
        pytest.param(["tiny:latest"], "reading the prompt, or waiting behind others", id="loaded"),
        pytest.param([], "loading the model", id="not loaded"),
    ],
)
def test_the_status_names_model_phase_and_seconds(
    notebook: Notebook, in_memory: list[str], phase: str
) -> None:
    listed = [{"name": name, "size": 1} for name in in_memory]
    notebook.ollama.script("/api/ps", [Status(200, {"models": listed})])
    notebook.ollama.script("*", [Wait(None)])

    stopped_at(notebook, f"tiny:latest · {phase} · ", "tiny")


def test_a_slow_server_has_a_status_before_the_prompt_is_sent(notebook: Notebook) -> None:
    notebook.ask()
    notebook.run("%ollama models")
    notebook.ollama.script("/api/show", [Wait(None)])

    stopped_at(notebook, "connecting · ", "tiny-see")


def test_thinking_has_a_status(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Thinking("Hm"), Wait(None)])

    stopped_at(notebook, "tiny-think:latest · thinking · ", "tiny-think")


def test_the_status_keeps_quiet_under_quiet(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Wait(0.5), Text("Late.")])

    result = notebook.ask("--quiet")

    assert set(shown(result)) == {"Late."}


def test_a_fast_answer_has_no_status(notebook: Notebook) -> None:
    notebook.ask()

    assert not [text for text in shown(notebook.ask()) if "…" in text]


def test_markdown_of_the_model_cannot_act(notebook: Notebook) -> None:
    notebook.ollama.say(
        "<script>alert(1)</script> <img src=x onerror=y> ![a](http://far/x.png) "
        "[b](javascript:z) `a < b` $x^2$ **bold**"
    )

    result = notebook.ask()

    everything = "".join(message.text for message in result.published[:-1]) + markdown(result)
    assert "<script" not in everything
    assert "<img" not in everything
    assert "![a]" not in everything
    assert "](javascript:" not in everything
    assert "**bold**" in markdown(result)
    assert "$x^2$" in markdown(result)


@pytest.mark.parametrize(
    ("form", "fence"),
    [
        pytest.param("html", "```html", id="html"),
        pytest.param("json", "```json", id="json"),
        pytest.param("code", "```", id="code"),
    ],
)
def test_a_form_shows_highlighted_source(notebook: Notebook, form: str, fence: str) -> None:
    notebook.ollama.say("<b onclick=x>\n</b>")

    result = notebook.ask(f"--as {form}")

    assert f"{fence}\n<b onclick=x>\n</b>\n```" in markdown(result)
    assert result.displayed[0]["text/plain"] == "<b onclick=x>\n</b>"
    assert set(result.displayed[0]) == {"text/plain", "text/markdown"}


def test_source_cannot_leave_its_fence(notebook: Notebook) -> None:
    notebook.ollama.say("```\n<script>alert(1)</script>\n````\n# big")

    result = notebook.ask("--as html")

    assert markdown(result).lstrip().startswith("`````html\n```\n<script>")
    assert unescaped(markdown(result)).count("`````") == 2


def test_text_is_shown_as_it_is(notebook: Notebook) -> None:
    notebook.ollama.say("**not bold**\n  <i>")

    result = notebook.ask("--as text")

    assert result.displayed[0]["text/plain"] == "**not bold**\n  <i>"
    assert "<pre>**not bold**\n  <i></pre>" in unescaped(markdown(result))
    assert "**" not in markdown(result)


def test_text_that_is_quiet_is_plain_alone(notebook: Notebook) -> None:
    notebook.ollama.say("**not bold**")

    assert notebook.ask("--as text --quiet").displayed == [{"text/plain": "**not bold**"}]


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        pytest.param("a\ud83d b", "a\ufffd b", id="lone surrogate"),
        pytest.param("a\x1b[31mb\x07", "a␛[31mb␇", id="escape sequence"),
        pytest.param("a\x00b", "a␀b", id="NUL"),
        pytest.param("a\x85b\u2028c", "a␤b␤c", id="line ends of Unicode"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tab and newline"),
        pytest.param("a\u202eb", "a‹U+202E›b", id="right to left"),
    ],
)
def test_odd_characters_are_made_visible(notebook: Notebook, said: str, plain: str) -> None:
    notebook.ollama.script("*", [Text(said), Done()])

    result = notebook.ask("-o answer")

    assert result.displayed[0]["text/plain"] == plain
    assert notebook.value("answer.text") == said


def test_a_line_of_a_megabyte_is_taken(notebook: Notebook) -> None:
    from fake_ollama import HugeLine

    notebook.ollama.script("*", [HugeLine(1_000_000), Done()])

    notebook.ask("-o answer")

    assert notebook.value("len(answer.text)") == 1_000_000


# ---------------------------------------------------------------- other places than a cell


def test_capture_gets_the_answer_and_nothing_else(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Pace(50), Wait(0.4), *[Text("w ")] * 20])

    result = notebook.run("%%capture out\n%%ollama\nHello")

    assert result.published == []
    assert notebook.value("[o.data['text/plain'] for o in out.outputs]") == ["w " * 20]


def test_an_answer_may_come_in_a_thread(notebook: Notebook) -> None:
    notebook.ollama.say("From a thread.")
    ask = "get_ipython().run_cell_magic('ollama', '-o answer', 'Hello')"

    result = notebook.run(
        f"import threading\nt = threading.Thread(target=lambda: {ask})\nt.start(); t.join()"
    )

    assert result.status == "ok"
    assert result.stderr == ""
    assert notebook.value("answer.text") == "From a thread."


def test_an_answer_may_come_in_a_coroutine(notebook: Notebook) -> None:
    notebook.ollama.say("Awaited.")
    ask = "get_ipython().run_cell_magic('ollama', '-o answer', 'Hello')"

    result = notebook.run(f"import asyncio\nawait asyncio.to_thread(lambda: {ask})\n{ask}")

    assert result.status == "ok", result.error_text
    assert notebook.value("answer.text") == "Awaited."


def test_the_interrupt_handler_is_given_back(notebook: Notebook) -> None:
    before: Any = notebook.value("str(__import__('signal').getsignal(2))")

    notebook.ask()

    assert notebook.value("str(__import__('signal').getsignal(2))") == before
