from __future__ import annotations

from typing import Any

import pytest

from ollama_lab.engine import body, formats, options
from ollama_lab.engine.durations import expiry, keep_alive, timestamp
from ollama_lab.engine.failure import EngineError

YEAR_2026_NS = 1_790_000_000 * 10**9


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(b"", "missing request body", id="none"),
        pytest.param(b'{"model": "tiny", ', "unexpected EOF", id="cut"),
        pytest.param(b'{"model": "ti', "unexpected EOF", id="cut-in-a-string"),
        pytest.param(
            b"hello", "invalid character 'h' looking for beginning of value", id="no-json"
        ),
        pytest.param(b'{"a" 1}', "invalid character '1' after object key", id="no-colon"),
        pytest.param(b"[]", "json: cannot unmarshal array into Go value", id="list"),
        pytest.param(b"NaN", "invalid character 'N' looking for beginning", id="nan"),
        pytest.param(b"[" * 100_000, "exceeded max depth", id="deep"),
        pytest.param(
            b'{"model": 1}', "json: cannot unmarshal number into Go struct field", id="number"
        ),
        pytest.param(
            b'{"messages": [1]}', "ChatRequest.messages of type api.Message", id="message"
        ),
        pytest.param(
            b'{"messages": [{"content": []}]}',
            "cannot unmarshal array into Go struct field ChatRequest.messages.content of type",
            id="list-of-parts",
        ),
        pytest.param(
            b'{"top_logprobs": true}', "cannot unmarshal bool into .* of type int", id="bool"
        ),
        pytest.param(
            b'{"messages": [{"tool_calls": [{}]}]}', "of type api.ToolCall", id="tool-call"
        ),
        pytest.param(b'{"images": ["a b"]}', "illegal base64 data at input byte 1", id="image"),
        pytest.param(b'{"images": ["abc"]}', "illegal base64 data at input byte 3", id="padding"),
    ],
)
def test_a_body_is_refused_in_gos_words(raw: bytes, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        body.read(raw, "ChatRequest")

    assert caught.value.status == 400


def test_keys_are_found_in_any_case_and_nulls_are_left_out() -> None:
    given = body.read(b'{"MODEL": "tiny", "Stream": null, "unknown": 1}', "ChatRequest")

    assert given == {"model": "tiny", "unknown": 1}


def test_bytes_behind_the_object_are_not_looked_at() -> None:
    assert body.read(b' {"model": "a"} {"model": "b"}', "ChatRequest") == {"model": "a"}


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert body.read(rb'{"prompt": "a\ud800b"}', "GenerateRequest")["prompt"] == "a\ufffdb"


def test_a_surrogate_pair_is_one_character() -> None:
    assert body.read(rb'{"prompt": "\ud83d\udc4b"}', "GenerateRequest")["prompt"] == "👋"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param(0, 0.0, id="zero"),
        pytest.param(1.5, 1.5, id="seconds"),
        pytest.param("5m", 300.0, id="minutes"),
        pytest.param("1h30m10s", 5410.0, id="all"),
        pytest.param("1.5s", 1.5, id="fraction"),
        pytest.param("300ms", 0.3, id="milliseconds"),
        pytest.param("0", 0.0, id="zero-as-text"),
        pytest.param(-1, float("inf"), id="negative"),
        pytest.param("-1m", float("inf"), id="negative-duration"),
    ],
)
def test_keep_alive_is_seconds_or_gos_duration(value: Any, seconds: float | None) -> None:
    assert keep_alive(value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("5", 'time: missing unit in duration "5"', id="no-unit"),
        pytest.param("-1", 'time: missing unit in duration "-1"', id="negative-no-unit"),
        pytest.param("", 'time: invalid duration ""', id="empty"),
        pytest.param("abc", 'time: invalid duration "abc"', id="words"),
        pytest.param("5x", 'time: unknown unit "x" in duration "5x"', id="unknown-unit"),
        pytest.param(True, "Unsupported type: 'bool'", id="bool"),
        pytest.param([], r"Unsupported type: '\[\]interface \{\}'", id="list"),
    ],
)
def test_a_bad_keep_alive_is_refused_in_gos_words(value: Any, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        keep_alive(value)


def test_for_ever_is_gos_longest_duration() -> None:
    assert expiry(YEAR_2026_NS, float("inf")).startswith("2319-")


def test_a_time_stamp_has_no_zeros_at_its_end() -> None:
    assert timestamp(YEAR_2026_NS) == "2026-09-21T14:13:20Z"


def test_the_request_wins_over_the_model_over_the_default() -> None:
    merged = options.merge({"top_k": 5, "seed": 7}, {"seed": 8, "num_ctx": 512.9})

    assert (merged["top_k"], merged["seed"], merged["num_ctx"]) == (5, 8, 512)
    assert merged["temperature"] == 0.8


def test_null_and_unknown_options_are_skipped() -> None:
    assert options.merge({}, {"temperature": None, "mirostat": 1}) == options.merge({}, {})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("num_ctx", "512", 'option "num_ctx" must be of type integer'),
        ("num_ctx", True, 'option "num_ctx" must be of type integer'),
        ("temperature", "hot", 'option "temperature" must be of type float32'),
        ("use_mmap", 1, 'option "use_mmap" must be of type boolean'),
        ("stop", "x", 'option "stop" must be of type array'),
        ("stop", [1], 'option "stop" must be of an array of strings'),
    ],
)
def test_an_option_of_another_type_is_500_as_in_ollama(name: str, value: Any, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        options.merge({}, {name: value})

    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("wanted", "most"), [(-1, 5120), (12, 12), (0, 0), (99_999, 5120), (-2, 5120)]
)
def test_an_answer_ends_at_ten_windows(wanted: int, most: int) -> None:
    sampling = options.sampling(options.merge({}, {"num_predict": wanted}), 512)

    assert sampling["n_predict"] == most


@pytest.mark.parametrize("value", [None, ""])
def test_no_format_is_plain_text(value: Any) -> None:
    assert formats.response_format(value) is None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        pytest.param(
            {"type": "string", "minLength": 5, "maxLength": 2},
            "the schema at # has minLength 5 above maxLength 2: no text fits. Swap them.",
            id="length",
        ),
        pytest.param(
            {"properties": {"a": {"items": {}, "minItems": 3, "maxItems": 1}}},
            "the schema at #/properties/a has minItems 3 above maxItems 1",
            id="items",
        ),
        pytest.param(
            {"$defs": {"n": {"minimum": 2, "maximum": 1.5}}},
            "the schema at #/\\$defs/n has minimum 2 above maximum 1.5",
            id="number",
        ),
        pytest.param({"minLength": 10**9}, "asks for 1e\\+09 repetitions", id="huge-length"),
        pytest.param({"pattern": "^a{1,900000}$"}, "asks for 900000 repetitions", id="pattern"),
        pytest.param(
            {"properties": {"enum": {"minLength": 2, "maxLength": 1}}},
            "the schema at #/properties/enum",
            id="property-called-enum",
        ),
    ],
)
def test_a_schema_that_would_take_all_memory_is_refused(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        formats.response_format(schema)

    assert caught.value.status == 400


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"items": schema}

    with pytest.raises(EngineError, match="nested more than 200 deep"):
        formats.response_format(schema)


def test_values_of_an_enum_are_no_schemas() -> None:
    schema = {"enum": [{"minLength": 2, "maxLength": 1}]}

    assert formats.response_format(schema) is not None
