"""What is kept of an answer: ``-o``, ``_``, ``Out``, and the bundle that a notebook saves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fake_ollama import Cut, Done, FakeModel, Text, Thinking
from live_notebook import footer, markdown, unescaped

if TYPE_CHECKING:
    from pathlib import Path

    from live_notebook import Notebook

FENCED = "Run\n```python\nprint(1)\n```\nor\n~~~\nls\n~~~\n"


def test_the_answer_is_kept_under_a_name(notebook: Notebook) -> None:
    notebook.ollama.say("Blue.")

    notebook.ask("-o answer")

    assert notebook.value("[str(answer), answer.text, type(answer).__name__]") == [
        "Blue.",
        "Blue.",
        "Answer",
    ]


def test_the_answer_is_the_value_of_its_cell(notebook: Notebook) -> None:
    notebook.ollama.say("Blue.")

    result = notebook.ask()

    number = result.reply["execution_count"]
    assert notebook.value(f"[_.text, _{number}.text, Out[{number}].text]") == ["Blue."] * 3


def test_the_answer_is_shown_once_and_is_no_result(notebook: Notebook) -> None:
    result = notebook.ask()

    assert [output["output_type"] for output in result.outputs] == ["display_data"]


def test_the_one_before_is_still_there(notebook: Notebook) -> None:
    notebook.ollama.say("one", once=True)
    notebook.ollama.say("two", once=True)

    notebook.ask()
    notebook.ask()

    assert notebook.value("[_.text, __.text]") == ["two", "one"]


def test_a_partial_answer_is_kept_everywhere(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("Half"), Cut()])

    result = notebook.fail("-o answer")

    number = result.reply["execution_count"]
    kept = notebook.value(
        f"[[a.text, a.done_reason, a.is_complete] for a in (answer, _{number}, Out[{number}])]"
    )
    assert kept == [["Half", "broken", False]] * 3


def test_code_blocks_come_apart(notebook: Notebook) -> None:
    notebook.ollama.say(FENCED)

    notebook.ask("-o answer")

    assert notebook.value("[[b.language, b.text] for b in answer.code]") == [
        ["python", "print(1)\n"],
        ["", "ls\n"],
    ]


def test_messages_hold_the_conversation_with_its_answer(notebook: Notebook) -> None:
    notebook.ollama.say("Hi.")

    notebook.ask("-s brief -o answer", "Hello?")

    assert notebook.value("list(answer.messages)") == [
        {"role": "system", "content": "brief"},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Hi."},
    ]


def test_thinking_is_apart_from_the_text(notebook: Notebook) -> None:
    notebook.ollama.say("Yes.", thinking="Hm, well.")

    notebook.ask("tiny-think -o answer")

    assert notebook.value("[answer.text, answer.thinking]") == ["Yes.", "Hm, well."]


def test_numbers_are_those_of_the_server(notebook: Notebook) -> None:
    counts = {"prompt_eval_count": 12, "eval_count": 34, "eval_duration": 2_000_000_000}
    notebook.ollama.script("*", [Text("Hi."), Done(fields=counts)])

    notebook.ask("-o answer")

    assert notebook.value(
        "[answer.stats.prompt_tokens, answer.stats.answer_tokens, answer.stats.tokens_per_second]"
    ) == [12, 34, 17.0]


def test_the_provenance_says_what_wrote_it(notebook: Notebook) -> None:
    notebook.ask("-o answer --seed 3 --temperature 0")

    found = notebook.value(
        "{k: getattr(answer.provenance, k)"
        " for k in ('model', 'digest', 'options', 'seed', 'server_version')}"
    )
    assert found == {
        "model": "tiny:latest",
        "digest": notebook.ollama.model("tiny").digest,
        "options": {"temperature": 0.0, "num_ctx": 8192},
        "seed": 3,
        "server_version": "0.33.0-rc2",
    }


def test_the_repr_reads_on_one_short_line(notebook: Notebook) -> None:
    notebook.ollama.say("a long\nanswer " * 50)

    notebook.ask("-o answer")

    shown = notebook.value("repr(answer)")
    assert shown.startswith("<Answer of tiny:latest, stop: 'a long answer")
    assert len(shown) < 120


def test_an_answer_shown_again_is_safe_markdown(notebook: Notebook) -> None:
    notebook.ollama.say("<script>alert(1)</script> **yes**")
    notebook.ask("-o answer")

    (shown,) = notebook.run("answer").displayed

    assert "<script" not in shown["text/markdown"]
    assert "**yes**" in shown["text/markdown"]
    assert shown["text/plain"] == "<script>alert(1)</script> **yes**"


# ---------------------------------------------------------------- the final bundle


def test_plain_text_is_the_answer_alone(notebook: Notebook) -> None:
    notebook.ollama.say("**Blue**, as ever.", thinking="Hm.")

    (data,) = notebook.ask("tiny-think").displayed

    assert data["text/plain"] == "**Blue**, as ever."
    assert set(data) == {"text/plain", "text/markdown"}


def test_markdown_has_answer_thinking_and_footer_in_this_order(notebook: Notebook) -> None:
    notebook.ollama.say("**Blue**.", thinking="Hm.")

    shown = markdown(notebook.ask("tiny-think"))

    assert shown.startswith("**Blue**.")
    assert shown.index("**Blue**") < shown.index("<details>") < shown.index("<sub>")
    assert shown.endswith("</sub>")


def test_the_footer_says_model_speed_and_window(notebook: Notebook) -> None:
    counts = {"prompt_eval_count": 1000, "eval_count": 34, "eval_duration": 2_000_000_000}
    notebook.ollama.script("*", [Text("Hi."), Done(fields=counts)])

    words = footer(notebook.ask("tiny")).split(" · ")

    assert words[:3] == ["tiny:latest", "34 tokens", "17.0 tokens/s"]
    assert words[3].startswith("first token 0.")
    assert words[4] == "window 1,034 of 8,192"


def test_metadata_is_what_a_notebook_needs_a_year_later(notebook: Notebook) -> None:
    (output,) = notebook.ask("--seed 3").outputs

    found = output["metadata"]["ollama_lab"]
    assert set(output["metadata"]) == {"ollama_lab"}
    assert list(found) == [
        "schema",
        "model",
        "digest",
        "options",
        "seed",
        "server_version",
        "tokens",
        "durations",
        "done_reason",
    ]
    assert found["schema"] == 1
    assert found["seed"] == 3
    assert found["tokens"]["answer"] > 0
    assert found["durations"]["total"] > 0
    assert found["done_reason"] == "stop"


def test_metadata_tells_nothing_private(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("from the file")
    notebook.run("%ollama set api_key=hush")
    line = f"-s 'system words' -f {tmp_path}/private.txt --host {notebook.ollama.url}"

    (output,) = notebook.ask(line, "prompt words").outputs

    said = json.dumps(output["metadata"])
    private = ("words", "private.txt", "from the file", str(tmp_path), "127.0.0.1", "hush")
    assert [word for word in private if word in said] == []


def test_a_partial_answer_has_its_metadata(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("Half"), Cut()])

    result = notebook.fail()

    assert result.outputs[0]["metadata"]["ollama_lab"]["done_reason"] == "broken"


def test_quiet_shows_the_answer_alone(notebook: Notebook) -> None:
    notebook.ollama.say("Blue.")

    result = notebook.ask("--quiet", "{ghost}")

    assert result.displayed == [{"text/plain": "Blue.", "text/markdown": "Blue."}]
    assert "ollama_lab" in result.outputs[0]["metadata"]


# ---------------------------------------------------------------- thinking


def test_thinking_is_folded_and_escaped(notebook: Notebook) -> None:
    notebook.ollama.say("Yes.", thinking="</details><script>a</script> $x$ **b**\n\n# c")

    shown = markdown(notebook.ask("tiny-think"))

    inside = shown.partition("<details>")[2].partition("</details>")[0]
    assert unescaped(inside).endswith("<pre></details><script>a</script> $x$ **b**\n\n# c</pre>")
    assert "<script" not in shown
    assert "$" not in inside
    assert "\n" not in inside


def test_thinking_says_how_long_it_took(notebook: Notebook) -> None:
    from fake_ollama import Wait

    notebook.ollama.script("*", [Thinking("Hm"), Wait(0.3), Thinking("."), Text("Yes.")])

    assert "<summary>Thought for 0." in markdown(notebook.ask("tiny-think"))


def test_thinking_can_be_left_out_of_the_notebook(notebook: Notebook) -> None:
    notebook.ollama.say("Yes.", thinking="secret thought")

    result = notebook.ask("tiny-think --no-save-thinking -o answer")

    assert "secret" not in json.dumps(result.outputs)
    assert notebook.value("answer.thinking") == "secret thought"


@pytest.mark.parametrize("setting", ["show_thinking", "save_thinking"])
def test_a_setting_leaves_thinking_out(notebook: Notebook, setting: str) -> None:
    notebook.ollama.say("Yes.", thinking="secret thought")
    notebook.run(f"%ollama set {setting}=false")

    result = notebook.ask("tiny-think")

    assert "secret" not in json.dumps(result.outputs)


def test_an_answer_that_is_all_thinking_still_shows(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Thinking("On and on"), Done("length")])

    assert "On and on" in unescaped(markdown(notebook.ask("tiny-think --num-predict 5")))


# ---------------------------------------------------------------- answers that are not whole


def test_a_cut_by_num_predict_is_said(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("One"), Done("length", {"eval_count": 20})])

    found = footer(notebook.ask("--num-predict 20"))

    assert "Cut off after 20 tokens: --num-predict says so." in found


def test_a_cut_by_the_models_own_limit_is_said(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("limited", parameters="num_predict             20"))
    notebook.ollama.script("*", [Text("One"), Done("length", {"eval_count": 20})])

    found = footer(notebook.ask("limited"))

    assert "Cut off after 20 tokens: the model's own num_predict says so." in found


def test_a_cut_by_the_window_is_said(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("One"), Done("length", {"eval_count": 500})])

    found = footer(notebook.ask("--num-ctx 512"))

    assert "Cut off: the window of 512 tokens is full. --num-ctx makes it larger." in found


def test_a_broken_answer_is_said(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("One"), Cut()])

    found = footer(notebook.fail())

    assert "The answer broke off: this is what had come." in found
    assert "window" not in found


def test_each_footer_line_is_said_once(notebook: Notebook) -> None:
    notebook.run("x = 1")
    notebook.ollama.script("*", [Text("One"), Done("length", {"eval_count": 20})])

    lines = footer(notebook.ask("--num-predict 20 -s {x}", "{x} {ghost} {ghost}")).split("<br>")

    assert len(lines) == len(set(lines)) == 4


# ---------------------------------------------------------------- the next cell


def test_next_puts_the_first_block_below(notebook: Notebook) -> None:
    notebook.ollama.say(FENCED)

    result = notebook.ask("--next")

    (payload,) = result.reply["payload"]
    assert payload == {"source": "set_next_input", "text": "print(1)", "replace": False}


def test_next_runs_nothing(notebook: Notebook) -> None:
    notebook.ollama.say("```python\nran = True\n```")

    notebook.ask("--next")

    assert notebook.value("'ran' in globals()") is False


def test_next_without_code_adds_no_cell(notebook: Notebook) -> None:
    notebook.ollama.say("No code today.")

    assert notebook.ask("--next").reply["payload"] == []


def test_without_next_no_cell_is_added(notebook: Notebook) -> None:
    notebook.ollama.say(FENCED)

    assert notebook.ask().reply["payload"] == []


def test_half_a_block_is_not_put_below(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("```python\nimport os\nos."), Cut()])

    assert notebook.fail("--next").reply.get("payload", []) == []
