"""From a request to the exact call: which server, which model, which window, what is said."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import FakeModel, FakeOllama, Status, Text, Wait
from waiting import wait_until

from ollama_lab import prompts, settings
from ollama_lab.errors import (
    BadUsage,
    Forbidden,
    ModelNotFound,
    OllamaLabError,
    Refused,
    Unreachable,
)
from ollama_lab.plan import Request
from ollama_lab.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ollama_lab.plan import Plan

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def session(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    made = Session(settings.load())
    yield made
    made.close()


def prepared(session: Session, prompt: str = "Hello?", **given: Any) -> Plan:
    return session.prepare(Request(prompt=prompt, **given))


def failure(session: Session, prompt: str = "Hello?", **given: Any) -> OllamaLabError:
    with pytest.raises(OllamaLabError) as caught:
        prepared(session, prompt, **given)
    return caught.value


def body(plan: Plan) -> dict[str, Any]:
    return dict(plan.call.body or {})


def text_of(session: Session, plan: Plan) -> str:
    return "".join(chunk.content for chunk in session.stream(plan))


# ---------------------------------------------------------------- the window


def window(session: Session, **options: Any) -> int:
    plan = prepared(session, options=options)
    assert body(plan)["options"]["num_ctx"] == plan.context_tokens
    return plan.context_tokens


@pytest.fixture
def roomy(session: Session, ollama: FakeOllama) -> Session:
    """A session whose model was trained for a large window."""
    ollama.model("tiny").context_length = 131_072
    return session


def test_the_window_is_the_settings(roomy: Session) -> None:
    assert window(roomy) == 8192


def test_the_models_own_window_wins_over_the_settings(roomy: Session, ollama: FakeOllama) -> None:
    ollama.model("tiny").parameters = "num_ctx 4096"

    assert window(roomy) == 4096


def test_the_window_that_was_set_as_an_option_wins_over_the_models(
    roomy: Session, ollama: FakeOllama
) -> None:
    ollama.model("tiny").parameters = "num_ctx 4096"
    roomy.settings.options = {"num_ctx": 2048}

    assert window(roomy) == 2048


def test_the_window_of_a_flag_wins_over_everything(roomy: Session, ollama: FakeOllama) -> None:
    ollama.model("tiny").parameters = "num_ctx 4096"
    roomy.settings.options = {"num_ctx": 2048}

    assert window(roomy, num_ctx=16_384) == 16_384


def test_a_window_is_a_multiple_of_256(roomy: Session) -> None:
    assert window(roomy, num_ctx=1000) == 1024


def test_a_window_is_at_most_what_the_model_was_trained_for(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.model("tiny").context_length = 2000

    assert window(session, num_ctx=100_000) == 2000


def test_where_the_server_does_not_say_what_the_model_was_trained_for_the_window_stands(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.model("tiny").context_length = None

    assert window(session, num_ctx=100_000) == 100_096


# ---------------------------------------------------------------- seed and other options


def test_a_seed_is_drawn_sent_and_recorded(session: Session) -> None:
    first, second = prepared(session), prepared(session)

    assert body(first)["options"]["seed"] == first.provenance.seed
    assert first.provenance.seed is not None
    assert first.provenance.seed != second.provenance.seed


def test_a_seed_that_is_given_is_sent_and_recorded(session: Session) -> None:
    plan = prepared(session, options={"seed": 7})

    assert body(plan)["options"]["seed"] == 7
    assert plan.provenance.seed == 7
    assert "seed" not in plan.provenance.options


def test_a_models_own_seed_is_left_to_it(session: Session, ollama: FakeOllama) -> None:
    ollama.model("tiny").parameters = "seed 3"

    plan = prepared(session)

    assert "seed" not in body(plan)["options"]
    assert plan.provenance.seed is None


def test_the_options_of_a_request_win_over_the_settings(session: Session) -> None:
    session.settings.options = {"temperature": 0.2, "top_k": 5}

    sent = body(prepared(session, options={"temperature": 1.0}))["options"]

    assert (sent["temperature"], sent["top_k"]) == (1.0, 5)


def test_the_provenance_names_what_was_sent(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session, options={"temperature": 1.0})

    assert plan.provenance.model == "tiny:latest"
    assert plan.provenance.digest == ollama.model("tiny").digest
    assert plan.provenance.options == {"temperature": 1.0, "num_ctx": 8192}
    assert plan.provenance.server_version == ollama.version


@pytest.mark.parametrize(("given", "sent"), [("10m", "10m"), ("-1", -1.0), ("0", 0.0)])
def test_keep_alive_is_sent_as_ollama_takes_it(
    session: Session, given: str, sent: float | str
) -> None:
    assert body(prepared(session, keep_alive=given))["keep_alive"] == sent


def test_keep_alive_of_the_settings_is_sent(session: Session) -> None:
    session.settings.keep_alive = "1h"

    assert body(prepared(session))["keep_alive"] == "1h"


def test_without_keep_alive_the_server_decides(session: Session) -> None:
    assert "keep_alive" not in body(prepared(session))


def test_an_answer_in_json_is_asked_for(session: Session) -> None:
    plan = prepared(session, format={"type": "object"})

    assert body(plan)["format"] == {"type": "object"}
    assert plan.form is not None


# ---------------------------------------------------------------- messages


def messages(plan: Plan) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in body(plan)["messages"]]


def test_a_prompt_becomes_one_message(session: Session) -> None:
    assert messages(prepared(session)) == [("user", "Hello?")]


def test_the_system_prompt_of_the_settings_stands_first(session: Session) -> None:
    session.settings.system = "Be brief."

    assert messages(prepared(session)) == [("system", "Be brief."), ("user", "Hello?")]


def test_the_system_prompt_of_a_request_wins(session: Session) -> None:
    session.settings.system = "Be brief."

    assert messages(prepared(session, system="Be kind."))[0] == ("system", "Be kind.")


def test_an_empty_system_prompt_of_a_request_is_none(session: Session) -> None:
    session.settings.system = "Be brief."

    assert messages(prepared(session, system="")) == [("user", "Hello?")]


def turns(count: int, size: int = 4) -> list[prompts.Turn]:
    """Make earlier exchanges of a question and an answer each."""
    made = []
    for number in range(count):
        made.append(prompts.Turn(prompts.user(f"Question {number}"), size))
        made.append(prompts.Turn(prompts.assistant(f"Answer {number}"), size))
    return made


def test_earlier_turns_stand_before_the_prompt(session: Session) -> None:
    assert messages(prepared(session, history=turns(1))) == [
        ("user", "Question 0"),
        ("assistant", "Answer 0"),
        ("user", "Hello?"),
    ]


def test_history_that_fits_is_sent_without_a_note(session: Session) -> None:
    assert prepared(session, history=turns(3)).notes == ()


def test_history_that_does_not_fit_is_trimmed_oldest_first_with_a_note(session: Session) -> None:
    plan = prepared(session, history=turns(4, 100), options={"num_ctx": 512})

    assert messages(plan)[0] == ("user", "Question 3")
    assert plan.notes == ("6 earlier messages were left out to fit the window of 512 tokens",)
    assert len(plan.turns) == 3


def test_one_message_that_was_left_out_is_one(session: Session) -> None:
    history = [prompts.Turn(prompts.user("Question"), 500)]

    plan = prepared(session, history=history, options={"num_ctx": 512})

    assert plan.notes == ("1 earlier message was left out to fit the window of 512 tokens",)


def test_the_system_prompt_is_never_trimmed(session: Session) -> None:
    plan = prepared(session, system="Be brief.", history=turns(4, 100), options={"num_ctx": 512})

    assert messages(plan)[0] == ("system", "Be brief.")


def test_room_is_kept_for_as_long_an_answer_as_is_allowed(session: Session) -> None:
    history = turns(4, 50)

    short = prepared(session, history=history, options={"num_ctx": 512, "num_predict": 20})
    long = prepared(session, history=history, options={"num_ctx": 512, "num_predict": 400})

    assert short.notes == ()
    assert long.notes == ("4 earlier messages were left out to fit the window of 512 tokens",)


def test_a_raw_prompt_goes_out_as_it_is(session: Session) -> None:
    plan = prepared(session, "<s>Hello", raw=True)

    assert plan.call.path == "/api/generate"
    assert body(plan)["prompt"] == "<s>Hello"
    assert body(plan)["raw"] is True


@pytest.mark.parametrize(
    "given", [{"system": "Be brief."}, {"history": [prompts.Turn(prompts.user("a"))]}]
)
def test_a_raw_prompt_with_more_than_itself_is_refused(
    session: Session, given: dict[str, Any]
) -> None:
    exc = failure(session, raw=True, **given)

    assert str(exc) == (
        "--raw sends the prompt as it is, without a system prompt or a conversation. "
        "Leave out --raw, or -s and --history."
    )


def test_images_go_out_with_the_prompt(session: Session) -> None:
    plan = prepared(session, model="tiny-see", images=["aGk="])

    assert body(plan)["messages"][-1]["images"] == ["aGk="]


def test_an_image_alone_is_a_prompt(session: Session) -> None:
    assert prepared(session, "", model="tiny-see", images=["aGk="])


# ---------------------------------------------------------------- which model


def test_a_model_that_is_named_is_taken(session: Session) -> None:
    plan = prepared(session, model="Tiny-Think")

    assert body(plan)["model"] == "tiny-think:latest"
    assert plan.choice.why == ""


def test_the_model_of_the_settings_is_taken_and_named(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_LAB_MODEL", "tiny-see")
    session.settings.reset(settings.load())

    plan = prepared(session)

    assert (plan.choice.name, plan.choice.why) == ("tiny-see", "OLLAMA_LAB_MODEL")


def test_a_model_in_memory_is_the_default(session: Session, ollama: FakeOllama) -> None:
    ollama.model("tiny-think").load()

    plan = prepared(session)

    assert (plan.model.name, plan.choice.why) == ("tiny-think:latest", "in memory")


def test_the_newest_model_is_the_default(session: Session) -> None:
    assert prepared(session).choice.why == "the newest here"


def test_a_model_that_is_not_there_comes_with_near_ones(session: Session) -> None:
    exc = failure(session, model="tiny-thnk")

    assert isinstance(exc, ModelNotFound)
    assert "Did you mean 'tiny-think:latest'" in exc.hint


def test_a_model_that_was_pulled_since_is_found(session: Session, ollama: FakeOllama) -> None:
    prepared(session)

    ollama.add(FakeModel("fresh"))

    assert prepared(session, model="fresh").model.name == "fresh:latest"


def test_what_is_no_name_is_refused(session: Session) -> None:
    assert isinstance(failure(session, model="no name"), BadUsage)


def test_a_model_is_asked_about_once(session: Session, ollama: FakeOllama) -> None:
    prepared(session)
    prepared(session)

    assert len(ollama.calls("/api/show")) == 1


def test_a_model_that_changed_is_asked_about_anew(session: Session, ollama: FakeOllama) -> None:
    prepared(session)
    ollama.model("tiny").digest = "f" * 64
    session.forget_models()

    prepared(session)

    assert len(ollama.calls("/api/show")) == 2


def test_the_list_of_models_is_believed_for_a_few_seconds(
    session: Session, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    session.list_models()
    session.list_models()
    now += 6

    session.list_models()

    assert len(ollama.calls("/api/tags")) == 2


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "mine"])
def test_a_model_that_runs_elsewhere_is_refused(
    session: Session, ollama: FakeOllama, name: str
) -> None:
    ollama.add(FakeModel(name, remote_host="https://ollama.com:443"))

    exc = failure(session, model=name)

    assert isinstance(exc, Forbidden)
    assert "runs elsewhere (https://ollama.com:443)" in exc.message


def test_a_cloud_model_that_is_not_listed_is_refused_too(
    session: Session, ollama: FakeOllama
) -> None:
    assert isinstance(failure(session, model="kimi-k2:cloud"), Forbidden)
    assert ollama.calls("/api/show") == []


def test_a_model_whose_place_only_show_tells_is_refused(
    session: Session, ollama: FakeOllama
) -> None:
    shown = {"remote_host": "https://ollama.com:443", "capabilities": ["completion"]}
    ollama.script("/api/show", [Status(200, shown)])

    assert isinstance(failure(session), Forbidden)


def test_a_model_that_runs_elsewhere_is_used_where_that_is_allowed(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.add(FakeModel("mine", remote_host="https://ollama.com:443"))
    session.settings.allow_remote_models = True

    assert prepared(session, model="mine").model.runs_elsewhere


# ---------------------------------------------------------------- what a model can do


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "tiny-embed"}, "Model 'tiny-embed:latest' makes embeddings and cannot chat."),
        ({"model": "tiny", "think": True}, "Model 'tiny:latest' cannot think."),
        ({"model": "tiny", "think": "high"}, "Model 'tiny:latest' cannot think."),
        ({"model": "tiny", "images": ["aGk="]}, "Model 'tiny:latest' cannot see images."),
    ],
)
def test_what_a_model_cannot_do_is_said_before_a_prompt_is_sent(
    session: Session, ollama: FakeOllama, given: dict[str, Any], words: str
) -> None:
    exc = failure(session, **given)

    assert isinstance(exc, Refused)
    assert exc.message == words
    assert ollama.calls("/api/chat") == []


def test_a_model_of_which_nothing_is_known_is_believed(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.model("tiny").capabilities = None

    assert body(prepared(session, think=True))["think"] is True


@pytest.mark.parametrize(
    ("think", "sent"), [(None, True), (True, True), (False, False), ("low", "low")]
)
def test_a_model_that_can_thinks_unless_told_otherwise(
    session: Session,
    think: bool | str | None,  # noqa: FBT001 (Ollama's own value)
    sent: bool | str,  # noqa: FBT001 (Ollama's own value)
) -> None:
    assert body(prepared(session, model="tiny-think", think=think))["think"] == sent


def test_a_model_that_cannot_think_is_not_told_to(session: Session) -> None:
    assert "think" not in body(prepared(session))


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(session: Session, ollama: FakeOllama, prompt: str) -> None:
    assert failure(session, prompt).message == "The prompt is empty."
    assert ollama.requests == []


# ---------------------------------------------------------------- older servers


def test_a_server_that_can_is_told_not_to_cut_a_prompt(session: Session) -> None:
    assert body(prepared(session))["truncate"] is False


def test_an_older_server_is_warned_of_once(session: Session, ollama: FakeOllama) -> None:
    ollama.version = "0.12.0"

    first, second = prepared(session), prepared(session)

    assert "truncate" not in body(first)
    assert first.notes == ("Ollama 0.12.0 cuts long prompts in silence; 0.12.6 does not",)
    assert second.notes == ()


def test_the_demo_model_is_labelled_once(session: Session, ollama: FakeOllama) -> None:
    ollama.models = {"demo:latest": FakeModel("demo")}

    first, second = prepared(session), prepared(session)

    assert first.notes == ("demo shows how things work and knows little: pull a real model",)
    assert second.notes == ()


def test_an_older_server_is_told_to_think_in_its_own_words(
    session: Session, ollama: FakeOllama
) -> None:
    ollama.version = "0.9.0"

    assert body(prepared(session, model="tiny-think", think="high"))["think"] is True


def test_a_server_without_show_still_answers(session: Session, ollama: FakeOllama) -> None:
    ollama.script("/api/show", [Status(404, "404 page not found", "text/plain")])
    ollama.say("fine")

    assert text_of(session, prepared(session)) == "fine"


# ---------------------------------------------------------------- the run


def test_a_plan_is_run(session: Session, ollama: FakeOllama) -> None:
    ollama.say("Hello big world")

    assert text_of(session, prepared(session)) == "Hello big world"


def test_a_plan_has_a_record_of_its_conversation(session: Session) -> None:
    plan = prepared(session, system="Be brief.", format="json")
    made = plan.record()

    answer = made.answer("stopped")

    assert [message["role"] for message in answer.messages] == ["system", "user", "assistant"]
    assert answer.provenance == plan.provenance


def test_a_stream_that_is_left_closes_the_socket(session: Session, ollama: FakeOllama) -> None:
    ollama.script("tiny", [Text("half"), Wait()])
    stream = session.stream(prepared(session))
    next(stream)

    stream.close()

    ollama.calls("/api/chat")[0].wait_for_hangup()


def test_a_model_that_went_away_is_named(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session)
    ollama.models.clear()

    with pytest.raises(ModelNotFound, match="'tiny:latest' is not on this server"):
        text_of(session, plan)


def test_a_server_that_went_away_is_chosen_anew(session: Session, ollama: FakeOllama) -> None:
    prepared(session)
    ollama.stop()

    assert isinstance(failure(session), Unreachable)

    assert session.hosts.chosen is None
    assert not session.is_connected


def test_a_server_that_comes_back_is_used_again(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session)
    ollama.stop()
    with pytest.raises(Unreachable):
        text_of(session, plan)
    ollama.start()
    ollama.say("back")

    assert text_of(session, prepared(session)) == "back"


def test_a_host_flag_is_used_for_one_request(session: Session, ollama: FakeOllama) -> None:
    with FakeOllama() as other:
        plan = prepared(session, host=other.url)
        text_of(session, plan)

    assert len(other.calls("/api/chat")) == 1
    assert ollama.requests == []
    assert prepared(session).client.host.url == ollama.url


def test_a_model_is_loaded_as_prompts_will_want_it(session: Session, ollama: FakeOllama) -> None:
    session.load("tiny")

    assert ollama.model("tiny").loaded_context == prepared(session).context_tokens


def test_a_client_is_kept_while_its_host_is(session: Session) -> None:
    assert session.client() is session.client()


def test_a_wait_says_whether_the_model_is_in_memory(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session)
    assert session.phase(plan) == "loading the model"

    ollama.model("tiny").load()

    assert session.phase(prepared(session)) == "reading the prompt, or waiting behind others"


def test_a_wait_asks_the_server_only_now_and_then(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session, model="tiny")

    session.phase(plan)
    session.phase(plan)

    assert len(ollama.calls("/api/ps")) == 1


def test_a_server_that_does_not_tell_is_waited_for(session: Session, ollama: FakeOllama) -> None:
    plan = prepared(session)
    ollama.stop()

    assert session.phase(plan) == "waiting for the server"


# ---------------------------------------------------------------- with the embedded engine


@pytest.mark.engine
def test_after_the_engine_was_killed_the_next_prompt_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ollama_lab.engine import launcher

    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_PROBE", "false")

    with closing(Session(settings.load())) as session:
        assert text_of(session, prepared(session, options={"num_predict": 3}))
        running = launcher.status()
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        wait_until(lambda: launcher.status() is None)

        assert text_of(session, prepared(session, options={"num_predict": 3}))

    launcher.stop()
