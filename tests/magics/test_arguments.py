"""The first line of a cell: what it may say, and the sentence for what it may not."""

from __future__ import annotations

import doctest

import pytest

from ollama_lab import options
from ollama_lab.errors import BadUsage
from ollama_lab.magics import arguments
from ollama_lab.magics.arguments import CellArguments, parse


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(arguments).failed == 0


def test_nothing_said_is_all_defaults() -> None:
    assert parse("") == CellArguments()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--tempature 0", "%%ollama has no option --tempature. Did you mean --temperature?"),
        ("--xyzzy", "%%ollama has no option --xyzzy. See all options with: %%ollama?"),
        (
            "--num 0",
            "%%ollama has no option --num. Did you mean --num-predict, --num-keep or --num-ctx?",
        ),
        ("--temp 0", "%%ollama has no option --temp. Did you mean --temperature?"),
        (
            "--temperature",
            "%%ollama: --temperature wants a value. See all options with: %%ollama?",
        ),
        ("--temperature hot", "--temperature is 'hot'; it takes a number."),
        ("--temperature 9", "--temperature is 9; it goes from 0 to 5."),
        ("--temperature nan", "--temperature is 'nan'; it takes a number."),
        ("--top-p 1.5", "--top-p is 1.5; it goes from 0 to 1."),
        ("--top-k 1.5", "--top-k is 1.5; it takes a whole number."),
        ("--seed -5", "--seed is -5; it goes from -1 to 4294967295."),
        ("--num-ctx 0", "--num-ctx is 0; it goes from 4 up."),
        ("--num-predict 0", "--num-predict is 0; it goes from 1 up, and -1 means no limit."),
        ("-O topk=1", "Ollama has no option 'topk'. Did you mean 'top_k', 'stop' or 'top_p'?"),
        (
            "-O mirostat=1",
            "Ollama has ignored the option 'mirostat' since 0.7.0. Leave it out.",
        ),
        ("-O top_k", "'top_k' is no option. Write NAME=VALUE, as in temperature=0.2"),
        ("-O use_mmap=7", "use_mmap is 7; it takes true or false."),
        (
            "--as pdf",
            "%%ollama: --as is 'pdf'; it takes markdown, text, html, json or code. See all options with: %%ollama?",
        ),
        (
            "--think=deep",
            "%%ollama: --think is 'deep'; it takes on, low, medium, high or max. See all options with: %%ollama?",
        ),
        ("-o 1x", "-o is '1x'; it takes a variable's name."),
        ("-o class", "-o is 'class'; it takes a variable's name."),
        (
            "tiny other",
            "'other' is one word too many on the first line. The prompt goes below it; quote values that hold blanks.",
        ),
        (
            "-m tiny other",
            "Two models are named: 'other' and 'tiny'. The prompt goes below the first line.",
        ),
        ("-s 'open", "A quotation mark is left open in: -s 'open"),
        (
            "--keep-alive 10x",
            "--keep-alive is '10x'; it takes a time such as 10m, 1h30m, 0 or -1.",
        ),
        (
            "--keep-alive nan",
            "--keep-alive is 'nan'; it takes a time such as 10m, 1h30m, 0 or -1.",
        ),
        (
            "--raw -s brief",
            "--raw sends the prompt as it is: --system has no place in it. Leave one out.",
        ),
        (
            "--raw --history",
            "--raw sends the prompt as it is: --history has no place in it. Leave one out.",
        ),
    ],
)
def test_a_mistake_has_its_sentence(line: str, sentence: str) -> None:
    with pytest.raises(BadUsage) as caught:
        parse(line)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["10m", "1h30m", "0", "-1", "90", "1.5h", "250ms", "-1m"])
def test_a_time_is_taken(text: str) -> None:
    assert parse(f"--keep-alive={text}").keep_alive == text


@pytest.mark.parametrize(
    ("line", "think", "model"),
    [
        ("--think", True, ""),
        ("--think tiny", True, "tiny"),
        ("tiny --think", True, "tiny"),
        ("--think on tiny", True, "tiny"),
        ("--think high tiny", "high", "tiny"),
        ("--think=low", "low", ""),
        ("--no-think", False, ""),
        ("--think --temperature 0", True, ""),
        ("", None, ""),
    ],
)
def test_think_takes_a_level_and_no_name(line: str, think: bool | str | None, model: str) -> None:  # noqa: FBT001 (Ollama's own value)
    found = parse(line)

    assert (found.think, found.model) == (think, model)


def test_a_path_keeps_its_backslashes() -> None:
    assert parse(r"-f C:\data\a.txt -i '\\share\my pictures\b.png'") == CellArguments(
        files=(r"C:\data\a.txt",), images=(r"\\share\my pictures\b.png",)
    )


def test_a_number_sign_is_no_comment() -> None:
    assert parse("--stop '##' -s #1").options == {"stop": ["##"]}


def test_new_continues_too() -> None:
    assert (parse("--new").continues, parse("--new").is_new) == (True, True)


def test_the_last_of_two_values_counts() -> None:
    assert parse("--temperature 0 --temperature 1").options == {"temperature": 1.0}


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("name", list(options.OPTIONS))
def test_every_option_of_ollama_has_a_flag(name: str) -> None:
    assert options.flag(name) in arguments.flags()


@pytest.mark.parametrize("flag", arguments.flags())
def test_the_help_shows_every_flag(flag: str) -> None:
    assert flag in arguments.help_text()
