"""Bad input and bad servers: one sentence that says what to do, a failed cell, nothing lost."""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import (
    Cut,
    EndWithoutDone,
    ErrorLine,
    FakeModel,
    FakeOllama,
    Garbage,
    Reset,
    Status,
    Text,
    Wait,
)
from live_notebook import footer

if TYPE_CHECKING:
    from pathlib import Path

    from live_messages import Message
    from live_notebook import Notebook

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4z8AAAAMBAQAY3Y2wAAAAAElFTkSuQmCC"
)


@pytest.fixture
def closed_port() -> int:
    """Give a port where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
    return port


# ---------------------------------------------------------------- no server, or not Ollama


def test_no_server(notebook: Notebook, closed_port: int) -> None:
    result = notebook.fail(f"--host http://127.0.0.1:{closed_port}")

    assert result.error_text == (
        f"Unreachable: Nothing answers at http://127.0.0.1:{closed_port}. "
        "Start it with: ollama serve"
    )


def test_no_such_host(notebook: Notebook) -> None:
    result = notebook.fail("--host http://nowhere.invalid:1")

    assert result.evalue.startswith(
        "Nothing answers at http://nowhere.invalid:1 (no machine is called 'nowhere.invalid')."
    )


def test_no_host_at_all(notebook: Notebook) -> None:
    result = notebook.fail("--host ftp://here")

    assert result.evalue == "'ftp://' is no address of Ollama. Write http:// or https://"


@pytest.mark.parametrize(
    ("status", "what"),
    [pytest.param(200, "text/html", id="200"), pytest.param(404, "404, text/html", id="404")],
)
def test_a_host_that_answers_html(notebook: Notebook, status: int, what: str) -> None:
    notebook.ollama.script("/api/tags", [Status(status, "<html>Hello</html>", "text/html")])

    result = notebook.fail()

    assert result.evalue == (
        f"{notebook.ollama.url} answers, but not as Ollama does ({what}). "
        "Check the address with: %ollama host URL"
    )


def test_a_proxy_without_its_server(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Status(502, "<html>Bad gateway</html>", "text/html")])

    assert notebook.fail().evalue == (
        f"A proxy at {notebook.ollama.url} answered 502 instead of Ollama. Is Ollama running?"
    )


def test_a_redirect_is_not_followed(notebook: Notebook, closed_port: int) -> None:
    elsewhere = f"http://127.0.0.1:{closed_port}/"
    notebook.ollama.script("*", [Status(302, "", "text/html", {"Location": elsewhere})])

    assert "redirects are not followed" in notebook.fail().evalue


def test_a_server_that_comes_back_is_found_again(notebook: Notebook) -> None:
    with FakeOllama() as other:
        notebook.ask(f"--host {other.url}")
        other.stop()
        notebook.fail(f"--host {other.url}")
        other.start()

        notebook.ask(f"--host {other.url}")


def test_a_failed_cell_leaves_no_empty_output(notebook: Notebook) -> None:
    result = notebook.fail("nowhere-model")

    assert [output["output_type"] for output in result.outputs] == ["error"]


# ---------------------------------------------------------------- models


def test_an_unknown_model_with_names_like_it(notebook: Notebook) -> None:
    assert notebook.fail("tinny").error_text == (
        "ModelNotFound: Model 'tinny' is not on this server. "
        "Did you mean 'tiny:latest' or 'tiny-see:latest'? Pull it with: %ollama pull tinny"
    )


def test_an_unknown_model_like_no_other(notebook: Notebook) -> None:
    assert notebook.fail("zebra").evalue == (
        "Model 'zebra' is not on this server. Pull it with: %ollama pull zebra"
    )


def test_a_name_that_is_none(notebook: Notebook) -> None:
    assert notebook.fail("'a b'").evalue == (
        "'a b' is no model name. Names look like llama3.2, qwen3:0.6b or me/tiny:v1"
    )


def test_a_model_removed_meanwhile(notebook: Notebook) -> None:
    notebook.ask()
    del notebook.ollama.models["tiny:latest"]

    assert notebook.fail("tiny").evalue.startswith("Model 'tiny' is not on this server.")


def test_an_embedding_model(notebook: Notebook) -> None:
    assert notebook.fail("tiny-embed").evalue == (
        "Model 'tiny-embed:latest' makes embeddings and cannot chat. "
        "Choose a chat model: %ollama models"
    )
    assert notebook.prompts_sent == 0


def test_thinking_of_a_model_that_cannot(notebook: Notebook) -> None:
    assert notebook.fail("tiny --think").evalue == (
        "Model 'tiny:latest' cannot think. Leave out --think."
    )


def test_an_image_for_a_model_that_cannot_see(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PIXEL)

    assert notebook.fail(f"tiny -i {tmp_path}/dot.png").evalue == (
        "Model 'tiny:latest' cannot see images. Choose one that can: %ollama models"
    )


def test_an_image_that_only_the_server_can_refuse(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PIXEL)
    notebook.ollama.version = "0.6.0"
    notebook.ollama.add(FakeModel("blind", capabilities=None))

    assert notebook.fail(f"blind -i {tmp_path}/dot.png").evalue == (
        "Model 'blind:latest' cannot see images. Choose one that can: %ollama models"
    )


@pytest.mark.parametrize(
    ("name", "where"),
    [
        pytest.param("far:cloud", "https://ollama.com:443", id="on the server"),
        pytest.param("other:120b-cloud", "another machine", id="not on the server"),
    ],
)
def test_a_model_that_runs_elsewhere(notebook: Notebook, name: str, where: str) -> None:
    notebook.ollama.add(FakeModel("far:cloud", remote_host="https://ollama.com:443"))

    assert notebook.fail(name).evalue == (
        f"Model '{name}' runs elsewhere ({where}): your prompt would leave this machine. "
        "Allow it with: %ollama set allow_remote_models=true"
    )
    assert notebook.prompts_sent == 0


def test_a_model_elsewhere_answers_where_it_is_allowed(notebook: Notebook) -> None:
    notebook.ollama.add(FakeModel("far:cloud", remote_host="https://ollama.com:443"))
    notebook.run("%ollama set allow_remote_models=true")

    notebook.ask("far:cloud")

    assert notebook.sent["model"] == "far:cloud"


def test_a_server_without_models(notebook: Notebook) -> None:
    notebook.ollama.models.clear()

    assert notebook.fail().evalue == (
        "The server has no chat model. Pull one with: %ollama pull llama3.2:1b"
    )


# ---------------------------------------------------------------- prompts


@pytest.mark.parametrize("prompt", [" ", "\n\n", "  \n \t"])
def test_an_empty_prompt(notebook: Notebook, prompt: str) -> None:
    assert notebook.fail("", prompt).evalue == "The prompt is empty. Write it below %%ollama."


def test_a_prompt_longer_than_the_window(notebook: Notebook) -> None:
    assert notebook.fail("--num-ctx 256", "word " * 2000).evalue == (
        "The prompt is 2,508 tokens long and does not fit the context window of 256 tokens. "
        "Shorten it, or give it room: --num-ctx 4096"
    )


def test_a_prompt_of_10_megabytes(notebook: Notebook) -> None:
    notebook.run("x = 'word {y} ' * 1_000_000")

    assert notebook.fail("", "{x}").evalue.startswith("The prompt is 2,250,008 tokens long")


def test_a_lone_surrogate_in_a_prompt(notebook: Notebook) -> None:
    notebook.run(r"half = 'a\ud83d b'")

    notebook.ask(prompt="{half}")

    assert notebook.sent["messages"][0]["content"] == "a\ufffd b"


def test_a_value_that_cannot_be_reached(notebook: Notebook) -> None:
    notebook.run("x = 1")

    assert notebook.fail("", "{x.y}").evalue == (
        "{x.y} in the prompt has no value: AttributeError: 'int' object has no attribute 'y'. "
        "Correct it, put it in backticks, or send the prompt as typed with --no-expand."
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param("-f {0}/none.txt", "There is no file '{0}/none.txt'.", id="no file"),
        pytest.param("-f {0}", "'{0}' is a directory.", id="directory"),
        pytest.param("-f {0}/b.bin", "'b.bin' is not a text file.", id="binary file"),
        pytest.param("-f {0}/dot.png", "'dot.png' is an image, not text.", id="image as file"),
        pytest.param("-i {0}/none.png", "There is no file '{0}/none.png'.", id="no image"),
        pytest.param("-i {0}/a.txt", "'a.txt' is not an image that can be read.", id="no picture"),
        pytest.param("-i {0}/half.png", "'half.png' is not an image that can be read.", id="half"),
        pytest.param("-i number", "A value of type int is not an image.", id="variable"),
    ],
)
def test_a_file_that_will_not_do(
    notebook: Notebook, tmp_path: Path, line: str, sentence: str
) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.bin").write_bytes(b"\0\1\2" * 99)
    (tmp_path / "dot.png").write_bytes(PIXEL)
    (tmp_path / "half.png").write_bytes(PIXEL[:30])
    notebook.run("number = 3")

    result = notebook.fail(f"tiny-see {line.format(tmp_path)}")

    assert result.ename == "BadUsage"
    assert result.evalue.startswith(sentence.format(tmp_path))
    assert result.evalue != sentence.format(tmp_path), "what to do next is missing"
    assert notebook.prompts_sent == 0


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(
            "None",
            "--format is 'form', which is no variable. "
            "It takes json, or the name of a JSON schema, a pydantic model, a dataclass.",
            id="undefined",
        ),
        pytest.param(
            "[1]",
            "The form of the answer is a list. "
            'It is "json", a dict that holds a JSON schema, a pydantic model, a dataclass, a TypedDict.',
            id="not a dict",
        ),
    ],
)
def test_a_format_that_is_none(notebook: Notebook, value: str, sentence: str) -> None:
    notebook.run(f"form = {value}")

    assert notebook.fail("--format form").evalue == sentence


def test_a_format_that_the_server_refuses(notebook: Notebook) -> None:
    words = "JSON schema error at #: unrecognized type nonsense"
    inner = json.dumps({"error": {"code": 400, "message": words, "type": "invalid_request_error"}})
    notebook.ollama.script("*", [Status(400, {"error": inner})])
    notebook.run("form = {'type': 'object'}")

    assert notebook.fail("--format form").error_text == f"Refused: Ollama refused: {words}."


# ---------------------------------------------------------------- what the server says


@pytest.mark.parametrize(
    ("status", "body", "ename", "sentence"),
    [
        pytest.param(
            503,
            {"error": "server busy, please try again.  maximum pending requests exceeded"},
            "Busy",
            "The server's queue is full: server busy, please try again. "
            "maximum pending requests exceeded. Run the cell again in a moment.",
            id="busy",
        ),
        pytest.param(
            401,
            {"error": "unauthorized"},
            "Unauthorized",
            "The server wants a key: unauthorized. "
            "Set OLLAMA_API_KEY, or sign in with: ollama signin",
            id="key wanted",
        ),
        pytest.param(
            401,
            b"",
            "Unauthorized",
            "{url} wants a key. "
            "Set OLLAMA_API_KEY; it goes only to the host of the setting or OLLAMA_HOST.",
            id="key wanted without a word",
        ),
        pytest.param(
            403,
            b"",
            "Forbidden",
            "{url} refused the request without a word (403). Ollama does that to host names "
            "it does not know: use its IP address, or localhost.",
            id="host refused",
        ),
        pytest.param(
            500,
            {"error": "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"},
            "NoRoom",
            "The server has not enough memory: model requires more system memory (5.6 GiB) than "
            "is available (3.1 GiB). Take a smaller model, or a smaller --num-ctx.",
            id="memory",
        ),
        pytest.param(
            500,
            {"error": "llama runner process has terminated: exit status 2"},
            "Refused",
            "The model's process on the server failed: llama runner process has terminated: exit "
            "status 2. Run the cell again; if it fails again, look at the server's log.",
            id="runner died",
        ),
    ],
)
def test_a_refusal(notebook: Notebook, status: int, body: Any, ename: str, sentence: str) -> None:
    notebook.ollama.script("*", [Status(status, body)])

    result = notebook.fail()

    assert result.ename == ename
    assert result.evalue == sentence.format(url=notebook.ollama.url)


def test_a_log_for_an_error_is_shortened(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Status(500, {"error": "line\n" * 3000})])

    assert len(notebook.fail().evalue) < 400


# ---------------------------------------------------------------- answers that break off


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        pytest.param(Cut(), "The connection to {url} broke in mid-answer.", id="cut"),
        pytest.param(Reset(), "The connection to {url} broke in mid-answer.", id="reset"),
        pytest.param(
            ErrorLine("an error was encountered while running the model: unexpected EOF"),
            "The model's process on the server ended in mid-answer",
            id="error line",
        ),
        pytest.param(
            EndWithoutDone(),
            "The server ended the answer without its last line",
            id="without its last line",
        ),
        pytest.param(
            Garbage(), "The server sent something that is not Ollama's answer", id="garbage"
        ),
    ],
)
def test_what_came_before_a_break_is_kept(notebook: Notebook, ending: Any, sentence: str) -> None:
    notebook.ollama.script("*", [Text("Half of it"), ending])

    result = notebook.fail("-o answer")

    assert result.ename == "StreamBroken"
    assert result.evalue.startswith(sentence.format(url=notebook.ollama.url))
    assert result.displayed[0]["text/plain"] == "Half of it"
    assert "The answer broke off: this is what had come." in footer(result)
    assert notebook.value("[answer.text, answer.done_reason]") == ["Half of it", "broken"]


@pytest.mark.parametrize("ending", [Cut(), Reset()])
def test_a_break_before_the_first_byte(notebook: Notebook, ending: Any) -> None:
    notebook.ollama.script("*", [ending])

    assert notebook.fail("-o answer").evalue == (
        f"{notebook.ollama.url} closed the connection before it answered. "
        "Run it again; if it fails again, look at the server's log."
    )
    assert notebook.value("answer.done_reason") == "broken"


def test_a_server_killed_in_mid_answer(notebook: Notebook) -> None:
    with FakeOllama() as other:
        other.script("*", [Text("Half of it"), Wait(None)])

        def kill(message: Message) -> bool:
            if "Half" in message.text:
                other.stop()
            return False

        line = f"%%ollama -o answer --host {other.url}\nHello"
        result = notebook.run(line, interrupt_when=kill)

    assert result.ename == "StreamBroken"
    assert result.displayed[0]["text/plain"] == "Half of it"
    assert notebook.value("answer.text") == "Half of it"


def test_silence_in_mid_answer_ends_at_the_limit(notebook: Notebook) -> None:
    notebook.run("%ollama set idle_seconds=0.3")
    notebook.ollama.script("*", [Text("Half of it"), Wait(None)])

    result = notebook.fail("-o answer")

    assert result.error_text == (
        f"TimedOut: {notebook.ollama.url} has sent nothing for 0.3 s. "
        "It may be overloaded; settings: first_byte_seconds, idle_seconds."
    )
    assert notebook.value("answer.text") == "Half of it"
    notebook.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_the_kernel_goes_on_after_a_failure(notebook: Notebook) -> None:
    notebook.ollama.script("*", [Text("Half"), Cut()], once=True)
    notebook.fail()

    notebook.ask()

    assert notebook.prompts_sent == 2


def test_code_can_take_a_failure_as_an_exception(notebook: Notebook) -> None:
    cell = """
from ollama_lab.errors import OllamaLabError
try:
    get_ipython().run_cell_magic('ollama', 'zebra', 'Hello')
except OllamaLabError as exc:
    print(exc.http_status, exc.message, exc.hint, sep='|')
"""

    assert notebook.run(cell).stdout == (
        "404|Model 'zebra' is not on this server.|Pull it with: %ollama pull zebra\n"
    )
