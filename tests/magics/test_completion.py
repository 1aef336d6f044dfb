"""The Tab key: models, options and commands, without a word to the server meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from fake_ollama import FakeOllama, Wait
from waiting import wait_until

if TYPE_CHECKING:
    from live_notebook import Notebook

ALL = ["tiny:latest", "tiny-embed:latest", "tiny-see:latest", "tiny-think:latest"]
KNOWN = "__import__('ollama_lab')._LOADED[id(get_ipython())].names"


@pytest.fixture
def knowing(notebook: Notebook) -> Notebook:
    """Give a notebook whose kernel knows the names on its server."""
    forget(notebook)
    notebook.ask()
    wait_until(lambda: len(notebook.kernel.complete("%ollama use ")) == 4)
    return notebook


def forget(notebook: Notebook) -> None:
    """Let the kernel's list be as old as at the start."""
    result = notebook.run(f"names = {KNOWN}; names.wait(5); names._names = (); names._asked = None")
    assert result.status == "ok", result.error_text


@pytest.mark.parametrize(
    "line",
    [
        "%ollama use ",
        "%ollama show ",
        "%ollama rm ",
        "%ollama cp ",
        "%ollama load ",
        "%ollama unload ",
        "%ollama_lab use ",
        "%%ollama ",
        "%%ollama_lab ",
        "%%ollama -m ",
        "%%ollama --model ",
        "%%ollama -o answer ",
        "%%ollama --temperature 0 ",
        "%%ollama --quiet ",
        "%%ollama -m ti -m ",
    ],
)
def test_models_stand_where_a_model_belongs(knowing: Notebook, line: str) -> None:
    assert sorted(knowing.kernel.complete(line)) == sorted(ALL)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("%ollama use tiny-t", ["tiny-think:latest"], id="begun"),
        pytest.param("%%ollama -m TINY-T", ["tiny-think:latest"], id="in capitals"),
        pytest.param("%ollama use tiny-think:", ["tiny-think:latest"], id="at the colon"),
        pytest.param("%ollama use tiny-think:la", ["tiny-think:latest"], id="in the tag"),
        pytest.param("%ollama use zebra", [], id="none"),
        pytest.param("%ollama pu", ["pull"], id="command"),
        pytest.param("%%ollama --num-c", ["--num-ctx"], id="option"),
        pytest.param("%%ollama tiny --hist", ["--history"], id="option behind a name"),
        pytest.param("%%ollama --as ht", ["html"], id="form"),
        pytest.param("%%ollama --think lo", ["low"], id="level"),
    ],
)
def test_what_was_begun_is_completed(knowing: Notebook, line: str, found: list[str]) -> None:
    assert knowing.kernel.complete(line) == found


@pytest.mark.parametrize("line", ["%%ollama tiny ", "%%ollama --system ", "%%ollama -o "])
def test_no_model_stands_where_none_belongs(knowing: Notebook, line: str) -> None:
    assert not set(ALL) & set(knowing.kernel.complete(line))


def test_the_cursor_may_stand_in_mid_line(knowing: Notebook) -> None:
    code = "%%ollama -m tiny-t --quiet\nHello"

    assert knowing.kernel.complete(code, code.index(" --quiet")) == ["tiny-think:latest"]


def test_the_prompt_is_no_line_of_options(knowing: Notebook) -> None:
    assert not set(ALL) & set(knowing.kernel.complete("%%ollama\ntiny"))


def test_a_new_server_has_its_own_names(knowing: Notebook) -> None:
    with FakeOllama() as other:
        other.models = {name: other.models[name] for name in ["tiny-see:latest"]}
        knowing.run(f"%ollama host {other.url}")

        wait_until(lambda: knowing.kernel.complete("%ollama use ") == ["tiny-see:latest"])


def test_nothing_is_asked_before_the_first_prompt(notebook: Notebook) -> None:
    forget(notebook)

    assert not set(ALL) & set(notebook.kernel.complete("%ollama use "))
    assert notebook.ollama.requests == []


def test_a_server_that_does_not_answer_holds_nothing_up(knowing: Notebook) -> None:
    knowing.ollama.script("/api/tags", [Wait(None)])
    knowing.run(f"{KNOWN}._asked_at = float('-inf')")
    asked = len(knowing.ollama.calls("/api/tags"))
    began = time.monotonic()

    found = knowing.kernel.complete("%ollama use ")

    assert sorted(found) == sorted(ALL)
    assert time.monotonic() - began < 1.5, "the server is waited for 2 s"
    record = knowing.ollama.wait_for("/api/tags", count=asked + 1)
    record.wait_for_hangup(10)


def test_a_server_that_is_gone_leaves_the_names_there_were(notebook: Notebook) -> None:
    forget(notebook)
    with FakeOllama() as other:
        notebook.run(f"%ollama host {other.url}")
        wait_until(lambda: len(notebook.kernel.complete("%ollama use ")) == 4)
    notebook.run(f"{KNOWN}._asked_at = float('-inf')")

    first = notebook.kernel.complete("%ollama use ")
    notebook.run(f"{KNOWN}.wait(5)")

    assert sorted(first) == sorted(notebook.kernel.complete("%ollama use ")) == sorted(ALL)
