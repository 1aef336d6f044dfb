"""Ollama's options: names, kinds and ranges, and the sentence for each wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_lab import options
from ollama_lab.errors import BadUsage
from ollama_lab.options import OPTIONS


def sentence(name: str, value: Any, shown: str = "") -> str:
    """Check a value that is wrong, and give the words for it."""
    with pytest.raises(BadUsage) as caught:
        options.check(name, value, shown=shown)
    return str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [
        ("temperature=0.2", "temperature", 0.2),
        ("temperature=0", "temperature", 0.0),
        ("top_k=20", "top_k", 20),
        ("top-k = 20", "top_k", 20),
        ("seed=-1", "seed", -1),
        ("num_predict=-2", "num_predict", -2),
        ("num_ctx=4096.0", "num_ctx", 4096),
        ("use_mmap=false", "use_mmap", False),
        ("stop=###", "stop", ["###"]),
        ("stop=12", "stop", ["12"]),
        ('stop=["a", "b"]', "stop", ['["a", "b"]']),
        ("stop=a=b", "stop", ["a=b"]),
    ],
)
def test_an_assignment_is_read(assignment: str, name: str, value: Any) -> None:
    read = options.parse(assignment)

    assert read == (name, value)
    assert type(read[1]) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature", 9, "temperature is 9; it goes from 0 to 5."),
        ("temperature", "warm", "temperature is 'warm'; it takes a number."),
        ("temperature", True, "temperature is True; it takes a number."),
        ("temperature", float("nan"), "temperature is nan; it goes from 0 to 5."),
        ("top_p", 1.5, "top_p is 1.5; it goes from 0 to 1."),
        ("top_k", 0.5, "top_k is 0.5; it takes a whole number."),
        ("top_k", -1, "top_k is -1; it goes from 0 to 1000000."),
        ("seed", 2**32, "seed is 4294967296; it goes from -1 to 4294967295."),
        ("seed", float("inf"), "seed is inf; it takes a whole number."),
        ("num_ctx", 3, "num_ctx is 3; it goes from 4 up."),
        ("num_ctx", None, "num_ctx is None; it takes a number."),
        ("num_predict", 0, "num_predict is 0; it goes from 1 up, and -1 means no limit."),
        ("presence_penalty", -3, "presence_penalty is -3; it goes from -2 to 2."),
        ("use_mmap", 1, "use_mmap is 1; it takes true or false."),
        ("stop", [], "stop is []; it takes text, or a list of texts."),
        ("stop", {}, "stop is {}; it takes text, or a list of texts."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_right(name: str, value: Any, words: str) -> None:
    assert sentence(name, value) == words


def test_a_wrong_value_is_named_as_the_person_wrote_it() -> None:
    assert sentence("top_p", 1.5, "--top-p") == "--top-p is 1.5; it goes from 0 to 1."


def test_an_unknown_option_comes_with_the_nearest_ones() -> None:
    assert sentence("temprature", 1) == (
        "Ollama has no option 'temprature'. Did you mean 'temperature'?"
    )


def test_an_unknown_option_that_is_near_none_comes_with_all() -> None:
    words = sentence("zzz", 1)

    assert words == f"Ollama has no option 'zzz'. There are: {', '.join(OPTIONS)}."


def test_an_option_that_ollama_ignores_is_refused() -> None:
    assert sentence("mirostat", 1) == (
        "Ollama has ignored the option 'mirostat' since 0.7.0. Leave it out."
    )


@pytest.mark.parametrize("assignment", ["temperature", "", "hello world"])
def test_an_assignment_without_an_equals_sign_is_refused(assignment: str) -> None:
    with pytest.raises(BadUsage) as caught:
        options.parse(assignment)

    assert str(caught.value) == (
        f"'{assignment}' is no option. Write NAME=VALUE, as in temperature=0.2"
    )


def test_a_mapping_is_checked_whole() -> None:
    assert options.check_all({"top_k": 5.0, "stop": "x"}) == {"top_k": 5, "stop": ["x"]}
    with pytest.raises(BadUsage):
        options.check_all({"top_k": 5, "top_p": 2})


@pytest.mark.parametrize("name", [name for name in OPTIONS if OPTIONS[name].lowest is not None])
def test_the_lowest_value_of_each_option_is_taken(name: str) -> None:
    assert options.check(name, OPTIONS[name].lowest) == OPTIONS[name].lowest


@pytest.mark.parametrize("name", [name for name in OPTIONS if OPTIONS[name].highest is not None])
def test_the_highest_value_of_each_option_is_taken(name: str) -> None:
    assert options.check(name, OPTIONS[name].highest) == OPTIONS[name].highest


def test_no_option_is_gone_and_there_at_once() -> None:
    assert not options.GONE & set(OPTIONS)


def test_every_option_says_what_it_does_in_one_line() -> None:
    assert [
        o.name for o in OPTIONS.values() if not o.help or "\n" in o.help or o.help[-1] == "."
    ] == []
