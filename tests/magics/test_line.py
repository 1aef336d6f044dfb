"""``%ollama``: the server, its models, and what this kernel chose."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import FakeModel, FakeOllama, Send, Status, Step, Wait

if TYPE_CHECKING:
    from live_messages import Message, Result
    from live_notebook import Notebook


def said(notebook: Notebook, line: str = "", answers: tuple[str, ...] = ()) -> str:
    """Run a command that works, and give its plain text."""
    result = notebook.run(f"%ollama {line}", answers=answers)
    assert result.status == "ok", result.error_text
    text: str = result.displayed[-1]["text/plain"]
    return text


def refused(notebook: Notebook, line: str) -> str:
    """Run a command that fails as a cell ought to, and give its one line."""
    result = notebook.run(f"%ollama {line}")
    assert result.status == "error"
    assert "\n" not in result.error_text
    assert len(result.error_text) < 500
    return result.error_text


# ---------------------------------------------------------------- looking


def test_alone_it_says_which_server_and_why(notebook: Notebook) -> None:
    first, second, third = said(notebook).splitlines()

    assert first == f"Ollama 0.33.0-rc2 at {notebook.ollama.url} (OLLAMA_HOST)"
    assert second == "Prompts go to tiny:latest (the newest here)"
    assert third == "In memory: nothing"


def test_alone_it_says_what_is_in_memory(notebook: Notebook) -> None:
    notebook.ollama.model("tiny-think").load()

    assert "In memory: tiny-think:latest (CPU)" in said(notebook)


def test_alone_it_answers_without_a_chat_model(notebook: Notebook) -> None:
    notebook.ollama.models.clear()

    assert "The server has no chat model. Pull one with" in said(notebook)


def test_it_is_a_value_that_reads_well_anywhere(notebook: Notebook) -> None:
    (data,) = notebook.run("%ollama models").displayed

    assert data["text/plain"].startswith("model  ")
    assert data["text/markdown"].startswith("| model | size |")


def test_models_lists_what_is_on_the_server(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("far:cloud", remote_host="https://ollama.com:443"))
    notebook.ollama.model("tiny").load()

    lines = said(notebook, "models").splitlines()

    assert len(lines) == 6
    assert lines[1].split()[:4] == ["tiny:latest", "1.3", "GB", "1.2B"]
    assert "CPU, 5 min more" in lines[1]
    assert "runs elsewhere" in next(line for line in lines if line.startswith("far"))


def test_models_of_an_empty_server_says_how_to_get_one(notebook: Notebook) -> None:
    notebook.ollama.models.clear()

    assert "The server has no models. Pull one with: %ollama pull" in said(notebook, "models")


def test_ps_lists_what_is_in_memory(notebook: Notebook) -> None:
    notebook.ollama.model("tiny").load()

    assert "tiny:latest" in said(notebook, "ps")


def test_ps_says_when_nothing_is(notebook: Notebook) -> None:
    assert "No model is in memory." in said(notebook, "ps")


def test_show_tells_about_one_model(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("shown", parameters="temperature             0.1", system="Hi."))

    text = said(notebook, "show shown")

    for words in ("shown:latest", "8,192 tokens", "completion", "temperature=0.1", "Hi."):
        assert words in text


def test_a_name_of_the_servers_cannot_act(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("evil", system="<script>x</script> | $a$ \x1b[31m"))

    (data,) = notebook.run("%ollama show evil").displayed

    assert "<script" not in data["text/markdown"]
    assert "\x1b" not in data["text/plain"]


def test_doctor_checks_every_part(notebook: Notebook) -> None:
    text = said(notebook, "doctor")

    for part in ("packages", "embedded engine", "server", "version", "models"):
        assert part in text
    assert "WRONG" not in text.replace("WRONG  embedded", "")


def test_doctor_has_a_remedy_for_a_dead_server(notebook: Notebook) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    notebook.run(f"%ollama set host=http://127.0.0.1:{port}")

    text = said(notebook, "doctor")

    assert f"Nothing answers at http://127.0.0.1:{port}." in text


# ---------------------------------------------------------------- managing models


def test_pull_brings_a_model(notebook: Notebook) -> None:
    text = said(notebook, "pull qwen3:0.6b")

    assert text == "qwen3:0.6b is on the server. Ask it: %%ollama qwen3:0.6b"
    assert "qwen3:0.6b" in said(notebook, "models")


def test_pull_draws_a_bar_with_speed_and_time_left(notebook: Notebook) -> None:
    layer = {"status": "pulling abc", "digest": "sha256:abc", "total": 1000}
    steps = [Send({**layer, "completed": done}) for done in (100, 300, 500)]
    first, second, third = steps
    script: list[Step] = [first, Wait(0.4), second, Wait(0.4), third, Wait(None)]
    notebook.ollama.script("/api/pull", script)

    def is_whole(message: Message) -> bool:
        return "█" in message.text and "B/s" in message.text and "left" in message.text

    result = notebook.run("%ollama pull qwen3:0.6b", interrupt_when=is_whole)

    assert result.interrupted_ns
    assert result.displayed == [{"text/plain": ""}]


def test_pull_of_an_unknown_model(notebook: Notebook) -> None:
    assert refused(notebook, "pull zebra") == (
        "ModelNotFound: The registry knows no model 'zebra'. "
        "Look its name up at https://ollama.com/library."
    )


def test_pull_onto_a_full_disk(notebook: Notebook) -> None:
    words = "write /models/blobs/sha256-abc-partial: no space left on device"
    notebook.ollama.script("/api/pull", [Send({"status": "pulling"}), Send({"error": words})])

    assert refused(notebook, "pull qwen3:0.6b") == (
        f"NoRoom: The server's disk is full: {words}. Remove a model with: %ollama rm NAME"
    )


def test_a_pull_that_breaks_off_can_be_run_again(notebook: Notebook) -> None:
    from fake_ollama import Cut

    notebook.ollama.script("/api/pull", [Send({"status": "pulling"}), Cut()])

    assert refused(notebook, "pull qwen3:0.6b").startswith("StreamBroken: ")


@pytest.mark.parametrize("typed", ["y", "yes", " Y "])
def test_rm_asks_first(notebook: Notebook, typed: str) -> None:
    assert said(notebook, "rm tiny-see", answers=(typed,)) == "tiny-see:latest is removed."
    assert "tiny-see:latest" not in notebook.ollama.models


@pytest.mark.parametrize("typed", ["", "n", "no", "what?"])
def test_rm_takes_anything_else_for_a_no(notebook: Notebook, typed: str) -> None:
    assert said(notebook, "rm tiny-see", answers=(typed,)) == "tiny-see:latest stays."
    assert "tiny-see:latest" in notebook.ollama.models


def test_rm_where_nobody_can_be_asked(notebook: Notebook) -> None:
    assert refused(notebook, "rm tiny-see") == (
        "BadUsage: Nobody can be asked here. Write: %ollama rm tiny-see:latest --yes"
    )
    assert "tiny-see:latest" in notebook.ollama.models


def test_rm_with_yes_asks_nothing(notebook: Notebook) -> None:
    assert said(notebook, "rm tiny-see --yes") == "tiny-see:latest is removed."


def test_rm_of_an_unknown_model(notebook: Notebook) -> None:
    assert refused(notebook, "rm tiny-sea").startswith(
        "ModelNotFound: Model 'tiny-sea' is not on this server. Did you mean 'tiny-see:latest'"
    )


def test_cp_gives_a_second_name(notebook: Notebook) -> None:
    assert said(notebook, "cp tiny mine") == "tiny is also called mine:latest."
    assert "mine:latest" in notebook.ollama.models


def test_cp_of_an_unknown_model(notebook: Notebook) -> None:
    assert refused(notebook, "cp zebra mine").startswith("ModelNotFound: Model 'zebra'")


def test_load_brings_it_in_with_the_window_of_prompts(notebook: Notebook) -> None:
    text = said(notebook, "load tiny")

    assert "is in memory after" in text
    sent = notebook.ollama.calls("/api/chat")[-1].body
    assert sent["messages"] == []
    assert sent["options"]["num_ctx"] == 8192
    notebook.ask("tiny")
    assert notebook.sent["options"]["num_ctx"] == 8192


def test_unload_takes_it_out(notebook: Notebook) -> None:
    notebook.ollama.model("tiny").load()

    said(notebook, "unload tiny")

    assert notebook.ollama.calls("/api/chat")[-1].body["keep_alive"] == 0
    assert not notebook.ollama.model("tiny").is_loaded


# ---------------------------------------------------------------- choosing


def test_use_chooses_the_model_of_prompts(notebook: Notebook) -> None:
    assert said(notebook, "use tiny-think") == "Prompts of this kernel go to tiny-think:latest."

    notebook.ask()

    assert notebook.sent["model"] == "tiny-think:latest"
    assert "Prompts go to tiny-think:latest (%ollama use)" in said(notebook)


def test_use_of_an_embedding_model(notebook: Notebook) -> None:
    assert "cannot chat" in refused(notebook, "use tiny-embed")


def test_host_chooses_the_server_of_prompts(notebook: Notebook) -> None:
    with FakeOllama(version="0.20.0") as other:
        text = said(notebook, f"host {other.url}")
        notebook.ask()

        assert len(other.calls("/api/chat")) == 1
    assert text.startswith(f"Ollama 0.20.0 at {other.url} (%ollama host)")


def test_host_shows_no_password(notebook: Notebook) -> None:
    address = notebook.ollama.url.replace("http://", "http://me:hush@")

    result = notebook.run(f"%ollama host {address}")

    assert result.status == "ok"
    assert "hush" not in str(result.outputs)


def test_set_changes_options_of_every_prompt(notebook: Notebook) -> None:
    said(notebook, "set temperature=0.2 top-k=7")

    notebook.ask("--top-k 9")

    assert notebook.sent["options"]["temperature"] == 0.2
    assert notebook.sent["options"]["top_k"] == 9


def test_set_changes_settings(notebook: Notebook) -> None:
    said(notebook, "set context_tokens=1000 system='Be brief.'")

    notebook.ask()

    assert notebook.sent["options"]["num_ctx"] == 1024
    assert notebook.sent["messages"][0]["content"] == "Be brief."


def test_set_alone_lists_settings_and_where_they_come_from(notebook: Notebook) -> None:
    said(notebook, "set context_tokens=1024 api_key=hush")

    text = said(notebook, "set")

    assert any(
        line.split() == ["context_tokens", "1024", "%ollama", "set"] for line in text.splitlines()
    )
    assert "hush" not in text


def test_set_is_all_or_nothing(notebook: Notebook) -> None:
    assert refused(notebook, "set temperature=0.2 topk=1").startswith("BadUsage: ")

    notebook.ask()

    assert "temperature" not in notebook.sent["options"]


def test_reset_forgets_what_was_chosen(notebook: Notebook) -> None:
    said(notebook, "use tiny-think")
    said(notebook, "set temperature=0.2")

    said(notebook, "reset")
    notebook.ask()

    assert notebook.sent["model"] == "tiny:latest"
    assert "temperature" not in notebook.sent["options"]


# ---------------------------------------------------------------- mistakes and help


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("modles", "%ollama has no command 'modles'. Did you mean %ollama models?"),
        (
            "xyzzy",
            "%ollama has no command 'xyzzy'. A prompt goes below %%ollama; see all commands with: %ollama?",
        ),
        ("models all", "'all' is one word too many. Write: %ollama models"),
        ("use", "%ollama use got nothing. Write: %ollama use MODEL"),
        ("show a b", "%ollama show got 2 words. Write: %ollama show MODEL"),
        ("cp tiny", "%ollama cp got one word. Write: %ollama cp MODEL NEW"),
        ("set temperature", "'temperature' sets nothing. Write NAME=VALUE, as in temperature=0.2"),
        ("set temperature=9", "temperature is 9; it goes from 0 to 5."),
        ("set context_tokens=1", "context_tokens is 1; it goes from 256 up."),
        ("set expand=perhaps", "expand is 'perhaps'; it takes true or false."),
        (
            "pull 'a b'",
            "'a b' is no model name. Names look like llama3.2, qwen3:0.6b or me/tiny:v1",
        ),
        ("host ftp://x", "'ftp://' is no address of Ollama. Write http:// or https://"),
        ("help xyzzy", "Nothing is known about 'xyzzy'. Try: %ollama help"),
    ],
)
def test_a_mistake_has_its_sentence(notebook: Notebook, line: str, sentence: str) -> None:
    assert refused(notebook, line) == f"BadUsage: {sentence}"


def test_a_prompt_on_one_line_is_pointed_to_the_cell(notebook: Notebook) -> None:
    assert "%%ollama" in refused(notebook, "why is the sky blue")


def test_help_finds_commands_options_and_settings(notebook: Notebook) -> None:
    text = said(notebook, "help window")

    assert "%ollama show MODEL" in text
    assert "%%ollama --num-ctx N" in text
    assert "%ollama set context_tokens=VALUE" in text


@pytest.mark.parametrize("magic", ["%ollama", "%ollama_lab"])
def test_a_question_mark_teaches_every_command(notebook: Notebook, magic: str) -> None:
    from ollama_lab.magics.line import COMMANDS

    text = pager(notebook.run(f"{magic}?"))

    assert [c.usage for c in COMMANDS.values() if f"%ollama {c.usage}" not in text] == []


@pytest.mark.parametrize("magic", ["%%ollama", "%%ollama_lab"])
def test_a_question_mark_teaches_every_option(notebook: Notebook, magic: str) -> None:
    from ollama_lab.magics import arguments

    text = pager(notebook.run(f"{magic}?"))

    assert [flag for flag in arguments.flags() if flag not in text] == []
    assert "%%ollama llama3.2:1b -o answer" in text


def pager(result: Result) -> str:
    """Give what a question mark shows."""
    (payload,) = result.reply["payload"]
    data: dict[str, Any] = payload["data"]
    return str(data["text/plain"])


def test_a_server_that_only_imitates_ollama_is_shown(notebook: Notebook) -> None:
    for path in ("/api/ps", "/api/show"):
        notebook.ollama.script(path, [Status(404, "404 page not found", "text/plain")])

    assert "tiny:latest" in said(notebook, "models")
