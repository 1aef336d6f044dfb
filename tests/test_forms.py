"""Answers of a form: typed, checked, asked for again, and shown as their fields become whole."""

from __future__ import annotations

import dataclasses
import html
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pydantic
import pytest
import typing_extensions
from fake_ollama import Cut, Done, FakeOllama, Text, Wait

import ollama_lab as ol
from ollama_lab import sharing
from ollama_lab.errors import BadUsage, StreamBroken
from ollama_lab.forms import Fields, form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_shell import Shell


class City(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(ge=0, le=9000)


@dataclasses.dataclass
class Town:
    name: str


class Hamlet(typing_extensions.TypedDict):
    name: str


NUMBER = {
    "type": "object",
    "properties": {"v": {"type": "number", "minimum": 5}},
    "required": ["v"],
}


@pytest.fixture(autouse=True)
def _served(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    yield
    sharing.release()


def says(ollama: FakeOllama, *texts: str) -> None:
    for text in texts:
        ollama.say(text, once=True)


def sent(ollama: FakeOllama, number: int = -1) -> dict[str, Any]:
    return ollama.calls("/api/chat")[number].body


# ---------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        pytest.param("json", {"name": "Oslo"}, id="json"),
        pytest.param({"type": "object", "required": ["name"]}, {"name": "Oslo"}, id="schema"),
        pytest.param(Town, Town("Oslo"), id="dataclass"),
        pytest.param(Hamlet, {"name": "Oslo"}, id="TypedDict"),
        pytest.param(dict[str, str], {"name": "Oslo"}, id="dict"),
    ],
)
def test_an_answer_has_its_form(ollama: FakeOllama, kind: Any, data: Any) -> None:
    says(ollama, '{"name": "Oslo"}')

    answer = ol.ask("A city.", format=kind)

    assert (answer.data, answer.problem) == (data, "")


def test_a_pydantic_model_comes_back_as_one(ollama: FakeOllama) -> None:
    says(ollama, '{"a_name": "Oslo", "b_age": 1000}')

    answer = ol.ask("A city.", format=City)

    assert answer.data == City(name="Oslo", age=1000)
    assert answer.text == '{"name": "Oslo", "age": 1000}'


def test_the_model_is_told_what_is_wanted(ollama: FakeOllama) -> None:
    ol.ask("A number.", format=NUMBER)

    prompt = sent(ollama)["messages"][0]["content"]
    assert prompt.startswith("A number.\n\nAnswer in JSON after this JSON schema: {")
    assert prompt.endswith("Also keep to: v: minimum 5.")


def test_what_the_server_does_not_see_to_is_noted(ollama: FakeOllama) -> None:
    says(ollama, '{"v": 7}')

    with ol.stream("A number.", format=NUMBER) as coming:
        list(coming)

    assert coming.notes == ("checked afterwards, not by the server: v: minimum 5",)


# ---------------------------------------------------------------- asked again


def test_an_answer_that_does_not_fit_is_asked_for_with_another_seed(ollama: FakeOllama) -> None:
    says(ollama, '{"v": 1}', '{"v": 7}')

    answer = ol.ask("A number.", format=NUMBER, seed=3)

    assert answer.data == {"v": 7}
    assert [call.body["options"]["seed"] for call in ollama.calls("/api/chat")] == [3, 4]
    assert answer.provenance.seed == 4


def test_the_last_time_the_model_is_told_what_was_wrong(ollama: FakeOllama) -> None:
    says(ollama, '{"v": 1}', '{"v": 2}', '{"v": 3}', '{"v": 7}')

    answer = ol.ask("A number.", format=NUMBER)

    assert answer.data == {"v": 7}
    assert [one["content"] for one in sent(ollama)["messages"][1:]] == [
        '{"v": 3}',
        "This does not fit: v: 3 is less than the minimum of 5. Answer once more, with JSON alone.",
    ]


def test_at_temperature_0_another_seed_would_change_nothing(ollama: FakeOllama) -> None:
    says(ollama, '{"v": 1}', '{"v": 7}')

    ol.ask("A number.", format=NUMBER, temperature=0)

    assert len(sent(ollama)["messages"]) == 3


def test_what_never_fits_is_kept_with_the_reason(ollama: FakeOllama) -> None:
    ollama.say('{"v": 1}')

    answer = ol.ask("A number.", format=NUMBER)

    assert len(ollama.calls("/api/chat")) == 4
    assert answer.data == {"v": 1}
    assert answer.problem == "v: 1 is less than the minimum of 5"


def test_what_was_cut_off_is_not_asked_for_again(ollama: FakeOllama) -> None:
    ollama.script("*", [Text('{"v": '), Done(reason="length")])

    answer = ol.ask("A number.", format=NUMBER)

    assert len(ollama.calls("/api/chat")) == 1
    assert answer.data is None
    assert answer.problem.startswith("it is no JSON")


