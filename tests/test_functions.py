"""The Python side: what ``import ollama_lab as ol`` gives."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_ollama import Cut, FakeModel, FakeOllama, Text, Wait

import ollama_lab as ol
from ollama_lab import sharing
from ollama_lab.errors import BadUsage, ModelNotFound, Stopped, StreamBroken, Unreachable
from ollama_lab.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from live_shell import Shell


@pytest.fixture(autouse=True)
def _served(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    yield
    sharing.release()


def sent(ollama: FakeOllama, number: int = -1) -> dict[str, Any]:
    return ollama.calls("/api/chat")[number].body


def said(ollama: FakeOllama, number: int = -1) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in sent(ollama, number)["messages"]]


# ---------------------------------------------------------------- ask and stream


def test_ask_gives_the_whole_answer(ollama: FakeOllama) -> None:
    ollama.model("tiny").capabilities = ["completion", "thinking"]
    ollama.say("Because of Rayleigh.", thinking="Light.")

    answer = ol.ask("Why is the sky blue?")

    assert (str(answer), answer.thinking, answer.done_reason) == (
        "Because of Rayleigh.",
        "Light.",
        "stop",
    )
    assert said(ollama) == [("user", "Why is the sky blue?")]


def test_what_is_given_by_name_is_sent(ollama: FakeOllama) -> None:
    ol.ask("Hi", model="tiny", system="Be brief.", temperature=0, stop="##", keep_alive="10m")

    body = sent(ollama)
    assert body["model"] == "tiny:latest"
    assert body["options"]["temperature"] == 0
    assert body["options"]["stop"] == ["##"]
    assert body["keep_alive"] == "10m"
    assert said(ollama)[0] == ("system", "Be brief.")


def test_braces_in_a_prompt_stay_as_they_are(ollama: FakeOllama) -> None:
    ol.ask('Explain {"a": {x}}')

    assert said(ollama) == [("user", 'Explain {"a": {x}}')]


def test_files_and_images_go_along(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.model("tiny").capabilities = ["completion", "vision"]
    (tmp_path / "a.csv").write_text("x,y\n")

    ol.ask("Sum x.", model="tiny", files=[tmp_path / "a.csv"], images=np.zeros((2, 2, 3)))

    message = sent(ollama)["messages"][0]
    assert message["content"] == "File `a.csv`:\n\n```csv\nx,y\n```\n\nSum x."
    assert len(message["images"]) == 1


def test_a_stream_gives_pieces_and_keeps_the_answer(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait(0.2), Text("two")])

    with ol.stream("Count.") as coming:
        first = next(coming)
        so_far = coming.answer
        rest = list(coming)

    assert (first, so_far.text, so_far.done_reason) == ("one ", "one ", "")
    assert "".join(rest) == "two"
    assert coming.answer.text == "one two"
    assert coming.answer.is_complete


def test_leaving_a_stream_stops_the_model_and_keeps_what_came(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait()])

    with ol.stream("Count.") as coming:
        next(coming)

    ollama.calls("/api/chat")[0].wait_for_hangup()
    assert (coming.answer.text, coming.answer.done_reason) == ("one ", "stopped")


def test_a_stream_that_breaks_keeps_what_came(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait(0.2), Cut()])
    coming = ol.stream("Count.")

    with pytest.raises(StreamBroken):
        list(coming)

    assert (coming.answer.text, coming.answer.done_reason) == ("one ", "broken")


def test_an_interrupt_stops_the_model_and_keeps_what_came(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait()])
    coming = ol.stream("Count.")
    next(coming)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()

    with pytest.raises(Stopped):
        next(coming)

    timer.join()
    ollama.calls("/api/chat")[0].wait_for_hangup()
    assert (coming.answer.text, coming.answer.done_reason) == ("one ", "stopped")


def test_nothing_is_sent_before_a_stream_is_read(ollama: FakeOllama) -> None:
    ol.stream("Count.").close()

    assert ollama.requests == []


# ---------------------------------------------------------------- what is not accepted


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param(
            {"temprature": 1}, "There is no temprature= to give. Did you mean temp", id="x"
        ),
        pytest.param({"mirostat": 1}, "Ollama has ignored the option 'mirostat'", id="gone"),
        pytest.param({"top_p": 1.5}, "top_p is 1.5; it goes from 0 to 1.", id="range"),
        pytest.param({"top_p": "high"}, "top_p is 'high'; it takes a number.", id="kind"),
        pytest.param({"think": "hard"}, "think is 'hard'; it is True, False, 'low'", id="think"),
        pytest.param(
            {"format": "xml"},
            "The form of the answer is 'xml'. It is \"json\", a dict",
            id="format",
        ),
        pytest.param({"format": {}}, "The form of the answer is a dict. It is", id="empty"),
        pytest.param({"model": 3}, "model is a int; it is text.", id="model"),
        pytest.param({"files": "nowhere.txt"}, "There is no file", id="file"),
        pytest.param({"images": b"GIF"}, "'image' is not an image", id="image"),
    ],
)
def test_what_cannot_be_given_is_said(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadUsage) as caught:
        ol.ask("Hi", **given)

    assert sentence in str(caught.value)


def test_a_prompt_is_text(ollama: FakeOllama) -> None:
    with pytest.raises(BadUsage, match="The prompt is a list; it is text"):
        ol.ask(["Hi"])  # type: ignore[arg-type]  # (what this test is about)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(BadUsage, match="The prompt is empty"):
        ol.ask(" ")


def test_a_model_that_is_not_there_is_named_with_those_near_it() -> None:
    with pytest.raises(ModelNotFound, match="Did you mean 'tiny:latest'"):
        ol.ask("Hi", model="tinny")


def test_a_server_that_is_down_is_asked_for_anew_next_time(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        ol.ask("Hi")
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)

    assert ol.ask("Hi").is_complete


# ---------------------------------------------------------------- one path with the magics


def test_the_choices_of_a_kernel_count(ollama: FakeOllama, ip: Shell) -> None:
    ollama.add(FakeModel("chosen"))
    ip.run("%load_ext ollama_lab")
    ip.run("%ollama use chosen")
    ip.run("%ollama set temperature=0.5")

    ip.run("import ollama_lab as ol; ol.ask('Hi')")

    assert sent(ollama)["model"] == "chosen:latest"
    assert sent(ollama)["options"]["temperature"] == 0.5
    ip.run("%unload_ext ollama_lab")


def test_what_python_sends_is_what_a_cell_sends(ollama: FakeOllama, ip: Shell) -> None:
    ip.run("%load_ext ollama_lab")
    ip.run("get_ipython().run_cell_magic('ollama', '-m tiny --seed 1 -s Brief', 'Hello?')")

    ip.run("import ollama_lab as ol; ol.ask('Hello?', model='tiny', seed=1, system='Brief')")

    assert sent(ollama, 0) == sent(ollama, 1)
    ip.run("%unload_ext ollama_lab")


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("name", ["ask", "stream", "aask", "astream", "chat"])
def test_every_option_is_in_the_signature_and_in_the_help(name: str) -> None:
    function = getattr(ol, name)

    assert {*OPTIONS, "model", "system", "think"} <= set(inspect.signature(function).parameters)
    assert "top_p : float" in function.__doc__
    assert "from 0 to 1" in function.__doc__


# ---------------------------------------------------------------- threads and event loops


def test_threads_ask_at_the_same_time(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one"), Wait(0.5)])

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: ol.ask(f"Count to {n}."), range(4)))

    assert [answer.text for answer in answers] == ["one"] * 4


async def _together(*asked: Any) -> list[Any]:
    return list(await asyncio.gather(*asked))


def test_an_event_loop_asks_at_the_same_time(ollama: FakeOllama) -> None:
    ollama.say("Hello.")

    answers = asyncio.run(_together(*(ol.aask(f"Say {n}.", model="tiny") for n in range(3))))

    assert [answer.text for answer in answers] == ["Hello."] * 3


def test_a_stream_on_an_event_loop_gives_pieces(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait(0.2), Text("two")])

    async def run() -> tuple[list[str], str]:
        async with ol.astream("Count.") as coming:
            return [piece async for piece in coming], coming.answer.text

    assert asyncio.run(run()) == (["one ", "two"], "one two")


def test_cancelling_a_task_stops_the_model(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("one "), Wait()])

    async def run() -> ol.Answer:
        coming = ol.astream("Count.")
        task = asyncio.ensure_future(anext(coming))
        await task
        waiting = asyncio.ensure_future(anext(coming))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return coming.answer

    answer = asyncio.run(run())

    ollama.calls("/api/chat")[0].wait_for_hangup()
    assert (answer.text, answer.done_reason) == ("one ", "stopped")


def test_an_event_loop_goes_on_while_a_model_thinks(ollama: FakeOllama) -> None:
    ollama.script("*", [Wait(0.5), Text("late")])

    async def run() -> int:
        turns = 0
        task = asyncio.ensure_future(ol.aask("Hi"))
        while not task.done():
            await asyncio.sleep(0.01)
            turns += 1
        await task
        return turns

    assert asyncio.run(run()) > 10


# ---------------------------------------------------------------- a conversation


def test_a_chat_sends_what_was_said_before(ollama: FakeOllama) -> None:
    ollama.say("Saturn.")
    talk = ol.chat(system="Be brief.", temperature=0)
    talk.ask("Name a planet.")

    talk.ask("And its largest moon?", temperature=1)

    assert said(ollama) == [
        ("system", "Be brief."),
        ("user", "Name a planet."),
        ("assistant", "Saturn."),
        ("user", "And its largest moon?"),
    ]
    assert [sent(ollama, n)["options"]["temperature"] for n in (0, 1)] == [0, 1]
    assert len(talk) == 4


def test_an_answer_that_broke_off_is_not_remembered(ollama: FakeOllama) -> None:
    ollama.script("*", [Text("Sat"), Cut()])
    talk = ol.chat()

    with pytest.raises(StreamBroken):
        talk.ask("Name a planet.")

    assert talk.messages == []


def test_a_chat_forgets(ollama: FakeOllama) -> None:
    talk = ol.chat()
    talk.ask("One.")

    talk.forget()

    assert repr(talk) == "<Chat of 0 messages>"


def test_a_chat_is_shown_unable_to_act(ollama: FakeOllama) -> None:
    ollama.say("<script>alert(1)</script>")
    talk = ol.chat()
    talk.ask("Hi")

    shown = talk._repr_mimebundle_()

    assert "<script" not in shown["text/markdown"]
    assert shown["text/plain"].startswith("user: Hi")


def test_a_chat_goes_on_from_an_event_loop(ollama: FakeOllama) -> None:
    talk = ol.chat()
    talk.ask("One.")

    asyncio.run(_together(talk.aask("Two.")))

    assert [text for role, text in said(ollama) if role == "user"] == ["One.", "Two."]


# ---------------------------------------------------------------- vectors


@pytest.fixture
def embedder(ollama: FakeOllama) -> FakeModel:
    return ollama.add(FakeModel("embedder", capabilities=["embedding"], embedding_length=8))


def test_texts_become_rows(embedder: FakeModel) -> None:
    vectors = ol.embed(["one", "two"], "embedder")

    assert vectors.shape == (2, 8)
    assert vectors.dtype == np.float32


def test_one_text_becomes_one_vector(embedder: FakeModel) -> None:
    assert ol.embed("one", "embedder").shape == (8,)


def test_many_texts_go_in_several_requests(ollama: FakeOllama, embedder: FakeModel) -> None:
    vectors = ol.embed([f"text {n}" for n in range(100)], "embedder")

    assert vectors.shape == (100, 8)
    assert [len(call.body["input"]) for call in ollama.calls("/api/embed")] == [64, 36]
    assert not any(call.body["truncate"] for call in ollama.calls("/api/embed"))


def test_no_text_gives_no_row(embedder: FakeModel) -> None:
    assert ol.embed([], "embedder").shape == (0, 0)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        pytest.param(["a", " "], "The text at position 1 is empty.", id="empty"),
        pytest.param(["a", None], "The text at position 1 is a NoneType.", id="none"),
    ],
)
def test_what_is_no_text_is_said(embedder: FakeModel, texts: list[str], sentence: str) -> None:
    with pytest.raises(BadUsage, match=sentence):
        ol.embed(texts, "embedder")


def test_texts_become_rows_on_an_event_loop(embedder: FakeModel) -> None:
    found = asyncio.run(_together(ol.aembed(["one", "two"], "embedder")))

    np.testing.assert_array_equal(found[0], ol.embed(["one", "two"], "embedder"))
