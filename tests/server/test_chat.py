"""A prompt from the sidebar: what is sent to the model, what comes back, what is kept."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest
from fake_ollama import Done, ErrorLine, FakeModel, FakeOllama, Text, Thinking

if TYPE_CHECKING:
    from live_server import Server

    Lines = list[dict[str, Any]]


def text(lines: Lines) -> str:
    return "".join(line.get("text", "") for line in lines if line["type"] == "delta")


def kinds(lines: Lines) -> list[str]:
    return [line["type"] for line in lines if line["type"] != "phase"]


def sent(ollama: FakeOllama) -> dict[str, Any]:
    return ollama.calls("/api/chat")[-1].body


def said(ollama: FakeOllama) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in sent(ollama)["messages"]]


def png(color: str = "red") -> str:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (2000, 10), color).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def begun(server: Server, prompt: str = "Why is the sky blue?", **more: Any) -> tuple[str, int]:
    """Begin a chat; gives its id and the id of the answer."""
    lines = server.chat(prompt, **more)
    return lines[0]["conversation"]["id"], lines[-1]["message"]["id"]


# ---------------------------------------------------------------- one answer


def test_an_answer_comes_in_lines_from_start_to_done(server: Server, ollama: FakeOllama) -> None:
    ollama.say("Hello big world")

    lines = server.chat()

    assert kinds(lines)[0] == "start"
    assert set(kinds(lines)[1:-1]) == {"delta"}
    assert kinds(lines)[-1] == "done"
    assert text(lines) == "Hello big world"


def test_the_start_says_what_answers_and_why(server: Server, ollama: FakeOllama) -> None:
    start = server.chat("Hello")[0]

    assert start["model"] == "tiny:latest"
    assert start["why"] == "the newest here"
    assert start["context_tokens"] == 8192
    assert start["user_message"]["text"] == "Hello"
    assert start["message"]["state"] == "streaming"
    assert start["message"]["parent_id"] == start["user_message"]["id"]


def test_the_last_line_has_the_numbers(server: Server, ollama: FakeOllama) -> None:
    message = server.chat()[-1]["message"]

    assert message["state"] == "done"
    assert message["model"] == "tiny:latest"
    assert message["stats"]["answer_tokens"] > 0
    assert message["stats"]["prompt_tokens"] > 0
    assert message["first_token_seconds"] > 0
    assert message["context_tokens"] == 8192


def test_thinking_is_told_apart_and_timed(server: Server, ollama: FakeOllama) -> None:
    ollama.say("Blue.", thinking="They ask about the sky.", rate=50)

    lines = server.chat(model="tiny-think")

    assert text(lines) == "Blue."
    assert "".join(line.get("thinking", "") for line in lines) == "They ask about the sky."
    assert lines[-1]["message"]["thinking"] == "They ask about the sky."
    assert lines[-1]["message"]["thought_seconds"] > 0


def test_thinking_can_be_switched_off(server: Server, ollama: FakeOllama) -> None:
    server.chat(model="tiny-think", think=False)

    assert sent(ollama)["think"] is False


def test_an_answer_that_was_cut_says_so(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("on"), Text(" and"), Done("length")])

    message = server.chat()[-1]["message"]

    assert any("Cut off" in note for note in message["notes"])


def test_model_system_and_options_are_sent(server: Server, ollama: FakeOllama) -> None:
    server.chat(model="tiny-think", system="Be brief.", options={"temperature": 0.2, "seed": 7})

    assert sent(ollama)["model"] == "tiny-think:latest"
    assert said(ollama)[0] == ("system", "Be brief.")
    assert sent(ollama)["options"] == {"temperature": 0.2, "seed": 7, "num_ctx": 8192}


def test_attachments_stand_before_the_prompt(server: Server, ollama: FakeOllama) -> None:
    attached = [{"kind": "cell", "name": "cell.py", "text": "x = 1"}]

    start = server.chat("What is x?", attachments=attached)[0]

    assert said(ollama) == [("user", "File `cell.py`:\n\n```py\nx = 1\n```\n\nWhat is x?")]
    assert start["user_message"]["text"] == "What is x?"
    assert start["user_message"]["attachments"] == attached


def test_images_are_scaled_and_sent(server: Server, ollama: FakeOllama) -> None:
    start = server.chat("What is it?", model="tiny-see", images=[png()])[0]

    image = sent(ollama)["messages"][0]["images"][0]
    assert PIL.Image.open(io.BytesIO(base64.b64decode(image))).size[0] == 1024
    assert start["user_message"]["attachments"][0]["image"] == image


def test_thirty_images_are_sent(server: Server, ollama: FakeOllama) -> None:
    server.chat("Which?", model="tiny-see", images=[png()] * 30)

    assert len(sent(ollama)["messages"][0]["images"]) == 30


def test_nothing_of_the_browsers_request_is_passed_on(server: Server, ollama: FakeOllama) -> None:
    own = {"Origin": server.url.rstrip("/"), "Referer": server.url, "Cookie": "secret=1"}

    with server.stream(
        "chat", {"parent_id": None, "text": "Hi"}, {**server.headers, **own}
    ) as stream:
        stream.rest()

    for record in ollama.requests:
        assert not {"origin", "referer", "cookie", "authorization"} & set(record.headers)
        assert record.headers["host"] == ollama.url.removeprefix("http://")


def test_a_request_cannot_name_a_host(server: Server, ollama: FakeOllama) -> None:
    with FakeOllama() as other:
        server.chat(host=other.url, options={})

        assert other.requests == []
    assert "host" not in sent(ollama)


def test_a_stream_is_not_compressed_and_not_buffered(server: Server, ollama: FakeOllama) -> None:
    with server.stream(
        "chat",
        {"parent_id": None, "text": "Hi"},
        {**server.headers, "Accept-Encoding": "gzip"},
    ) as stream:
        stream.rest()

    assert stream.headers["Content-Type"] == "application/x-ndjson"
    assert "Content-Encoding" not in stream.headers
    assert stream.headers["X-Accel-Buffering"] == "no"


def test_unusual_characters_come_through(server: Server, ollama: FakeOllama) -> None:
    ollama.script("*", [Text("a\u0085b\u2028c"), Text("\ud800"), Text("天空")])

    lines = server.chat()

    assert text(lines) == "a\u0085b\u2028c\ud800天空"
    assert lines[-1]["type"] == "done"


# ---------------------------------------------------------------- conversations


def test_a_chat_is_kept_with_its_answer(server: Server, ollama: FakeOllama) -> None:
    ollama.say("Because of Rayleigh.")

    chat_id, answer_id = begun(server)

    kept = server.get(f"conversations/{chat_id}")
    assert kept["title"] == "Why is the sky blue?"
    assert [(m["role"], m["text"]) for m in kept["messages"]] == [
        ("user", "Why is the sky blue?"),
        ("assistant", "Because of Rayleigh."),
    ]
    assert kept["leaf_id"] == answer_id
    assert kept["messages"][1]["stats"]["answer_tokens"] > 0


def test_the_next_prompt_brings_what_was_said(server: Server, ollama: FakeOllama) -> None:
    ollama.say("One.")
    chat_id, answer_id = begun(server, "First", attachments=[{"name": "a.txt", "text": "file"}])

    server.chat("Second", conversation_id=chat_id, parent_id=answer_id)

    assert said(ollama) == [
        ("user", "File `a.txt`:\n\n```txt\nfile\n```\n\nFirst"),
        ("assistant", "One."),
        ("user", "Second"),
    ]


def test_images_of_earlier_prompts_are_sent_again(server: Server, ollama: FakeOllama) -> None:
    chat_id, answer_id = begun(server, "Look", model="tiny-see", images=[png()])

    server.chat("Again", conversation_id=chat_id, parent_id=answer_id, model="tiny-see")

    assert len(sent(ollama)["messages"][0]["images"]) == 1


def test_a_chat_keeps_what_it_asks_for(server: Server, ollama: FakeOllama) -> None:
    chat_id, answer_id = begun(
        server, model="tiny-think", system="Be brief.", options={"temperature": 0.5}
    )

    server.chat("More", conversation_id=chat_id, parent_id=answer_id)

    assert sent(ollama)["model"] == "tiny-think:latest"
    assert said(ollama)[0] == ("system", "Be brief.")
    assert sent(ollama)["options"]["temperature"] == 0.5


def test_a_prompt_that_is_edited_is_a_branch(server: Server, ollama: FakeOllama) -> None:
    chat_id, answer_id = begun(server, "First")
    second = server.chat("Second", conversation_id=chat_id, parent_id=answer_id)[0]

    edited = server.chat("Other", conversation_id=chat_id, parent_id=answer_id)[0]

    ids = [second["user_message"]["id"], edited["user_message"]["id"]]
    assert edited["user_message"]["siblings"] == ids
    assert ("user", "Second") not in said(ollama)


def test_a_first_prompt_that_is_edited_is_a_branch(server: Server, ollama: FakeOllama) -> None:
    chat_id, _ = begun(server, "First")

    edited = server.chat("Other first", conversation_id=chat_id, parent_id=None)[0]

    assert len(edited["user_message"]["siblings"]) == 2
    assert said(ollama) == [("user", "Other first")]


def test_an_answer_made_anew_is_a_branch(server: Server, ollama: FakeOllama) -> None:
    chat_id, answer_id = begun(server, "First")
    prompt_id = server.get(f"conversations/{chat_id}")["messages"][0]["id"]

    lines = server.chat("", conversation_id=chat_id, parent_id=prompt_id, regenerate=True)

    assert lines[0]["user_message"] is None
    assert lines[0]["message"]["siblings"] == [answer_id, lines[0]["message"]["id"]]
    assert said(ollama) == [("user", "First")]


def test_an_answer_cannot_be_answered_once_more(server: Server, ollama: FakeOllama) -> None:
    chat_id, answer_id = begun(server)

    status, error = server.refusal(
        "POST", "chat", {"conversation_id": chat_id, "parent_id": answer_id, "regenerate": True}
    )

    assert status == 400
    assert "Only a message of yours" in error["message"]


def test_what_does_not_fit_the_window_is_left_out_and_said(
    server: Server, ollama: FakeOllama
) -> None:
    small = {"num_ctx": 256}
    chat_id, answer_id = begun(server, "long " * 300)

    lines = server.chat("Next", conversation_id=chat_id, parent_id=answer_id, options=small)

    assert lines[0]["notes"] == ["2 earlier messages were left out to fit the window of 256 tokens"]
    assert said(ollama) == [("user", "Next")]


def test_what_the_server_counted_is_used_to_fit_the_window(
    server: Server, ollama: FakeOllama
) -> None:
    counts = {"prompt_eval_count": 7000, "eval_count": 10}
    ollama.script("*", [Text("Short."), Done("stop", counts)])
    chat_id, answer_id = begun(server, "short, but many tokens to this model")

    lines = server.chat("Next", conversation_id=chat_id, parent_id=answer_id)

    assert "2 earlier messages were left out" in lines[0]["notes"][0]


def test_a_private_chat_is_kept_nowhere(server: Server, ollama: FakeOllama) -> None:
    before = server.get("conversations")["total"], server.get("changes")["version"]
    ollama.say("Secret answer")

    lines = server.chat("Secret prompt", private={"messages": []})

    assert text(lines) == "Secret answer"
    assert lines[0]["conversation"] == {"id": "", "title": ""}
    assert (server.get("conversations")["total"], server.get("changes")["version"]) == before
    assert b"Secret prompt" not in b"".join(
        path.read_bytes() for path in (server.home / "data" / "ollama_lab").iterdir()
    )


def test_a_private_chat_brings_its_messages(server: Server, ollama: FakeOllama) -> None:
    image = {"kind": "image", "name": "i.png", "image": png()}
    messages = [
        {"id": "a", "role": "user", "text": "First", "attachments": [image]},
        {"id": "b", "role": "assistant", "text": "One."},
        {"id": "c", "role": "user", "text": "On another branch"},
    ]

    server.chat("Next", private={"messages": messages}, parent_id="b", model="tiny-see")

    assert said(ollama) == [("user", "First"), ("assistant", "One."), ("user", "Next")]
    assert len(sent(ollama)["messages"][0]["images"]) == 1


def test_two_tabs_in_one_chat_make_branches(server: Server, ollama: FakeOllama) -> None:
    ollama.say("slow answer of some words", rate=20)
    chat_id, answer_id = begun(server)
    ask = {"conversation_id": chat_id, "parent_id": answer_id}

    with (
        server.stream("chat", {**ask, "text": "From the one"}) as one,
        server.stream("chat", {**ask, "text": "From the other"}) as other,
    ):
        ends = one.rest()[-1], other.rest()[-1]

    assert [end["type"] for end in ends] == ["done", "done"]
    messages = server.get(f"conversations/{chat_id}")["messages"]
    assert len(messages) == 4
    assert len(messages[2]["siblings"]) == 2


# ---------------------------------------------------------------- refusals before the first line


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"text": " "}, 400, "The message is empty.", id="empty"),
        pytest.param({"text": 1}, 400, "has a field 'text' that is no text.", id="no text"),
        pytest.param(
            {"text": "x", "model": "tiyn"}, 404, "Model 'tiyn' is not on this server.", id="unknown"
        ),
        pytest.param(
            {"text": "x", "model": "tiny-embed"}, 400, "makes embeddings and cannot", id="no chat"
        ),
        pytest.param(
            {"text": "x", "think": "high", "model": "tiny"}, 400, "cannot think", id="no thinking"
        ),
        pytest.param(
            {"text": "x", "options": {"temprature": 1}},
            400,
            "Ollama has no option 'temprature'.",
            id="unknown option",
        ),
        pytest.param(
            {"text": "x", "options": {"top_p": 2}}, 400, "top_p is 2; it goes", id="range"
        ),
        pytest.param({"text": "x", "images": ["?"]}, 400, "is not base64.", id="no base64"),
        pytest.param({"text": "x", "images": ["eHh4eA=="]}, 400, "image", id="no image"),
        pytest.param(
            {"text": "x", "conversation_id": "nope"}, 404, "There is no chat 'nope'.", id="no chat"
        ),
        pytest.param({"text": "x", "parent_id": "1"}, 400, "'parent_id'", id="wrong parent"),
        pytest.param({"text": "x" * 5_000_000}, 413, "5,000,000 characters", id="5 MB"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_status(
    server: Server, ollama: FakeOllama, body: dict[str, Any], status: int, words: str
) -> None:
    found, error = server.refusal("POST", "chat", {"parent_id": None, **body})

    assert found == status
    assert words in error["message"]
    assert ollama.calls("/api/chat") == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"x"'])
def test_a_body_that_is_no_object_is_refused(server: Server, body: bytes) -> None:
    reply = server.call("POST", "chat", body)

    assert reply.status == 400
    assert reply.json["kind"] == "BadUsage"


def test_a_refused_prompt_is_not_kept(server: Server, ollama: FakeOllama) -> None:
    before = server.get("conversations")["total"]

    server.refusal("POST", "chat", {"parent_id": None, "text": "x", "model": "nope"})

    assert server.get("conversations")["total"] == before


def test_a_model_that_runs_elsewhere_is_refused(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("far:cloud", remote_host="https://ollama.com"))

    status, error = server.refusal(
        "POST", "chat", {"parent_id": None, "text": "x", "model": "far:cloud"}
    )

    assert status == 403
    assert "your prompt would leave this machine" in error["message"]


# ---------------------------------------------------------------- failures after the first line


def test_a_failure_is_the_last_line_and_what_came_is_kept(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Text("half"), ErrorLine("out of memory")])

    lines = server.chat()

    assert kinds(lines)[-1] == "error"
    assert "out of memory" in lines[-1]["error"]["message"]
    assert lines[-1]["message"]["text"] == "half"
    assert lines[-1]["message"]["state"] == "broken"
    kept = server.get(f"conversations/{lines[0]['conversation']['id']}")["messages"][-1]
    assert (kept["text"], kept["state"]) == ("half", "broken")
    assert kept["error"] == lines[-1]["error"]


def test_a_model_deleted_meanwhile_is_named(server: Server, ollama: FakeOllama) -> None:
    ollama.add(FakeModel("brief"))
    chat_id, answer_id = begun(server, model="brief")
    del ollama.models["brief:latest"]

    reply = server.call(
        "POST",
        "chat",
        {"conversation_id": chat_id, "parent_id": answer_id, "text": "x", "model": "brief"},
    )

    assert b"Model 'brief" in reply.body
    assert b"is not on this server." in reply.body


def test_a_stopped_answer_does_not_go_into_the_next_prompt_when_it_is_empty(
    server: Server, ollama: FakeOllama
) -> None:
    ollama.script("*", [Thinking("hm"), ErrorLine("no")], once=True)
    lines = server.chat("First", model="tiny-think")
    ids = lines[0]["conversation"]["id"], lines[0]["message"]["id"]

    server.chat("Second", conversation_id=ids[0], parent_id=ids[1])

    assert said(ollama) == [("user", "First"), ("user", "Second")]
