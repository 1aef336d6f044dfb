"""What a model is: names, the server's three answers about it, and the default."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import wire_cases

from ollama_lab import models
from ollama_lab.errors import BadUsage, Forbidden, ModelNotFound
from ollama_lab.models import Loaded, Model

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def reply_of(case: str) -> dict[str, Any]:
    """Read a recorded answer that is one object."""
    value: dict[str, Any] = json.loads(wire_cases.load(case).body)
    return value


def loaded(expires_at: datetime | None = NOON) -> Loaded:
    return Loaded(size_bytes=100, gpu_bytes=0, expires_at=expires_at, context_tokens=8192)


def chat_model(name: str, **fields: Any) -> Model:
    known = {"capabilities": frozenset({"completion"}), "modified_at": NOON}
    return Model(models.normalize(name), **{**known, **fields})


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("  llama3.2:1b\n", "llama3.2:1b"),
        ("Llama3.2:1B", "Llama3.2:1B"),
        ("library/llama3.2", "llama3.2:latest"),
        ("registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b"),
        ("https://registry.ollama.ai/library/llama3.2", "llama3.2:latest"),
        ("registry.ollama.ai/me/tiny", "me/tiny:latest"),
        ("me/tiny:v1", "me/tiny:v1"),
        ("me-too_1/tiny.v1", "me-too_1/tiny.v1:latest"),
        ("hf.co/unsloth/Qwen3-0.6B-GGUF:Q4_K_M", "hf.co/unsloth/Qwen3-0.6B-GGUF:Q4_K_M"),
        ("localhost:5000/library/tiny", "localhost:5000/library/tiny:latest"),
        ("localhost:5000/me/tiny:v1", "localhost:5000/me/tiny:v1"),
        ("_", "_:latest"),
        ("a" * 80, "a" * 80 + ":latest"),
        ("a:" + "b" * 80, "a:" + "b" * 80),
        ("h" * 350 + "/n/m", "h" * 350 + "/n/m:latest"),
    ],
)
def test_a_name_becomes_what_the_server_lists(name: str, normal: str) -> None:
    assert models.normalize(name) == normal


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param(":latest", id="only a tag"),
        pytest.param("tiny:", id="empty tag"),
        pytest.param("/tiny", id="empty namespace"),
        pytest.param("me/", id="empty model"),
        pytest.param("a/b/c/d", id="too many parts"),
        pytest.param("../../etc/passwd", id="climbs out"),
        pytest.param(".tiny", id="begins with a dot"),
        pytest.param("-tiny", id="begins like a flag"),
        pytest.param("my.site/tiny", id="dot in the namespace"),
        pytest.param("tiny:a:b", id="two tags"),
        pytest.param("ti ny", id="blank within"),
        pytest.param("tiny\nrm", id="newline within"),
        pytest.param("tiny\x00", id="null"),
        pytest.param("tiny\x1b[31m", id="escape sequence"),
        pytest.param("größe", id="letters beyond ASCII"),
        pytest.param("tiny@sha256:abc", id="digest"),
        pytest.param("$(reboot)", id="shell"),
        pytest.param("a" * 81, id="model too long"),
        pytest.param("a:" + "b" * 81, id="tag too long"),
        pytest.param("h" * 351 + "/n/m", id="host too long"),
        pytest.param("n" * 81 + "/m", id="namespace too long"),
    ],
)
def test_what_ollama_takes_for_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadUsage, match="is no model name") as caught:
        models.normalize(name)

    assert caught.value.hint == "Names look like llama3.2, qwen3:0.6b or me/tiny:v1"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("tiny", "TINY:latest", True),
        ("library/tiny", "tiny", True),
        ("tiny", "tiny:v1", False),
        ("me/tiny", "tiny", False),
        ("no name", "no name", True),
        ("no name", "tiny", False),
    ],
)
def test_names_compare_without_case_and_defaults(one: str, other: str, are_same: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert models.same(one, other) is are_same


def test_a_model_is_found_by_any_form_of_its_name() -> None:
    listed = [chat_model("other"), chat_model("Tiny")]

    assert models.find("registry.ollama.ai/library/tiny", listed) is listed[1]
    assert models.find("absent", listed) is None


def test_a_name_that_ollama_would_not_take_hides_no_other_model() -> None:
    listed = [Model("a strange name"), chat_model("tiny")]

    assert models.find("tiny", listed) is listed[1]


# ---------------------------------------------------------------- tags, ps, show


def test_recorded_tags_are_read() -> None:
    reply = reply_of("tags")

    read = models.from_tags(reply)

    entry = reply["models"][0]
    assert [model.name for model in read] == [one["name"] for one in reply["models"]]
    assert read[0].digest == entry["digest"]
    assert read[0].size_bytes == entry["size"]
    assert read[0].capabilities == frozenset(entry["capabilities"])
    assert read[0].context_length == entry["details"]["context_length"]
    assert read[0].quantization == entry["details"]["quantization_level"]
    assert read[0].parameter_size == entry["details"]["parameter_size"]
    assert read[0].modified_at is not None
    assert read[0].modified_at.tzinfo is not None


def test_a_server_without_models_lists_none() -> None:
    assert models.from_tags(reply_of("tags-empty")) == []
    assert models.from_tags({"models": None}) == []
    assert models.from_ps(reply_of("ps-empty")) == {}


def test_an_old_server_says_nothing_of_capabilities() -> None:
    details = {"family": "llama", "families": None, "parameter_size": "1B"}
    reply = {
        "models": [
            {"name": "old:latest", "modified_at": "2024-01-01T00:00:00Z", "details": details}
        ]
    }

    (read,) = models.from_tags(reply)

    assert read.capabilities is None
    assert read.can("tools") is None
    assert read.can_chat
    assert read.context_length is None


def test_an_entry_with_nulls_is_read() -> None:
    entry = {"model": "bare:latest", "size": None, "details": None, "modified_at": None}

    (read,) = models.from_tags({"models": [entry]})

    assert read == Model("bare:latest")


@pytest.mark.parametrize(
    ("family", "name"), [("bert", "old:latest"), ("nomic-bert", "x:latest"), ("", "mxbai-embed:v1")]
)
def test_an_old_embedding_model_is_known_by_its_family_or_name(family: str, name: str) -> None:
    assert not Model(name, family=family).can_chat


def test_recorded_ps_is_read() -> None:
    reply = reply_of("ps-loaded")
    entry = reply["models"][0]

    read = models.from_ps(reply)[entry["name"]]

    assert read.size_bytes == entry["size"]
    assert read.context_tokens == entry["context_length"]
    assert read.where == "CPU"


@pytest.mark.parametrize(
    ("size", "on_gpu", "where"),
    [(100, 0, "CPU"), (100, 100, "GPU"), (100, 60, "60% GPU, 40% CPU"), (0, 0, "CPU")],
)
def test_a_loaded_model_says_where_it_is(size: int, on_gpu: int, where: str) -> None:
    assert Loaded(size, on_gpu, None, None).where == where


@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        pytest.param("2318-09-04T11:00:00.123456789Z", None, id="for ever, as Ollama has it"),
        pytest.param(
            "2026-11-24T12:00:00.123456789Z", NOON.replace(microsecond=123456), id="nanoseconds"
        ),
        pytest.param("2026-11-24T13:00:00+01:00", NOON, id="another zone"),
        pytest.param("2026-11-24T12:00:00", NOON, id="no zone"),
        pytest.param("soon", None, id="no time"),
        pytest.param(None, None, id="null"),
    ],
)
def test_an_expiry_is_read(text: str | None, expires_at: datetime | None) -> None:
    (read,) = models.from_ps({"models": [{"name": "m", "expires_at": text}]}).values()

    assert read.expires_at == expires_at


def test_tags_and_ps_are_joined_by_name() -> None:
    joined = models.with_loaded([Model("a:latest"), Model("b:latest")], {"b:latest": loaded()})

    assert [model.loaded is not None for model in joined] == [False, True]


def test_recorded_show_is_read() -> None:
    reply = reply_of("show-chat")
    architecture = reply["model_info"]["general.architecture"]

    read = models.from_show("tiny", reply, chat_model("tiny", digest="abc", capabilities=None))

    assert read.name == "tiny:latest"
    assert read.digest == "abc"
    assert read.capabilities == frozenset(reply["capabilities"])
    assert read.context_length == reply["model_info"][f"{architecture}.context_length"]


def test_recorded_show_of_a_preset_has_its_parameters_and_system_prompt() -> None:
    reply = reply_of("show-preset")

    read = models.from_show("preset", reply)

    assert read.system == reply["system"]
    assert read.parameters
    assert set(read.parameters) == {
        line.split()[0] for line in reply["parameters"].split("\n") if line
    }


def test_show_has_the_last_word_about_capabilities() -> None:
    listed = chat_model("tiny", capabilities=frozenset({"completion"}))

    read = models.from_show("tiny", {"capabilities": ["completion", "thinking"]}, listed)

    assert read.can("thinking")


def test_show_without_a_context_length_keeps_what_tags_said() -> None:
    read = models.from_show("tiny", {"model_info": {}}, chat_model("tiny", context_length=4096))

    assert read.context_length == 4096


def test_show_of_an_old_server_leaves_gaps() -> None:
    read = models.from_show("tiny:latest", {"details": {"family": "llama"}, "model_info": None})

    assert read.capabilities is None
    assert read.context_length is None
    assert read.parameters == {}


def test_parameters_are_read_with_their_types() -> None:
    text = 'num_ctx  4096\ntemperature 0.5\nuse_mmap false\nstop "<|a|>"\nstop "b c"\nmirostat\n'

    read = models.from_show("m", {"parameters": text}).parameters

    assert read == {
        "num_ctx": 4096,
        "temperature": 0.5,
        "use_mmap": False,
        "stop": ["<|a|>", "b c"],
    }


# ---------------------------------------------------------------- models that run elsewhere


@pytest.mark.parametrize(
    ("model", "is_elsewhere"),
    [
        pytest.param(Model("big:cloud"), True, id="tag cloud"),
        pytest.param(Model("gpt-oss:120b-cloud"), True, id="tag ends in -cloud"),
        pytest.param(Model("mine:latest", remote_host="https://ollama.com:443"), True, id="host"),
        pytest.param(Model("cloud:latest"), False, id="only called cloud"),
        pytest.param(Model("m:cloudy"), False, id="tag begins with cloud"),
    ],
)
def test_a_model_that_runs_elsewhere_is_known(model: Model, is_elsewhere: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert model.runs_elsewhere is is_elsewhere


def test_a_model_that_runs_elsewhere_is_refused_in_words() -> None:
    model = Model("mine:latest", remote_host="https://ollama.com:443")

    with pytest.raises(Forbidden) as caught:
        models.refuse_remote(model, allow_remote=False)

    assert str(caught.value) == (
        "Model 'mine:latest' runs elsewhere (https://ollama.com:443): "
        "your prompt would leave this machine. "
        "Allow it with: %ollama set allow_remote_models=true"
    )


def test_a_model_that_runs_elsewhere_is_let_through_where_that_is_allowed() -> None:
    models.refuse_remote(Model("big:cloud"), allow_remote=True)


def test_a_local_model_is_never_refused() -> None:
    models.refuse_remote(chat_model("tiny"), allow_remote=False)


# ---------------------------------------------------------------- the default


def test_the_default_is_the_model_in_memory() -> None:
    listed = [
        chat_model("newer", modified_at=NOON + timedelta(days=1)),
        chat_model("warm", loaded=loaded()),
    ]

    assert models.choose(listed) == models.Choice("warm:latest", "in memory")


def test_of_several_in_memory_the_default_is_the_one_that_expires_last() -> None:
    listed = [
        chat_model("soon", loaded=loaded(NOON)),
        chat_model("later", loaded=loaded(NOON + timedelta(minutes=1))),
        chat_model("sooner", loaded=loaded(NOON - timedelta(minutes=1))),
    ]

    assert models.choose(listed).name == "later:latest"


def test_a_model_in_memory_for_ever_expires_last() -> None:
    listed = [chat_model("soon", loaded=loaded(NOON)), chat_model("stays", loaded=loaded(None))]

    assert models.choose(listed).name == "stays:latest"


def test_with_nothing_in_memory_the_default_is_the_newest() -> None:
    listed = [
        chat_model("old", modified_at=NOON - timedelta(days=1)),
        chat_model("undated", modified_at=None),
        chat_model("new"),
    ]

    assert models.choose(listed) == models.Choice("new:latest", "the newest here")


def test_an_embedding_model_is_never_the_default() -> None:
    embedding = chat_model("vectors", capabilities=frozenset({"embedding"}), loaded=loaded())

    assert models.choose([embedding, chat_model("tiny")]).name == "tiny:latest"


def test_the_demo_model_is_not_the_default_where_there_is_another() -> None:
    listed = [chat_model("demo", loaded=loaded()), chat_model("tiny")]

    assert models.choose(listed).name == "tiny:latest"


def test_the_demo_model_is_the_default_where_it_is_alone() -> None:
    assert models.choose([chat_model("demo")]).name == "demo:latest"


def test_an_embedding_model_beside_demo_changes_nothing() -> None:
    embedding = chat_model("vectors", capabilities=frozenset({"embedding"}))

    assert models.choose([embedding, chat_model("demo")]).name == "demo:latest"


def test_a_model_that_runs_elsewhere_is_never_the_default() -> None:
    listed = [chat_model("big:cloud", loaded=loaded()), chat_model("tiny")]

    assert models.choose(listed).name == "tiny:latest"


def test_a_model_that_runs_elsewhere_may_be_the_default_where_that_is_allowed() -> None:
    listed = [chat_model("big:cloud", loaded=loaded()), chat_model("tiny")]

    assert models.choose(listed, allow_remote=True).name == "big:cloud"


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param([], id="none at all"),
        pytest.param([Model("v:latest", capabilities=frozenset({"embedding"}))], id="embedding"),
        pytest.param([Model("big:cloud")], id="elsewhere"),
    ],
)
def test_without_a_chat_model_there_is_no_default(listed: list[Model]) -> None:
    with pytest.raises(ModelNotFound) as caught:
        models.choose(listed)

    assert str(caught.value) == (
        "The server has no chat model. Pull one with: %ollama pull llama3.2:1b"
    )


# ---------------------------------------------------------------- names that may have been meant


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param("lama3", ["llama3:latest"], id="a letter missing"),
        pytest.param("LLAMA3:LATEST", ["llama3:latest"], id="case"),
        pytest.param("qwen3:32b", ["Qwen3:0.6b"], id="another tag"),
        pytest.param("zzz", [], id="nothing like it"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_the_nearest_names_are_offered(wanted: str, names: list[str]) -> None:
    listed = [Model("llama3:latest"), Model("Qwen3:0.6b"), Model("nomic-embed-text:v1.5")]

    assert models.nearest(wanted, listed) == names


def test_no_more_than_three_names_are_offered() -> None:
    listed = [Model(f"tiny:v{number}") for number in range(9)]

    assert len(models.nearest("tiny:v", listed)) == 3
