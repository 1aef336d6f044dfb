"""Which setting wins, where its value stands, and the sentence for each bad one."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Config, Configurable
from traitlets.config.loader import KVArgParseConfigLoader

from ollama_lab import settings
from ollama_lab.errors import BadUsage
from ollama_lab.settings import OllamaLab

if TYPE_CHECKING:
    from pathlib import Path


class Door(Configurable):
    """Stands for the shell or the server application: something with configuration of its own."""


def door(**values: Any) -> Door:
    return Door(config=Config({"OllamaLab": values}))


def write_json(home: Path, **values: Any) -> Path:
    path = home / ".jupyter" / "ollama_lab_config.json"
    path.write_text(json.dumps({"OllamaLab": values}))
    return path


def write_python(home: Path, code: str) -> Path:
    path = home / ".jupyter" / "ollama_lab_config.py"
    path.write_text(code)
    return path


def sentence_of_load(parent: Configurable | None = None) -> str:
    with pytest.raises(BadUsage) as caught:
        settings.load(parent)
    return str(caught.value)


def sentence_of_set(name: str, text: str) -> str:
    with pytest.raises(BadUsage) as caught:
        settings.load().set_from_text(name, text)
    return str(caught.value)


# ---------------------------------------------------------------- which wins


def test_with_nothing_set_the_defaults_hold() -> None:
    loaded = settings.load()

    assert (loaded.host, loaded.model, loaded.context_tokens) == ("", "", 8192)
    assert loaded.sources == {}


def test_the_environment_wins_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_LAB_MODEL", "from-environment")

    loaded = settings.load()

    assert loaded.model == "from-environment"
    assert loaded.sources == {"model": "OLLAMA_LAB_MODEL"}


def test_a_json_file_wins_over_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_LAB_MODEL", "from-environment")
    write_json(home, model="from-json")

    loaded = settings.load()

    assert loaded.model == "from-json"
    assert loaded.sources["model"] == f"ollama_lab_config.json in {home / '.jupyter'}"


def test_a_python_file_wins_over_a_json_file(home: Path) -> None:
    write_json(home, model="from-json", table_rows=5)
    write_python(home, "c = get_config()\nc.OllamaLab.model = 'from-python'")

    loaded = settings.load()

    assert (loaded.model, loaded.table_rows) == ("from-python", 5)
    assert loaded.sources["model"] == f"ollama_lab_config.py in {home / '.jupyter'}"


def test_a_folder_that_is_named_comes_before_the_users_own_as_in_jupyter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = home / "shared"
    shared.mkdir()
    (shared / "ollama_lab_config.json").write_text(
        '{"OllamaLab": {"model": "theirs", "system": "s"}}'
    )
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(shared))
    write_json(home, model="mine")

    loaded = settings.load()

    assert loaded.model == "theirs"
    assert loaded.system == "s"


def test_the_doors_own_configuration_wins_over_our_files(home: Path) -> None:
    write_python(home, "c = get_config()\nc.OllamaLab.model = 'from-python'")

    loaded = settings.load(door(model="from-the-door"))

    assert loaded.model == "from-the-door"
    assert loaded.sources["model"] == "the configuration of Door"


def test_what_a_person_sets_wins_over_the_doors_configuration() -> None:
    loaded = settings.load(door(model="from-the-door"))

    loaded.set_from_text("model", "typed")

    assert loaded.model == "typed"
    assert loaded.sources["model"] == "%ollama set"


def test_a_reset_forgets_what_a_person_set() -> None:
    loaded = settings.load(door(model="from-the-door"))
    loaded.set_from_text("model", "typed")
    loaded.set_from_text("table_rows", "3")

    loaded.reset(settings.load(door(model="from-the-door")))

    assert (loaded.model, loaded.table_rows) == ("from-the-door", 20)
    assert loaded.sources == {"model": "the configuration of Door"}


def test_a_door_without_our_section_changes_nothing() -> None:
    loaded = settings.load(Door(config=Config()))

    assert loaded.sources == {}


def test_without_jupyter_the_file_is_read_from_the_home(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    write_json(home, model="from-json")

    assert settings.load().model == "from-json"


# ---------------------------------------------------------------- how values are written


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("expand", "false", False),
        ("expand", "False", False),
        ("expand", "0", False),
        ("expand", "off", False),
        ("allow_remote_models", " true ", True),
        ("allow_remote_models", "1", True),
        ("allow_remote_models", "on", True),
        ("context_tokens", "16384", 16384),
        ("idle_seconds", "1.5", 1.5),
        (
            "options",
            '{"temperature": 0.2, "use_mmap": true}',
            {"temperature": 0.2, "use_mmap": True},
        ),
        ("options", "{'top_k': 5, 'stop': 'x'}", {"top_k": 5, "stop": ["x"]}),
        ("options", "{}", {}),
        ("headers", '{"X-Team": "blue"}', {"X-Team": "blue"}),
        ("system", '"quoted" ~ text', '"quoted" ~ text'),
        ("system", "'quoted'", "'quoted'"),
        ("api_key", "  secret-key\n", "secret-key"),
        ("keep_alive", "1h30m", "1h30m"),
        ("keep_alive", "-1", "-1"),
        ("keep_alive", "", ""),
    ],
)
def test_the_environment_is_read(
    name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OLLAMA_LAB_{name.upper()}", text)

    assert getattr(settings.load(), name) == value


def test_a_key_of_ollamas_own_variable_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "key-from-a-file\n")

    assert settings.load().api_key == "key-from-a-file"


def test_a_key_of_ours_wins_over_ollamas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "theirs")
    monkeypatch.setenv("OLLAMA_LAB_API_KEY", "ours")

    assert settings.load().api_key == "ours"


def test_a_command_line_of_the_door_is_read() -> None:
    line = ["--OllamaLab.context_tokens=512", "--OllamaLab.expand=false"]
    config = KVArgParseConfigLoader(line, classes=[settings.OllamaLab]).load_config()

    loaded = settings.load(Door(config=config))

    assert (loaded.context_tokens, loaded.expand) == (512, False)


def test_a_file_may_add_to_options_instead_of_replacing_them(home: Path) -> None:
    write_json(home, options={"temperature": 0.2})
    write_python(home, "c = get_config()\nc.OllamaLab.options.update({'top_k': 5})")

    assert settings.load().options == {"temperature": 0.2, "top_k": 5}


def test_a_window_is_rounded_up_to_what_the_server_allocates() -> None:
    loaded = settings.load()

    loaded.set_from_text("context_tokens", "1000")

    assert loaded.context_tokens == 1024


def test_a_certificate_file_may_stand_in_the_home(home: Path) -> None:
    loaded = settings.load()

    loaded.set_from_text("ca_file", "~/ca.pem")

    assert loaded.ca_file == str(home / "ca.pem")


@pytest.mark.parametrize("variable", ["JUPYTERHUB_API_URL", "JUPYTERHUB_USER"])
def test_under_jupyterhub_nothing_is_probed_and_no_engine_started(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")

    loaded = settings.load()

    assert not loaded.allow_probe
    assert not loaded.allow_engine


def test_outside_jupyterhub_both_are_allowed() -> None:
    loaded = settings.load()

    assert loaded.allow_probe
    assert loaded.allow_engine


def test_under_jupyterhub_an_administrator_may_allow_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "x")
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_ENGINE", "true")
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_PROBE", "true")

    loaded = settings.load()

    assert (loaded.allow_engine, loaded.allow_probe) == (True, True)


# ---------------------------------------------------------------- bad values


BAD = [
    ("context_tokens", "many", "context_tokens is 'many'; it takes a whole number"),
    ("context_tokens", "12", "context_tokens is 12; it goes from 256 up"),
    ("expand", "perhaps", "expand is 'perhaps'; it takes true or false"),
    ("idle_seconds", "long", "idle_seconds is 'long'; it takes a number"),
    ("idle_seconds", "-1", "idle_seconds is -1; it goes from 0 up"),
    ("connect_seconds", "-0.5", "connect_seconds is -0.5; it goes from 0 up"),
    ("first_byte_seconds", "-3", "first_byte_seconds is -3; it goes from 0 up"),
    ("table_rows", "0", "table_rows is 0; it goes from 1 up"),
    ("image_pixels", "-5", "image_pixels is -5; it goes from 1 up"),
    (
        "keep_alive",
        "10 parsecs",
        "keep_alive is '10 parsecs'; it takes a time such as 10m, or -1 for ever",
    ),
    ("options", "warm", "options is 'warm'; it takes a dict such as {\"temperature\": 0.2}"),
    ("options", "[1]", 'options is [1]; it takes a dict such as {"temperature": 0.2}'),
    ("headers", "X-Key: s3cret", "headers has a value it cannot take; it takes a dict"),
    ("headers", '{"X-Key": ["s3cret"]}', "headers has no plain text for X-Key"),
    ("headers", '{"X-Key": "s3cret\\nHost: evil"}', "headers has no plain text for X-Key"),
    ("headers", '{"X Key": "s3cret"}', "headers has 'X Key', which is no name of a header"),
    ("api_key", "s3cret\nHost: evil", "api_key has a character that no key can have"),
    ("api_key", "s3crét", "api_key has a character that no key can have"),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD)
def test_a_bad_value_that_is_typed_is_named(name: str, text: str, words: str) -> None:
    assert sentence_of_set(name, text) == f"{words}."


@pytest.mark.parametrize(("name", "text", "words"), BAD)
def test_a_bad_value_of_the_environment_is_named_with_its_variable(
    name: str, text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"OLLAMA_LAB_{name.upper()}"
    monkeypatch.setenv(variable, text)

    assert sentence_of_load() == f"{words} ({variable})."


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, t, _ in BAD if n in settings.SECRET])
def test_a_secret_stands_in_no_message_and_no_traceback(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OLLAMA_LAB_{name.upper()}", text)

    with pytest.raises(BadUsage) as caught:
        settings.load()

    assert "s3cr" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None or "s3cr" not in str(caught.value.__cause__)


def test_a_secret_of_a_wrong_type_stands_in_no_message(home: Path) -> None:
    write_json(home, api_key=["s3cret"])

    assert sentence_of_load() == (
        "api_key has a value it cannot take; it takes text "
        f"(ollama_lab_config.json in {home / '.jupyter'})."
    )


def test_a_bad_key_of_ollamas_own_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "s3crét")

    with pytest.raises(BadUsage) as caught:
        _ = settings.load().api_key

    assert str(caught.value) == "OLLAMA_API_KEY has a character that no key can have."


def test_a_bad_value_of_a_file_is_named_with_its_file(home: Path) -> None:
    write_json(home, context_tokens="many")

    assert sentence_of_load() == (
        "context_tokens is 'many'; it takes a whole number "
        f"(ollama_lab_config.json in {home / '.jupyter'})."
    )


def test_a_bad_option_is_named_with_the_setting_it_stands_in(home: Path) -> None:
    write_json(home, options={"temprature": 0.2})

    assert sentence_of_load() == (
        "Ollama has no option 'temprature' "
        f"(options: ollama_lab_config.json in {home / '.jupyter'}). Did you mean 'temperature'?"
    )


def test_a_bad_value_of_the_door_is_named_with_the_door() -> None:
    assert sentence_of_load(door(table_rows="all")) == (
        "table_rows is 'all'; it takes a whole number (the configuration of Door)."
    )


def test_an_unknown_setting_that_is_typed_is_refused() -> None:
    assert sentence_of_set("modle", "x") == (
        "There is no setting 'modle'. See them with: %ollama help set"
    )


def test_an_unknown_setting_of_a_file_is_a_warning(home: Path) -> None:
    write_json(home, modle="x")

    with pytest.warns(UserWarning, match="ollama-lab has no setting 'modle'"):
        settings.load()


def test_an_unknown_variable_is_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings.load()


@pytest.mark.parametrize(
    ("ending", "content", "words"),
    [
        pytest.param("json", "{", "JSONDecodeError: ", id="broken JSON"),
        pytest.param("json", "\xff", "", id="bytes that are no text"),
        pytest.param("py", "c.OllamaLab.model = ", "SyntaxError: ", id="broken Python"),
        pytest.param("py", "raise KeyError('key')", "KeyError: 'key'", id="an exception"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(
    home: Path, ending: str, content: str, words: str
) -> None:
    path = home / ".jupyter" / f"ollama_lab_config.{ending}"
    path.write_bytes(content.encode("latin-1"))

    sentence = sentence_of_load()

    assert sentence.startswith(f"{path} cannot be read: {words}")
    assert sentence.isprintable()


def test_a_section_that_is_none_is_named(home: Path) -> None:
    path = home / ".jupyter" / "ollama_lab_config.json"
    path.write_text('{"OllamaLab": "fast"}')

    assert sentence_of_load() == (
        f"OllamaLab is no section of settings ({path.name} in {path.parent})."
    )


def test_a_bad_value_leaves_the_old_one() -> None:
    loaded = settings.load()

    with pytest.raises(BadUsage):
        loaded.set_from_text("table_rows", "0")

    assert loaded.table_rows == 20
    assert "table_rows" not in loaded.sources


# ---------------------------------------------------------------- the traits themselves


@pytest.mark.parametrize("name", sorted(OllamaLab.class_traits(config=True)))
def test_every_setting_says_what_it_is(name: str) -> None:
    assert str(OllamaLab.class_traits()[name].help).endswith(".")


def test_every_secret_is_a_setting() -> None:
    assert set(OllamaLab.class_traits(config=True)) >= settings.SECRET
