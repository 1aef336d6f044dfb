"""Every call of the client against the scripted server, and its streams when they are left."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import (
    Cut,
    Done,
    EndWithoutDone,
    ErrorLine,
    FakeModel,
    FakeOllama,
    Garbage,
    HugeLine,
    Never,
    Pace,
    Reset,
    Send,
    Status,
    Text,
    Thinking,
    Wait,
)
from waiting import DEADLINE_SECONDS

from ollama_lab import wire
from ollama_lab.client import Client
from ollama_lab.errors import (
    BadUsage,
    Busy,
    Forbidden,
    ModelNotFound,
    OllamaLabError,
    PromptTooLong,
    Refused,
    StreamBroken,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from ollama_lab.hosts import Host
from ollama_lab.transport import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = [{"role": "user", "content": "Hello?"}]


@pytest.fixture
def client(ollama: FakeOllama) -> Iterator[Client]:
    with Client(Host(ollama.url, "a test")) as made:
        yield made


def chat(model: str = "tiny", **given: Any) -> wire.Call:
    return wire.chat(model, QUESTION, **given)


def text_of(chunks: list[wire.Chunk]) -> str:
    return "".join(chunk.content for chunk in chunks)


def failure(client: Client, call: wire.Call | None = None) -> tuple[str, OllamaLabError]:
    """Run a chat that fails, and give what came before and the error."""
    chunks: list[wire.Chunk] = []
    with pytest.raises(OllamaLabError) as caught:
        chunks.extend(client.chat(call or chat()))
    return text_of(chunks), caught.value


# ---------------------------------------------------------------- about the server


def test_the_version_is_told(client: Client, ollama: FakeOllama) -> None:
    assert client.version() == ollama.version


def test_the_version_is_asked_for_once_a_minute(
    client: Client, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    client.version()
    client.version()
    now += 61

    client.version()

    assert len(ollama.calls("/api/version")) == 2


def test_the_models_are_listed_newest_first(client: Client) -> None:
    names = [model.name for model in client.list()]

    assert names[0] == "tiny:latest"
    assert sorted(names) == [
        "tiny-embed:latest",
        "tiny-see:latest",
        "tiny-think:latest",
        "tiny:latest",
    ]


def test_the_models_in_memory_are_told(client: Client, ollama: FakeOllama) -> None:
    ollama.model("tiny").load(context=4096)

    loaded = client.ps()

    assert list(loaded) == ["tiny:latest"]
    assert loaded["tiny:latest"].context_tokens == 4096


def test_a_server_without_ps_has_nothing_to_say(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/ps", [Status(404, "404 page not found", "text/plain")])

    assert client.ps() == {}


def test_a_model_is_shown(client: Client, ollama: FakeOllama) -> None:
    ollama.model("tiny-think").parameters = "num_ctx 512"

    shown = client.show("tiny-think")

    assert shown.can("thinking")
    assert shown.context_length == 8192
    assert shown.parameters == {"num_ctx": 512}


def test_the_details_of_a_model_are_given_as_they_are(client: Client) -> None:
    assert client.details("tiny")["details"]["quantization_level"] == "Q4_K_M"


def test_a_model_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(ModelNotFound) as caught:
        client.show("tinny")

    assert str(caught.value) == (
        "Model 'tinny' is not on this server. Pull it with: %ollama pull tinny"
    )


# ---------------------------------------------------------------- answers


def test_an_answer_comes_whole_with_its_numbers(client: Client, ollama: FakeOllama) -> None:
    ollama.say("Hello big world", thinking="A greeting.", model="tiny-think")

    chunks = list(client.chat(chat("tiny-think")))

    assert text_of(chunks) == "Hello big world"
    assert "".join(chunk.thinking for chunk in chunks) == "A greeting."
    assert chunks[-1].done
    assert chunks[-1].stats is not None
    assert chunks[-1].stats.answer_tokens > 0


def test_a_completion_comes_whole(client: Client, ollama: FakeOllama) -> None:
    ollama.say("once upon")

    chunks = list(client.generate(wire.generate("tiny", "Tell", raw=True)))

    assert text_of(chunks) == "once upon"
    assert ollama.calls("/api/generate")[0].body["raw"] is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("one\u0085two\u2028three\u2029four", id="line ends of Unicode"),
        pytest.param("a\x0bb\x0cc\x1dd", id="line ends of ASCII"),
        pytest.param("天空 🚀 e\u0301", id="beyond ASCII"),
        pytest.param("line\n\n\r\nline", id="newlines"),
    ],
)
def test_an_answer_keeps_every_character(client: Client, ollama: FakeOllama, text: str) -> None:
    ollama.script("tiny", [Text(text)])

    assert text_of(list(client.chat(chat()))) == text


def test_a_line_of_a_megabyte_comes_whole(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [HugeLine(1_000_000)])

    assert len(text_of(list(client.chat(chat())))) == 1_000_000


def test_pieces_that_come_together_are_merged(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Pace(200), *[Text("word ")] * 60])

    chunks = list(client.chat(chat(), pace=0.2))

    assert text_of(chunks) == "word " * 60
    assert len(chunks) < 40
    assert sum(chunk.pieces for chunk in chunks) == 61


def test_ticks_come_while_a_model_loads(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Wait(1.0), Text("late")])
    ticks: list[float] = []

    list(client.chat(chat(), tick=ticks.append))

    assert len(ticks) > 2
    assert ticks == sorted(ticks)


# ---------------------------------------------------------------- answers that are left


def test_a_stream_that_is_left_closes_the_socket(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Never()])
    answer = client.chat(chat())
    next(answer)

    answer.close()

    assert ollama.calls("/api/chat")[0].wait_for_hangup() < DEADLINE_SECONDS


def test_a_stream_that_is_left_in_a_loop_closes_the_socket(
    client: Client, ollama: FakeOllama
) -> None:
    ollama.script("tiny", [Never()])

    for _ in client.chat(chat()):
        break

    ollama.calls("/api/chat")[0].wait_for_hangup()


def test_a_stop_before_the_first_byte_closes_the_socket(client: Client, ollama: FakeOllama) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    ollama.script("tiny", [Wait()])

    with pytest.raises(KeyboardInterrupt):
        next(client.chat(chat(), tick=interrupt))

    ollama.calls("/api/chat")[0].wait_for_hangup()


def test_a_stop_in_mid_answer_closes_the_socket(client: Client, ollama: FakeOllama) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    ollama.script("tiny", [Text("half"), Wait()])
    answer = client.chat(chat(), tick=interrupt)
    first = next(answer)

    with pytest.raises(KeyboardInterrupt):
        next(answer)

    assert first.content == "half"
    ollama.calls("/api/chat")[0].wait_for_hangup()


def test_a_pull_that_is_left_closes_the_socket(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [Send({"status": "pulling manifest"}), Wait()])
    progress = client.pull("qwen3:0.6b")
    next(progress)

    progress.close()

    ollama.calls("/api/pull")[0].wait_for_hangup()


def test_a_stream_that_was_never_begun_asks_nothing(client: Client, ollama: FakeOllama) -> None:
    client.chat(chat()).close()

    assert ollama.requests == []


def test_after_a_stop_the_client_goes_on(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Never()], once=True)
    ollama.say("fine")
    answer = client.chat(chat())
    next(answer)
    answer.close()

    assert text_of(list(client.chat(chat()))) == "fine"


# ---------------------------------------------------------------- answers that break


@pytest.mark.parametrize("break_", [Cut(), Reset()], ids=["cut", "reset"])
def test_a_break_in_mid_answer_keeps_what_came(
    client: Client, ollama: FakeOllama, break_: Any
) -> None:
    ollama.script("tiny", [Text("half"), Wait(0.2), break_])

    text, exc = failure(client)

    assert text == "half"
    assert isinstance(exc, StreamBroken)
    assert str(exc) == (
        f"The connection to {ollama.url} broke in mid-answer. "
        "What came is kept. Run the cell again."
    )


def test_a_server_that_is_stopped_in_mid_answer_keeps_what_came(
    client: Client, ollama: FakeOllama
) -> None:
    ollama.script("tiny", [Text("half"), Wait()])
    answer = client.chat(chat())
    first = next(answer)

    ollama.stop()

    with pytest.raises(StreamBroken):
        next(answer)
    assert first.content == "half"


def test_an_answer_without_its_last_line_says_so(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Text("again again"), EndWithoutDone()])

    text, exc = failure(client)

    assert text == "again again"
    assert isinstance(exc, StreamBroken)
    assert "without its last line" in exc.message


def test_an_error_line_in_mid_answer_keeps_what_came(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Text("half"), ErrorLine("an error was encountered: unexpected EOF")])

    text, exc = failure(client)

    assert text == "half"
    assert isinstance(exc, StreamBroken)
    assert exc.hint == "Run the cell again: the server loads the model anew."


def test_garbage_in_mid_answer_keeps_what_came(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Text("half"), Garbage()])

    text, exc = failure(client)

    assert text == "half"
    assert isinstance(exc, StreamBroken)
    assert "is not Ollama's answer" in exc.message


def test_silence_in_mid_answer_is_given_up(ollama: FakeOllama) -> None:
    ollama.script("tiny", [Text("half"), Wait()])

    with Client(Host(ollama.url, "a test"), Patience(idle_seconds=0.3)) as client:
        text, exc = failure(client)

    assert text == "half"
    assert isinstance(exc, TimedOut)
    ollama.calls("/api/chat")[0].wait_for_hangup()


def test_silence_before_the_first_byte_is_given_up(ollama: FakeOllama) -> None:
    ollama.script("tiny", [Wait()])

    with Client(Host(ollama.url, "a test"), Patience(first_byte_seconds=0.3)) as client:
        _, exc = failure(client)

    assert isinstance(exc, TimedOut)
    ollama.calls("/api/chat")[0].wait_for_hangup()


# ---------------------------------------------------------------- refusals


def test_a_missing_model_is_refused_before_an_answer(client: Client) -> None:
    _, exc = failure(client, chat("tinny"))

    assert isinstance(exc, ModelNotFound)


def test_a_full_queue_is_said(client: Client, ollama: FakeOllama) -> None:
    words = "server busy, please try again.  maximum pending requests exceeded"
    ollama.script("/api/chat", [Status(503, {"error": words})])

    _, exc = failure(client)

    assert isinstance(exc, Busy)


def test_a_prompt_that_is_too_long_is_said_in_tokens(client: Client) -> None:
    _, exc = failure(
        client,
        wire.chat(
            "tiny",
            [{"role": "user", "content": "x" * 9000}],
            truncate=False,
            options={"num_ctx": 512},
        ),
    )

    assert isinstance(exc, PromptTooLong)
    assert "context window of 512 tokens" in exc.message


def test_an_empty_403_is_about_the_name_of_the_host(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Status(403)])

    _, exc = failure(client)

    assert isinstance(exc, Forbidden)
    assert "without a word (403)" in exc.message


def test_a_host_that_wants_a_key_says_so(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/chat", [Status(401, "<html>", "text/html")])

    _, exc = failure(client)

    assert isinstance(exc, Unauthorized)
    assert exc.message == f"{ollama.url} wants a key."


def test_a_proxy_that_reaches_no_ollama_says_so(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/tags", [Status(502, "<html>Bad Gateway</html>", "text/html")])

    with pytest.raises(Unreachable) as caught:
        client.list()

    assert caught.value.message == f"A proxy at {ollama.url} answered 502 instead of Ollama."


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (Status(200, "<html>Hello</html>", "text/html; charset=utf-8"), "text/html"),
        (Status(200, b"[1, 2]"), "application/json"),
        (Status(500, "<html>", "text/html"), "500, text/html"),
    ],
)
def test_what_is_not_ollama_is_named(
    client: Client, ollama: FakeOllama, reply: Status, what: str
) -> None:
    ollama.script("/api/tags", [reply])

    with pytest.raises(Refused) as caught:
        client.list()

    assert caught.value.message == f"{ollama.url} answers, but not as Ollama does ({what})."


# ---------------------------------------------------------------- memory


def test_a_model_is_loaded_with_its_options(client: Client, ollama: FakeOllama) -> None:
    client.load("tiny", options={"num_ctx": 2048}, keep_alive="1h")

    assert client.ps()["tiny:latest"].context_tokens == 2048
    assert ollama.calls("/api/chat")[0].body["keep_alive"] == "1h"


def test_a_model_is_unloaded(client: Client, ollama: FakeOllama) -> None:
    ollama.model("tiny").load()

    client.unload("tiny")

    assert client.ps() == {}


# ---------------------------------------------------------------- embeddings


def test_texts_become_vectors_in_their_order(client: Client) -> None:
    first, second = client.embed("tiny-embed", ["one", "two"])

    assert len(first) == 64
    assert client.embed("tiny-embed", ["two"]) == [second]


def test_vectors_may_be_shorter(client: Client) -> None:
    assert len(client.embed("tiny-embed", ["one"], dimensions=8)[0]) == 8


def test_an_empty_text_is_refused_before_it_is_sent(client: Client, ollama: FakeOllama) -> None:
    with pytest.raises(BadUsage) as caught:
        client.embed("tiny-embed", ["one", "", "three", ""])

    assert str(caught.value) == (
        "The text at position 1, 3 is empty. "
        "Leave empty texts out: one of them fails the whole list."
    )
    assert ollama.requests == []


def test_a_chat_model_makes_no_embeddings(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.embed("tiny", ["one"])

    assert caught.value.message == "Model 'tiny' makes no embeddings."


# ---------------------------------------------------------------- managing models


def test_a_pull_reports_its_progress_to_the_end(client: Client, ollama: FakeOllama) -> None:
    steps = list(client.pull("qwen3:0.6b"))

    assert steps[-1].is_success
    assert max(step.total_bytes for step in steps) > 0
    assert "qwen3:0.6b" in ollama.models


def test_a_pull_of_a_model_that_does_not_exist_is_named(client: Client) -> None:
    with pytest.raises(ModelNotFound) as caught:
        list(client.pull("nonsense"))

    assert caught.value.message == "The registry knows no model 'nonsense'."


def test_a_pull_that_ends_without_success_says_so(client: Client, ollama: FakeOllama) -> None:
    ollama.script("/api/pull", [Send({"status": "pulling manifest"})])

    with pytest.raises(StreamBroken) as caught:
        list(client.pull("qwen3:0.6b"))

    assert str(caught.value) == (
        f"The connection to {ollama.url} ended before the work was done. "
        "Run it again: it goes on where it was."
    )


def test_a_model_is_made_from_another(client: Client, ollama: FakeOllama) -> None:
    steps = list(client.create("mine", from_model="tiny", system="Be brief."))

    assert steps[-1].is_success
    assert ollama.model("mine").system == "Be brief."


def test_a_model_is_copied(client: Client, ollama: FakeOllama) -> None:
    client.copy("tiny", "mine")

    assert "mine:latest" in ollama.models


def test_a_copy_of_nothing_is_named(client: Client) -> None:
    with pytest.raises(ModelNotFound, match="'tinny'"):
        client.copy("tinny", "mine")


def test_a_model_is_taken_out_of_memory_before_it_is_deleted(
    client: Client, ollama: FakeOllama
) -> None:
    client.delete("tiny")

    assert "tiny:latest" not in ollama.models
    assert [record.path for record in ollama.requests] == ["/api/chat", "/api/delete"]


def test_a_file_is_uploaded_once(client: Client, ollama: FakeOllama, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(range(256)) * 9000)
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"

    assert not client.has_blob(digest)
    assert client.create_blob(path) == digest
    assert client.create_blob(path) == digest

    assert client.has_blob(digest)
    assert ollama.blobs[digest] == path.read_bytes()
    assert [record.method for record in ollama.requests].count("POST") == 1


# ---------------------------------------------------------------- older servers


def test_a_server_before_capabilities_lists_its_models() -> None:
    with FakeOllama(version="0.5.0") as old, Client(Host(old.url, "a test")) as client:
        old.add(FakeModel("plain", None, None, families=None))

        listed = {model.name: model for model in client.list()}
        shown = client.show("plain")

    assert listed["plain:latest"].capabilities is None
    assert shown.capabilities is None
    assert shown.context_length is None
    assert shown.can_chat


def test_a_server_before_context_lengths_says_what_is_loaded() -> None:
    with FakeOllama(version="0.9.0") as old, Client(Host(old.url, "a test")) as client:
        old.model("tiny").load()

        assert client.ps()["tiny:latest"].context_tokens is None


def test_a_server_that_words_a_missing_model_otherwise_is_understood() -> None:
    with FakeOllama(version="0.11.0") as old, Client(Host(old.url, "a test")) as client:
        _, exc = failure(client, chat("tinny"))

    assert isinstance(exc, ModelNotFound)


def test_a_last_line_without_numbers_and_reason_is_an_end(
    client: Client, ollama: FakeOllama
) -> None:
    gone = dict.fromkeys(["done_reason", "total_duration", "load_duration", "eval_count"])
    ollama.script("tiny", [Text("short"), Done(fields=gone)])

    chunks = list(client.chat(chat()))

    assert chunks[-1].done
    assert chunks[-1].done_reason == ""
    assert chunks[-1].stats is not None
    assert chunks[-1].stats.answer_tokens == 0


# ---------------------------------------------------------------- several at once


def test_one_client_answers_several_threads(client: Client, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Pace(100), Thinking("h"), *[Text("word ")] * 10])
    texts: list[str] = []

    threads = [
        threading.Thread(target=lambda: texts.append(text_of(list(client.chat(chat())))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)

    assert texts == ["word " * 10] * 4