def test_a_stream_asks_once(ollama: FakeOllama) -> None:
    ollama.say('{"v": 1}')

    with ol.stream("A number.", format=NUMBER) as coming:
        list(coming)

    assert len(ollama.calls("/api/chat")) == 1
    assert coming.answer.problem


def test_what_came_before_a_break_is_kept(ollama: FakeOllama) -> None:
    ollama.script("*", [Text('{"v": 7'), Wait(0.2), Cut()])
    coming = ol.stream("A number.", format=NUMBER)

    with pytest.raises(StreamBroken):
        list(coming)

    assert (coming.answer.text, coming.answer.data) == ('{"v": 7', None)


# ---------------------------------------------------------------- while it is written


def test_pieces_are_whole_fields_with_their_own_names() -> None:
    fields = Fields(form(City))

    pieces = [fields.add(char) for char in '{"a_name": "Oslo", "b_age": 10}']

    assert [piece for piece in pieces if piece] == ["{", '"name": "Oslo"', ', "age": 10}']


def test_names_in_a_text_are_left_alone() -> None:
    text = json.dumps({"a_name": 'say "a_name": now', "b_age": 1})

    assert form(City).restored(text) == json.dumps({"name": 'say "a_name": now', "age": 1})


def test_a_stream_gives_whole_fields(ollama: FakeOllama) -> None:
    ollama.script(
        "*", [Text('{"a_na'), Wait(0.2), Text('me": "Oslo", "b_age"'), Wait(0.2), Text(": 10}")]
    )

    with ol.stream("A city.", format=City) as coming:
        pieces = list(coming)

    assert "".join(pieces) == coming.answer.text == '{"name": "Oslo", "age": 10}'


# ---------------------------------------------------------------- rows


def test_a_list_of_objects_becomes_a_frame(ollama: FakeOllama) -> None:
    says(ollama, '[{"a_name": "Oslo", "b_age": 1000}, {"a_name": "Rome", "b_age": 2700}]')

    frame = ol.ask("Cities.", format=list[City]).frame()

    pd.testing.assert_frame_equal(
        frame, pd.DataFrame({"name": ["Oslo", "Rome"], "age": [1000, 2700]})
    )


def test_an_answer_without_data_has_no_frame(ollama: FakeOllama) -> None:
    with pytest.raises(BadUsage, match="The data is None; it has no rows"):
        ol.ask("Hi").frame()


# ---------------------------------------------------------------- what is no form


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("xml", "The form of the answer is 'xml'.", id="text"),
        pytest.param({}, "The form of the answer is a dict.", id="empty"),
        pytest.param(3, "The form of the answer is a int.", id="number"),
        pytest.param({"type": "nope"}, "The JSON schema at # has the type 'nope'", id="schema"),
        pytest.param(type(iter([])), "list_iterator is no form of an answer", id="type"),
    ],
)
def test_what_is_no_form_is_said(kind: Any, words: str) -> None:
    with pytest.raises(BadUsage) as caught:
        form(kind)

    assert words in str(caught.value)


# ---------------------------------------------------------------- in a cell


@pytest.fixture
def shell(ip: Shell) -> Iterator[Shell]:
    ip.run("%load_ext ollama_lab")
    yield ip
    ip.run("%unload_ext ollama_lab")


def ask_in_a_cell(shell: Shell, kind: Any) -> ol.Answer:
    shell.user_ns["kind"] = kind
    shell.run("get_ipython().run_cell_magic('ollama', '--format kind -o answer', 'A city.')")
    answer = shell.user_ns["answer"]
    assert isinstance(answer, ol.Answer)
    return answer


def shown(shell: Shell) -> str:
    return html.unescape(shell.published[-1]["data"]["text/markdown"])


def test_a_cell_takes_a_type(ollama: FakeOllama, shell: Shell) -> None:
    says(ollama, '{"a_name": "Oslo", "b_age": 1000}')

    answer = ask_in_a_cell(shell, City)

    assert answer.data == City(name="Oslo", age=1000)
    assert '```json\n{"name": "Oslo", "age": 1000}\n```' in shown(shell)


def test_a_cell_asks_again_and_says_so(ollama: FakeOllama, shell: Shell) -> None:
    says(ollama, '{"v": 1}', '{"v": 7}')

    answer = ask_in_a_cell(shell, NUMBER)

    assert answer.data == {"v": 7}
    assert "asked 2 times: an answer did not fit its form" in shown(shell)
    assert '{"v": 1}' not in shown(shell)


def test_a_cell_says_what_never_fits(ollama: FakeOllama, shell: Shell) -> None:
    ollama.say('{"v": 1}')

    ask_in_a_cell(shell, NUMBER)

    assert "The answer does not fit its form: v: 1 is less than the minimum of 5." in shown(shell)
