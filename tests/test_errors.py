"""The exception tree, and the words of every error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ollama_lab import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_shell import Shell

STATUSES = {
    errors.OllamaLabError: 500,
    errors.Unreachable: 502,
    errors.ModelNotFound: 404,
    errors.Refused: 400,
    errors.StreamBroken: 502,
    errors.TimedOut: 504,
    errors.PromptTooLong: 413,
    errors.Busy: 503,
    errors.Forbidden: 403,
    errors.Unauthorized: 401,
    errors.NoRoom: 507,
    errors.BadUsage: 400,
    errors.NotFound: 404,
}


@pytest.mark.parametrize(
    ("kind", "status"), STATUSES.items(), ids=lambda x: getattr(x, "__name__", x)
)
def test_each_error_has_its_http_status(kind: type[errors.OllamaLabError], status: int) -> None:
    assert issubclass(kind, errors.OllamaLabError)
    assert kind.http_status == status


def test_the_tree_has_no_error_without_a_test() -> None:
    assert set(_descendants(errors.OllamaLabError)) == set(STATUSES) - {errors.OllamaLabError}


def _descendants(kind: type[errors.OllamaLabError]) -> Iterator[type[errors.OllamaLabError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d{3})", errors.__doc__ or ""))

    assert drawn == {
        kind.__name__: str(status)
        for kind, status in STATUSES.items()
        if kind is not errors.OllamaLabError
    }


def test_stopped_is_an_interrupt_and_no_error_of_ours() -> None:
    assert issubclass(errors.Stopped, KeyboardInterrupt)
    assert not issubclass(errors.Stopped, errors.OllamaLabError)


def test_an_error_says_what_happened_and_then_what_to_do() -> None:
    exc = errors.NoRoom("The disk is full.", hint="Remove a model.")

    assert str(exc) == "The disk is full. Remove a model."
    assert (exc.message, exc.hint) == ("The disk is full.", "Remove a model.")


def test_an_error_without_a_hint_is_its_message() -> None:
    assert str(errors.Busy("The queue is full.")) == "The queue is full."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("two\nlines", "two lines", id="newline"),
        pytest.param("a\x1b[31mred", r"a\x1b[31mred", id="escape sequence"),
        pytest.param("\x9b31m", r"\x9b31m", id="one-byte escape sequence"),
        pytest.param("half \ud83d", r"half \ud83d", id="lone surrogate"),
        pytest.param("back\u202ewards", r"back\u202ewards", id="bidirectional override"),
        pytest.param("Größe 天空 🚀 10\xa0GB", "Größe 天空 🚀 10\xa0GB", id="plain text"),
    ],
)
def test_an_error_is_one_line_that_a_terminal_can_show(said: str, shown: str) -> None:
    exc = errors.Refused(said, hint=said)

    assert str(exc) == f"{shown} {shown}"
    assert exc.args == (shown,)


SENTENCES = [
    pytest.param(
        errors.model_not_found("lama3"),
        "Model 'lama3' is not on this server. Pull it with: %ollama pull lama3",
        id="no model",
    ),
    pytest.param(
        errors.model_not_found("lama3", ["llama3:latest"]),
        "Model 'lama3' is not on this server. "
        "Did you mean 'llama3:latest'? Pull it with: %ollama pull lama3",
        id="no model, one near",
    ),
    pytest.param(
        errors.model_not_found("lama3", ["a", "b", "c"]),
        "Model 'lama3' is not on this server. "
        "Did you mean 'a', 'b' or 'c'? Pull it with: %ollama pull lama3",
        id="no model, three near",
    ),
    pytest.param(
        errors.model_not_found(""),
        "The server does not have this model. List them: %ollama models",
        id="no model, no name",
    ),
    pytest.param(
        errors.prompt_too_long(9000, 8192),
        "The prompt is 9,000 tokens long and does not fit the context window of 8,192 tokens. "
        "Shorten it, or give it room: --num-ctx 16384",
        id="too long",
    ),
    pytest.param(
        errors.prompt_too_long(90_000, 8192),
        "The prompt is 90,000 tokens long and does not fit the context window of 8,192 tokens. "
        "Shorten it, or give it room: --num-ctx 91136",
        id="far too long",
    ),
    pytest.param(
        errors.prompt_too_long(0, 0),
        "The prompt does not fit the context window. Shorten it, or give it room: --num-ctx 4096",
        id="too long, no figures",
    ),
    pytest.param(
        errors.cannot("m", '"m" does not support thinking'),
        "Model 'm' cannot think. Leave out --think.",
        id="no thinking",
    ),
    pytest.param(
        errors.cannot("m", "registry.ollama.ai/library/m does not support tools"),
        "Model 'm' cannot call tools. Choose one that can: %ollama models",
        id="no tools",
    ),
    pytest.param(
        errors.cannot("m", "m does not support insert"),
        "Model 'm' cannot fill in the middle. Choose one that can: %ollama models",
        id="no insert",
    ),
    pytest.param(
        errors.cannot("m", "vision"),
        "Model 'm' cannot see images. Choose one that can: %ollama models",
        id="no vision",
    ),
    pytest.param(
        errors.cannot("m", "model does not support multimodal requests"),
        "Model 'm' cannot see images. Choose one that can: %ollama models",
        id="not multimodal",
    ),
    pytest.param(
        errors.cannot("m", "image input is not supported"),
        "Model 'm' cannot see images. Choose one that can: %ollama models",
        id="no image input",
    ),
    pytest.param(
        errors.cannot("qwen3-thinking", '"qwen3-thinking" does not support chat'),
        "Model 'qwen3-thinking' makes embeddings and cannot chat. "
        "Choose a chat model: %ollama models",
        id="no chat, and a name that says thinking",
    ),
    pytest.param(
        errors.cannot("m", "m does not support generate"),
        "Model 'm' makes embeddings and cannot write. Choose a chat model: %ollama models",
        id="no generate",
    ),
    pytest.param(
        errors.cannot("m", "This server does not support embeddings."),
        "Model 'm' makes no embeddings. Choose an embedding model: %ollama models",
        id="no embeddings",
    ),
    pytest.param(
        errors.cannot("m", "m does not support juggling"),
        "Ollama refused: m does not support juggling",
        id="anything else",
    ),
    pytest.param(
        errors.not_ollama("http://x:80", "404, text/html"),
        "http://x:80 answers, but not as Ollama does (404, text/html). "
        "Check the address with: %ollama host URL",
        id="not Ollama",
    ),
    pytest.param(
        errors.unauthorized("https://x:443"),
        "https://x:443 wants a key. "
        "Set OLLAMA_API_KEY; it goes only to the host of the setting or OLLAMA_HOST.",
        id="no key",
    ),
    pytest.param(
        errors.unauthorized(""),
        "The server wants a key. "
        "Set OLLAMA_API_KEY; it goes only to the host of the setting or OLLAMA_HOST.",
        id="no key, no host",
    ),
    pytest.param(
        errors.behind_proxy("https://far.example.org:443"),
        "The proxy of the environment does not lead to https://far.example.org:443. "
        "Go there without it: set NO_PROXY=far.example.org",
        id="proxy",
    ),
    pytest.param(
        errors.redirected("http://x:80", "https://me:secret@x/login?token=1"),
        "http://x:80 sends on to https://x, and redirects are not followed. "
        "Name the right address with: %ollama host https://x",
        id="redirect",
    ),
    pytest.param(
        errors.redirected("http://x:80", "/login"),
        "http://x:80 sends on to another address, and redirects are not followed. "
        "Name the right address with: %ollama host URL",
        id="redirect on the same host",
    ),
    pytest.param(
        errors.cut_off("http://x:80"),
        "The connection to http://x:80 broke in mid-answer. What came is kept. Run the cell again.",
        id="cut off",
    ),
    pytest.param(
        errors.ended_early(),
        "The server ended the answer without its last line, as it does when a model repeats "
        "itself without end. What came is kept. Run the cell again, or raise repeat_penalty.",
        id="ended early",
    ),
]


@pytest.mark.parametrize(("exc", "words"), SENTENCES)
def test_an_error_has_these_words(exc: errors.OllamaLabError, words: str) -> None:
    assert str(exc) == words


@pytest.mark.parametrize("exc", [case.values[0] for case in SENTENCES], ids=lambda e: str(e)[:40])
def test_no_error_begs_or_blames(exc: errors.OllamaLabError) -> None:
    assert not re.search(r"please|failed to|!|\n|sorry|invalid", str(exc), re.IGNORECASE)


SERVE = "Start it with: ollama serve"
LISTEN = "Is it running there, and does it listen beyond its own loopback?"


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("http://127.0.0.1:11434", SERVE),
        ("http://127.0.0.2:11434", SERVE),
        ("http://localhost:11434/prefix", SERVE),
        ("http://ollama.localhost:80", SERVE),
        ("http://[::1]:11434", SERVE),
        ("http://[fd00::7]:11434", LISTEN),
        ("http://10.0.0.7:11434", LISTEN),
        ("https://gpu.example.org:443", LISTEN),
        ("http://host.docker.internal:11434", LISTEN),
        ("http://gpu$(box):11434", LISTEN),
        ("http://größe:11434", LISTEN),
        ("http://ollama:11434", "Start it with: docker compose up -d ollama"),
        ("http://my-ollama_2:80/x", "Start it with: docker compose up -d my-ollama_2"),
    ],
)
def test_a_silent_host_comes_with_the_way_to_start_it(host: str, hint: str) -> None:
    exc = errors.unreachable(host)

    assert exc.message == f"Nothing answers at {host}."
    assert exc.hint == hint


def test_a_silent_host_comes_with_the_reason_where_it_is_known() -> None:
    exc = errors.unreachable("http://x.y:80", "no connection within 3 s")

    assert exc.message == "Nothing answers at http://x.y:80 (no connection within 3 s)."


def test_in_ipython_an_error_is_one_line_and_the_cell_fails(
    ip: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "from ollama_lab.errors import Busy\nraise Busy('Full.', hint='Wait\\na moment.')"

    with pytest.raises(errors.Busy):
        ip.run(code)

    assert capsys.readouterr().out == "Busy: Full. Wait a moment.\n"


def test_in_ipython_stopped_is_one_line(ip: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.Stopped):
        ip.run("from ollama_lab.errors import Stopped\nraise Stopped('the text is kept')")

    assert capsys.readouterr().out == "Stopped: the text is kept\n"
