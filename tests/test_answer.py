"""What a user keeps of an answer: text, thinking, data, code, numbers, provenance."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any

import pytest

from ollama_lab.answer import Answer, CodeBlock, Provenance, Record, code_blocks
from ollama_lab.forms import Form
from ollama_lab.wire import Chunk, Stats, ToolCall

if TYPE_CHECKING:
    from live_shell import Shell

WRITER = Provenance("tiny:latest", "abc", {"temperature": 0.2}, 7, "0.33.0")
QUESTION = {"role": "user", "content": "Hello?"}
STATS = Stats(2.0, 0.5, 0.25, 1.25, 12, 40)


def record(*chunks: Chunk, form: Form | None = None) -> Record:
    made = Record([QUESTION], WRITER, form=form)
    for chunk in chunks:
        made.add(chunk)
    return made


# ---------------------------------------------------------------- code blocks


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        pytest.param("no code", [], id="none"),
        pytest.param("```\na\n```", [("", "a\n")], id="no language"),
        pytest.param("```python\na\n\nb\n```\n", [("python", "a\n\nb\n")], id="language"),
        pytest.param("~~~ r title\na\n~~~", [("r", "a\n")], id="tildes and more words"),
        pytest.param("``` python\na\n```", [("python", "a\n")], id="a blank before the language"),
        pytest.param("````\n```\na\n```\n````", [("", "```\na\n```\n")], id="a fence in a fence"),
        pytest.param("```\na\n~~~\n```", [("", "a\n~~~\n")], id="the other mark within"),
        pytest.param("```\na\n``\n```", [("", "a\n``\n")], id="a shorter mark within"),
        pytest.param("```\na\n`````", [("", "a\n")], id="a longer mark ends it"),
        pytest.param("```python\na", [("python", "a\n")], id="never closed"),
        pytest.param("```", [("", "")], id="only begun"),
        pytest.param("   ```\na\n   ```", [("", "a\n")], id="indented by three"),
        pytest.param("    ```\na\n    ```", [], id="indented by four"),
        pytest.param("use `a` and ```b``` here", [], id="inline code"),
        pytest.param("```a`b\nc", [], id="a mark in the language"),
        pytest.param("```\na\n```\n```sh\nb\n```", [("", "a\n"), ("sh", "b\n")], id="two"),
        pytest.param("```\na\u2028b\n```", [("", "a\u2028b\n")], id="a line end of Unicode"),
    ],
)
def test_code_blocks_are_found(markdown: str, blocks: list[tuple[str, str]]) -> None:
    assert code_blocks(markdown) == [CodeBlock(*block) for block in blocks]


def test_a_code_block_is_its_code() -> None:
    assert str(Answer("```python\nprint(1)\n```").code[0]) == "print(1)\n"


def test_many_fences_cost_linear_time() -> None:
    assert len(code_blocks("```\na\n```\n" * 20_000)) == 20_000


# ---------------------------------------------------------------- the answer


def test_an_answer_is_its_text() -> None:
    assert str(Answer("Hello *you*.")) == "Hello *you*."


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            Answer("Hello\n  you.", provenance=WRITER, done_reason="stop"),
            "<Answer of tiny:latest, stop: 'Hello you.'>",
        ),
        (Answer("", provenance=WRITER), "<Answer of tiny:latest, unfinished: ''>"),
        (
            Answer("x" * 61, provenance=WRITER, done_reason="stopped"),
            f"<Answer of tiny:latest, stopped: '{'x' * 60}…'>",
        ),
    ],
)
def test_an_answer_has_a_readable_repr(answer: Answer, shown: str) -> None:
    assert repr(answer) == shown


def test_an_answer_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Answer("a").text = "b"  # type: ignore[misc]  # (that it is frozen is what is tested)


@pytest.mark.parametrize(
    ("reason", "is_complete"),
    [("stop", True), ("length", False), ("stopped", False), ("broken", False), ("", False)],
)
def test_an_answer_is_complete_where_the_model_ended_it(reason: str, is_complete: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert Answer("a", done_reason=reason).is_complete is is_complete


def test_an_answer_is_shown_as_markdown_that_cannot_act() -> None:
    answer = Answer('<img src=x onerror="alert(1)"> [a](javascript:b) \x1b[31m')

    bundle = answer._repr_mimebundle_(include=None, exclude=None)

    assert set(bundle) == {"text/plain", "text/markdown"}
    assert "<img" not in bundle["text/markdown"]
    assert "](javascript:" not in bundle["text/markdown"]
    assert "\x1b" not in bundle["text/plain"]
    assert "<img" in bundle["text/plain"]


def test_ipython_shows_an_answer_as_markdown(ip: Shell) -> None:
    ip.run("from ollama_lab.answer import Answer")

    data, _ = ip.display_formatter.format(ip.run("Answer('*a* <b>')"))  # type: ignore[union-attr]  # (IPython's)

    assert data["text/plain"] == "*a* <b>"
    assert "<b>" not in data["text/markdown"]
    assert "text/html" not in data


# ---------------------------------------------------------------- the record


def test_a_record_joins_its_chunks() -> None:
    made = record(
        Chunk(thinking="hm"),
        Chunk(thinking="m"),
        Chunk("Hel"),
        Chunk("lo", pieces=3),
        Chunk(done=True, done_reason="stop", stats=STATS),
    )

    answer = made.answer()

    assert (answer.text, answer.thinking) == ("Hello", "hmm")
    assert (answer.stats, answer.done_reason) == (STATS, "stop")
    assert answer.provenance == WRITER
    assert made.pieces == 6


def test_a_record_keeps_the_conversation_with_the_answer_last() -> None:
    answer = record(Chunk(thinking="hm"), Chunk("Hello")).answer()

    assert answer.messages == (
        QUESTION,
        {"role": "assistant", "content": "Hello", "thinking": "hm"},
    )


def test_an_answer_without_thinking_has_none_in_its_message() -> None:
    assert record(Chunk("Hello")).answer().messages[-1] == {
        "role": "assistant",
        "content": "Hello",
    }


def test_a_partial_answer_says_why_it_ended() -> None:
    answer = record(Chunk("Hel")).answer("stopped")

    assert (answer.text, answer.done_reason) == ("Hel", "stopped")
    assert answer.stats == Stats()


def test_the_servers_reason_wins_over_ours() -> None:
    assert record(Chunk(done=True, done_reason="length")).answer("broken").done_reason == "length"


def test_a_last_line_without_a_reason_means_stop() -> None:
    assert record(Chunk("a", done=True)).answer("broken").done_reason == "stop"


def test_a_record_gives_the_answer_so_far_at_any_moment() -> None:
    made = record(Chunk("Hel"))
    before = made.answer()

    made.add(Chunk("lo"))

    assert (before.text, made.answer().text) == ("Hel", "Hello")


def test_a_record_collects_tool_calls_of_all_chunks() -> None:
    first, second = ToolCall("a", {"x": 1}), ToolCall("b", {})

    answer = record(Chunk(tool_calls=(first,)), Chunk(tool_calls=(second,), done=True)).answer()

    assert answer.tool_calls == (first, second)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": [1, 2]}', {"a": [1, 2]}),
        ("  [1]\n", [1]),
        ('{"a": [1,', None),
        ("sorry", None),
        ("", None),
    ],
)
def test_data_is_what_the_text_says_in_json(text: str, data: Any) -> None:
    assert record(Chunk(text), Chunk(done=True), form=Form()).answer().data == data


def test_without_a_format_there_is_no_data() -> None:
    assert record(Chunk("[1]")).answer().data is None


# ---------------------------------------------------------------- provenance


def test_provenance_becomes_metadata_of_the_notebook() -> None:
    assert WRITER.metadata(STATS, "stop") == {
        "schema": 1,
        "model": "tiny:latest",
        "digest": "abc",
        "options": {"temperature": 0.2},
        "seed": 7,
        "server_version": "0.33.0",
        "tokens": {"prompt": 12, "answer": 40},
        "durations": {"total": 2.0, "load": 0.5, "prompt": 0.25, "answer": 1.25},
        "done_reason": "stop",
    }


def test_metadata_can_be_saved() -> None:
    metadata = WRITER.metadata(STATS, "stop")

    assert json.loads(json.dumps(metadata)) == metadata
