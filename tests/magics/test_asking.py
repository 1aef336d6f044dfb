"""What a ``%%ollama`` cell sends: every option as Ollama wants it, once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import FakeModel, Status
from live_notebook import footer

if TYPE_CHECKING:
    from pathlib import Path

    from live_notebook import Notebook

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4z8AAAAMBAQAY3Y2wAAAAAElFTkSuQmCC"
)


def test_the_cell_goes_to_the_model_word_for_word(notebook: Notebook) -> None:
    notebook.ask(prompt='Say {"a": 1}\n\n  \\frac{1}{2} é 🙂')

    said = {"role": "user", "content": 'Say {"a": 1}\n\n  \\frac{1}{2} é 🙂'}
    assert notebook.sent["messages"] == [said]
    assert notebook.sent["stream"] is True


def test_one_prompt_is_one_call(notebook: Notebook) -> None:
    notebook.ask()

    assert notebook.prompts_sent == 1


@pytest.mark.parametrize(
    "line", ["tiny-think", "-m tiny-think", "--model=tiny-think", "Tiny-Think"]
)
def test_the_model_is_the_one_named(notebook: Notebook, line: str) -> None:
    notebook.ask(line)

    assert notebook.sent["model"].lower() == "tiny-think:latest"


def test_the_model_may_stand_in_a_variable(notebook: Notebook) -> None:
    notebook.run("which = 'tiny-think'")

    notebook.ask("-m {which}")

    assert notebook.sent["model"] == "tiny-think:latest"


def test_without_a_name_the_model_in_memory_answers(notebook: Notebook) -> None:
    notebook.ollama.model("tiny-think").load()

    result = notebook.ask()

    assert notebook.sent["model"] == "tiny-think:latest"
    assert footer(result).startswith("tiny-think:latest (in memory)")


def test_without_any_in_memory_the_newest_chat_model_answers(notebook: Notebook) -> None:
    result = notebook.ask()

    assert notebook.sent["model"] == "tiny:latest"
    assert footer(result).startswith("tiny:latest (the newest here)")


def test_an_answer_of_one_token_is_not_of_tokens(notebook: Notebook) -> None:
    notebook.ollama.say("Yes")

    result = notebook.ask()

    assert " · 1 token · " in footer(result)


def test_the_demo_model_says_what_it_is(notebook: Notebook) -> None:
    notebook.ollama.models.clear()
    notebook.ollama.add(FakeModel("demo"))

    result = notebook.ask()

    assert "demo shows how things work and knows little: pull a real model" in footer(result)


def test_the_demo_model_is_never_the_default_beside_another(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("demo")).load()

    notebook.ask()

    assert notebook.sent["model"] == "tiny:latest"


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        pytest.param("--temperature 0", "temperature", 0.0, id="temperature"),
        pytest.param("--temperature=0.25", "temperature", 0.25, id="equals sign"),
        pytest.param("--seed 7", "seed", 7, id="seed"),
        pytest.param("--top-p 0.5", "top_p", 0.5, id="top_p"),
        pytest.param("--top-k 12", "top_k", 12, id="top_k"),
        pytest.param("--num-predict 9", "num_predict", 9, id="num_predict"),
        pytest.param("--num-predict -1", "num_predict", -1, id="no limit"),
        pytest.param("--stop END", "stop", ["END"], id="stop"),
        pytest.param('--stop a --stop "b c"', "stop", ["a", "b c"], id="two stops"),
        pytest.param("--num-ctx 512", "num_ctx", 512, id="num_ctx"),
        pytest.param("--num-ctx 1000", "num_ctx", 1024, id="num_ctx rounded up"),
        pytest.param("-O min_p=0.1", "min_p", 0.1, id="any other"),
        pytest.param("-O repeat_penalty=1.5 -O top_k=3", "top_k", 3, id="two others"),
        pytest.param("-O use_mmap=true", "use_mmap", True, id="true"),
        pytest.param("--option stop=x", "stop", ["x"], id="stop by name"),
        pytest.param("-O top_k=3 --top-k 5", "top_k", 5, id="a flag wins"),
    ],
)
def test_an_option_reaches_the_server(notebook: Notebook, flag: str, name: str, value: Any) -> None:
    notebook.ask(flag)

    sent = notebook.sent["options"][name]
    assert (sent, type(sent)) == (value, type(value))


def test_every_call_states_its_window(notebook: Notebook) -> None:
    notebook.ask()

    assert notebook.sent["options"]["num_ctx"] == 8192


def test_the_models_own_window_wins_over_the_setting(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("own", parameters="num_ctx                 600"))

    notebook.ask("own")

    assert notebook.sent["options"]["num_ctx"] == 768


def test_the_window_is_never_larger_than_trained(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("short", context_length=2048))

    notebook.ask("short --num-ctx 100000")

    assert notebook.sent["options"]["num_ctx"] == 2048


def test_a_seed_is_drawn_sent_and_recorded(notebook: Notebook) -> None:
    notebook.ask("-o first")
    sent = notebook.sent["options"]["seed"]
    notebook.ask("-o second")

    assert notebook.value("first.provenance.seed") == sent
    assert notebook.sent["options"]["seed"] != sent


def test_a_seed_of_the_models_own_is_left_to_it(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("seeded", parameters="seed                    5"))

    notebook.ask("seeded -o answer")

    assert "seed" not in notebook.sent["options"]
    assert notebook.value("answer.provenance.seed") is None


@pytest.mark.parametrize(
    ("version", "sent"),
    [
        pytest.param("0.12.6", False, id="first that knows it"),
        pytest.param("0.33.0-rc2", False, id="newest"),
        pytest.param("0.0.0", False, id="home build"),
        pytest.param("0.12.5", None, id="older"),
    ],
)
def test_a_long_prompt_is_never_cut_in_silence(notebook: Notebook, version: str, sent: Any) -> None:
    notebook.ollama.version = version

    notebook.ask()

    assert notebook.sent.get("truncate") is sent


def test_an_old_server_is_warned_of_once(notebook: Notebook) -> None:
    notebook.ollama.version = "0.11.10"
    warning = "Ollama 0.11.10 cuts long prompts in silence; 0.12.6 does not"
    notebook.run(
        "from ollama_lab import _LOADED; (m,) = _LOADED.values(); m.kernel.session._warned.clear()"
    )

    first, second = notebook.ask(), notebook.ask()

    assert warning in footer(first)
    assert warning not in footer(second)


@pytest.mark.parametrize(
    ("line", "version", "sent"),
    [
        pytest.param("tiny-think", "0.33.0", True, id="on where it can"),
        pytest.param("tiny", "0.33.0", None, id="unsaid where it cannot"),
        pytest.param("tiny --no-think", "0.33.0", False, id="off where it cannot"),
        pytest.param("--think tiny-think", "0.33.0", True, id="a name is no level"),
        pytest.param("--think low tiny-think", "0.33.0", "low", id="level"),
        pytest.param("tiny-think --think=max", "0.33.0", "max", id="max"),
        pytest.param("tiny-think --think max", "0.20.0", "high", id="max on an older server"),
        pytest.param("tiny-think --think low", "0.10.0", True, id="level on an older server"),
        pytest.param("tiny-think --no-think", "0.33.0", False, id="off"),
        pytest.param("tiny-think --think", "0.8.0", None, id="before thinking"),
    ],
)
def test_thinking_is_asked_for_in_the_servers_words(
    notebook: Notebook, line: str, version: str, sent: Any
) -> None:
    notebook.ollama.version = version

    notebook.ask(line)

    assert notebook.sent.get("think") == sent


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("10m", "10m", id="with a unit"),
        pytest.param("0", 0, id="zero"),
        pytest.param("-1", -1, id="for ever"),
        pytest.param("90", 90, id="seconds"),
    ],
)
def test_keep_alive_without_a_unit_is_a_number(notebook: Notebook, text: str, sent: Any) -> None:
    notebook.ask(f"--keep-alive {text}")

    assert notebook.sent["keep_alive"] == sent


def test_nothing_is_said_about_keep_alive_unasked(notebook: Notebook) -> None:
    notebook.ask()

    assert "keep_alive" not in notebook.sent


def test_the_system_prompt_comes_first(notebook: Notebook) -> None:
    notebook.run("tone = 'brief'")

    notebook.ask('-s "Be {tone}."')

    assert notebook.sent["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_raw_prompt_goes_without_the_template(notebook: Notebook) -> None:
    notebook.ask("--raw", "[INST] Hello [/INST]")

    assert notebook.ollama.calls("/api/chat") == []
    assert notebook.sent["raw"] is True
    assert notebook.sent["prompt"] == "[INST] Hello [/INST]"
    assert notebook.sent["options"]["num_ctx"] == 8192


def test_variables_are_put_in_and_named(notebook: Notebook) -> None:
    notebook.run("x = 2.25; names = ['a']")

    result = notebook.ask(prompt="Is {x:.1f} in {names}? {names}")

    assert notebook.sent["messages"][0]["content"] == 'Is 2.2 in ["a"]? ["a"]'
    assert "put in: x, names" in footer(result).split("<br>")


def test_an_unknown_name_stays_and_is_mentioned_once(notebook: Notebook) -> None:
    result = notebook.ask('-s "like {ghost}"', "{ghost} and {ghost}")

    assert notebook.sent["messages"][-1]["content"] == "{ghost} and {ghost}"
    assert footer(result).count("{ghost}") == 1
    assert "no variable, left as typed: {ghost}" in footer(result)


def test_a_name_in_prompt_and_system_is_named_once(notebook: Notebook) -> None:
    notebook.run("x = 1")

    result = notebook.ask('-s "{x}"', "{x}")

    assert footer(result).count("put in") == 1


def test_no_expand_sends_braces_as_typed(notebook: Notebook) -> None:
    notebook.run("x = 1")

    result = notebook.ask('--no-expand -s "{x}"', "{x}")

    assert [message["content"] for message in notebook.sent["messages"]] == ["{x}", "{x}"]
    assert "put in" not in footer(result)


def test_ipythons_own_expansion_is_off(notebook: Notebook) -> None:
    notebook.run("x = 1; HOME = 'mine'")

    notebook.ask('-s "$HOME costs $x"', "pay $x for {undefined + 1}")

    assert notebook.sent["messages"][0]["content"] == "$HOME costs $x"
    assert notebook.sent["messages"][1]["content"] == "pay $x for {undefined + 1}"


def test_a_data_frame_goes_in_as_a_table(notebook: Notebook) -> None:
    notebook.run("import pandas as pd\ndf = pd.DataFrame({'a': range(100)})")

    notebook.ask(prompt="{df:3}")

    content = notebook.sent["messages"][0]["content"]
    assert "|" in content
    assert "100" in content
    assert "50" not in content


def test_files_stand_before_the_prompt(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n{z}\n")
    (tmp_path / "b.txt").write_text("second")
    notebook.run("z = 1")

    notebook.ask(f"-f {tmp_path}/a.csv -f '{tmp_path}/b.txt'", "Compare with {z}.")

    content = notebook.sent["messages"][0]["content"]
    assert content.startswith("File `a.csv`:")
    assert "{z}" in content
    assert content.index("second") < content.index("Compare with 1.")
    assert str(tmp_path) not in content


def test_an_image_file_is_sent_in_base64(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(base64.b64decode(PIXEL))

    notebook.ask(f"tiny-see -i {tmp_path}/dot.png", "What is it?")

    assert notebook.sent["messages"][0]["images"] == [PIXEL]


def test_an_image_may_be_a_variable(notebook: Notebook) -> None:
    notebook.run(f"import base64; dot = base64.b64decode('{PIXEL}')")

    notebook.ask("tiny-see -i dot -i dot", "Which?")

    assert notebook.sent["messages"][0]["images"] == [PIXEL, PIXEL]


def test_an_image_needs_no_words(notebook: Notebook) -> None:
    notebook.run(f"import base64; dot = base64.b64decode('{PIXEL}')")

    notebook.ask("tiny-see -i dot", " ")

    assert notebook.sent["messages"] == [{"role": "user", "content": "", "images": [PIXEL]}]


def test_json_is_asked_for_and_parsed(notebook: Notebook) -> None:
    notebook.ollama.say('{"a": [1, 2]}')

    notebook.ask("--format json -o answer")

    assert notebook.sent["format"] == "json"
    assert notebook.value("answer.data") == {"a": [1, 2]}


def test_a_schema_comes_from_a_variable(notebook: Notebook) -> None:
    notebook.ollama.say('{"age": 3}')
    notebook.run("person = {'type': 'object', 'properties': {'age': {'type': 'integer'}}}")

    notebook.ask("--format person")

    assert notebook.sent["format"] == notebook.value("person")
    assert notebook.value("_.data['age']") == 3


def test_json_that_is_cut_off_is_said(notebook: Notebook) -> None:
    notebook.ollama.say('{"a": ')

    result = notebook.ask("--format json -o answer")

    assert notebook.value("answer.data") is None
    assert "The JSON is not whole: .data is None." in footer(result)


def test_another_host_answers_one_cell_only(notebook: Notebook) -> None:
    from fake_ollama import FakeOllama

    with FakeOllama() as other:
        other.say("from elsewhere")
        notebook.ask(f"--host {other.url}")
        notebook.ask()

        assert len(other.calls("/api/chat")) == 1
    assert notebook.prompts_sent == 1


def test_a_key_never_goes_to_a_host_of_the_flag(notebook: Notebook) -> None:
    from fake_ollama import FakeOllama

    notebook.run("%ollama set api_key=hush")
    with FakeOllama() as other:
        notebook.ask(f"--host {other.url}")
        notebook.ask()

        assert all("authorization" not in record.headers for record in other.requests)
    assert notebook.ollama.requests[-1].headers["authorization"] == "Bearer hush"


def test_a_model_without_a_list_of_abilities_is_believed(notebook: Notebook) -> None:
    notebook.ollama.version = "0.6.0"
    notebook.ollama.add(FakeModel("old", capabilities=None, context_length=None))

    notebook.ask("old")

    assert notebook.sent["model"] == "old:latest"


def test_a_server_without_show_and_ps_still_answers(notebook: Notebook) -> None:
    for path in ("/api/show", "/api/ps"):
        notebook.ollama.script(path, [Status(404, "404 page not found", "text/plain")])

    notebook.ask()

    assert notebook.prompts_sent == 1


def test_an_old_server_without_a_reason_ends_well(notebook: Notebook) -> None:
    from fake_ollama import Done, Text

    notebook.ollama.script("*", [Text("Yes."), Done(fields={"done_reason": None})])

    notebook.ask("-o answer")

    assert notebook.value("answer.done_reason") == "stop"
