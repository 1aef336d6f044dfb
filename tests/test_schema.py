"""A schema made ready: refused, rewritten, wished, and its fields kept in order."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from typing import Any

import pytest

from ollama_lab.errors import BadUsage
from ollama_lab.schema import Reader, prepare
from ollama_lab.schema.patterns import Unsayable, rewritten

Schema = dict[str, Any]


def of(value: Schema, **more: Any) -> Schema:
    """Return an object with one required field."""
    return {"type": "object", "properties": {"v": value}, "required": ["v"], **more}


def sent(value: Schema, **more: Any) -> Any:
    """Return what is sent for one field."""
    return prepare(of(value, **more)).sent["properties"]["v"]


def wishes(value: Schema) -> tuple[str, ...]:
    return prepare(of(value)).wishes


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param({"type": "nope"}, "#/properties/v has the type 'nope'", id="type"),
        pytest.param(
            {"minLength": 5, "maxLength": 2}, "has minLength 5 above maxLength 2", id="len"
        ),
        pytest.param({"minItems": 3, "maxItems": 1}, "has minItems 3 above maxItems 1", id="items"),
        pytest.param({"minimum": 3, "maximum": 1}, "has minimum 3 above maximum 1", id="bounds"),
        pytest.param(
            {"exclusiveMinimum": 3, "maximum": 3}, "exclusiveMinimum 3 above maximum 3", id="open"
        ),
        pytest.param({"minimum": "3"}, "#/properties/v/minimum is no number", id="no number"),
        pytest.param({"minLength": -1}, "#/properties/v/minLength is below 0", id="negative"),
        pytest.param({"minimum": float("nan")}, "v/minimum is no number", id="nan"),
        pytest.param({"enum": []}, "#/properties/v/enum is no list of values", id="enum"),
        pytest.param(
            {"type": "string", "enum": [1, 2]}, "enum has no value of the type string", id="types"
        ),
        pytest.param({"anyOf": []}, "#/properties/v/anyOf is no list of schemas", id="anyOf"),
        pytest.param({"$ref": "http://x/y"}, "refers to 'http://x/y': only places", id="remote"),
        pytest.param({"$ref": "#name"}, "refers to '#name': only places", id="anchor"),
        pytest.param({"$ref": "#/$defs/x"}, "refers to #/$defs/x, which is not there", id="lost"),
        pytest.param({"$ref": "#/properties/v"}, "refers to itself", id="itself"),
        pytest.param({"pattern": '^a"b$'}, "pattern holds a quote, a backslash", id="quote"),
        pytest.param({"pattern": r"^\\$"}, "pattern holds a quote, a backslash", id="backslash"),
        pytest.param({"pattern": "^(a$"}, "pattern is no regular expression", id="regex"),
        pytest.param({"properties": {"": {}}}, "has a field with an empty name", id="name"),
        pytest.param({"properties": []}, "v/properties is no dict of schemas", id="fields"),
        pytest.param({"required": "v"}, "v/required is no list of names", id="required"),
        pytest.param("string", "is no schema, which is a dict", id="schema"),
        pytest.param(
            {"allOf": [{"type": "string"}, {"type": "integer"}]}, "two things at once", id="allOf"
        ),
    ],
)
def test_what_cannot_be_met_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(BadUsage) as caught:
        prepare(of(value))

    assert words in str(caught.value)


def test_an_answer_without_an_end_is_refused() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    with pytest.raises(BadUsage, match="asks for an answer without an end"):
        prepare(node)


def test_a_list_that_holds_itself_ends() -> None:
    node = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}

    assert prepare(node).sent["$defs"]["root"]["properties"]["kids"]["items"] == {
        "$ref": "#/$defs/root"
    }


# ---------------------------------------------------------------- rewritten


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"type": "string", "pattern": r"^\d+$"}, "^[0-9]+$", id="digits"),
        pytest.param({"pattern": "ab"}, r'^[^"\\\n]*ab[^"\\\n]*$', id="unanchored"),
        pytest.param({"pattern": "^a.c$"}, r'^a[^"\\\n]c$', id="dot"),
        pytest.param({"pattern": r"^[\w-]+$"}, "^[\\x2D0-9A-Z_a-z]+$", id="class"),
        pytest.param({"pattern": "^a$|^b$"}, "^(a|b)$", id="branches"),
    ],
)
def test_a_pattern_is_written_as_the_server_keeps_it(value: Schema, expected: str) -> None:
    assert sent(value) == {"type": "string", "pattern": expected}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"minimum": 1000}, {"minimum": 1000, "maximum": 10**9}, id="low"),
        pytest.param({"maximum": -1000}, {"minimum": -(10**9), "maximum": -1000}, id="high"),
        pytest.param({"minimum": 10}, {"minimum": 10}, id="two digits"),
        pytest.param({"exclusiveMinimum": 0, "maximum": 9.5}, {"minimum": 1, "maximum": 9}, id="x"),
        pytest.param(
            {"minimum": 0, "maximum": 20, "multipleOf": 5}, {"enum": [0, 5, 10, 15, 20]}, id="step"
        ),
    ],
)
def test_a_whole_number_gets_bounds_that_hold(value: Schema, expected: Schema) -> None:
    assert sent({"type": "integer", **value}) == {"type": "integer", **expected}


def test_an_email_gets_a_pattern() -> None:
    assert "@" in sent({"type": "string", "format": "email"})["pattern"]


def test_a_type_beside_a_choice_goes_into_each_branch() -> None:
    value = {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "anyOf": [{"maximum": 3}, {"minimum": 7}],
    }

    assert sent(value) == {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 3},
            {"type": "integer", "minimum": 7, "maximum": 9},
        ]
    }


def test_what_stands_in_all_of_becomes_one() -> None:
    value = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}},
        ]
    }

    assert sent(value) == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a"],
    }


def test_what_stands_beside_a_reference_counts() -> None:
    defs = {"$defs": {"word": {"type": "string", "maxLength": 9}}}

    assert sent({"$ref": "#/$defs/word", "minLength": 2}, **defs) == {
        "type": "string",
        "minLength": 2,
        "maxLength": 9,
    }


def test_a_reference_of_any_form_is_kept() -> None:
    defs = {"$defs": {"a/b": {"type": "string"}}}

    made = prepare(of({"$ref": "#/$defs/a~1b"}, **defs)).sent

    assert made["properties"]["v"] == {"$ref": "#/$defs/a-b"}
    assert made["$defs"] == {"a-b": {"type": "string"}}


def test_nullable_becomes_a_choice() -> None:
    assert sent({"type": "string", "nullable": True}) == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }


def test_a_tuple_is_closed() -> None:
    value = {"type": "array", "prefixItems": [{"type": "integer"}], "items": False}

    assert sent(value) == {"type": "array", "prefixItems": [{"type": "integer"}]}


def test_a_draft_7_tuple_is_a_tuple() -> None:
    assert "prefixItems" in sent({"type": "array", "items": [{"type": "integer"}]})


def test_what_was_given_stays_as_it_was() -> None:
    given = of({"type": "string", "pattern": "x", "nullable": True})
    before = copy.deepcopy(given)

    prepare(given)

    assert given == before


# ---------------------------------------------------------------- wished


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            {"type": "number", "minimum": 0, "maximum": 1}, ("v: minimum 0", "v: maximum 1"), id="n"
        ),
        pytest.param({"type": "integer", "multipleOf": 3}, ("v: multipleOf",), id="step"),
        pytest.param({"type": "string", "format": "ipv4"}, ("v: format ipv4",), id="format"),
        pytest.param({"type": "string", "pattern": r"^(?=a)\w$"}, ("v: pattern",), id="ahead"),
        pytest.param(
            {"type": "string", "pattern": "^a$", "maxLength": 3}, ("v: maxLength",), id="length"
        ),
        pytest.param({"type": "array", "uniqueItems": True}, ("v: uniqueItems",), id="unique"),
        pytest.param({"type": "object", "minProperties": 1}, ("v: minProperties",), id="object"),
        pytest.param({"not": {"type": "string"}}, ("v: not",), id="not"),
        pytest.param(
            {"type": "array", "items": {"type": "number", "minimum": 0}},
            ("v[]: minimum 0",),
            id="within",
        ),
        pytest.param({"type": "string", "maxLength": 10}, (), id="kept"),
    ],
)
def test_what_the_server_does_not_see_to_is_said(value: Schema, expected: tuple[str, ...]) -> None:
    assert wishes(value) == expected


def test_the_model_is_told_what_the_grammar_hides() -> None:
    prepared = prepare(of({"type": "number", "minimum": 0, "description": "in euros"}))

    assert "in euros" in prepared.instruction
    assert prepared.instruction.endswith("Also keep to: v: minimum 0.")


# ---------------------------------------------------------------- order

STEPS: Schema = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["why", "answer"],
}


def test_fields_sort_into_their_own_order() -> None:
    prepared = prepare(STEPS)

    assert sorted(prepared.sent["properties"]) == list(prepared.sent["properties"])
    assert prepared.sent["required"] == ["a_why", "b_answer"]
    assert prepared.restored({"a_why": "x", "b_answer": "y"}) == {"why": "x", "answer": "y"}


def test_fields_that_sort_already_keep_their_names() -> None:
    assert list(
        prepare(of({}, properties={"a": {}, "b": {}}, required=["a"])).sent["properties"]
    ) == [
        "a",
        "b",
    ]


def test_a_server_that_keeps_the_order_gets_the_names() -> None:
    assert list(prepare(STEPS, keeps_order=True).sent["properties"]) == ["why", "answer"]


def test_required_fields_come_first_as_the_grammar_writes_them() -> None:
    schema = {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]}

    assert list(prepare(schema).sent["properties"]) == ["b", "a"]


def test_a_prefix_never_makes_a_name_that_is_there() -> None:
    schema = copy.deepcopy(STEPS)
    schema["properties"] = {
        **STEPS["properties"],
        "other": of({}, properties={"a_why": {}}, required=[]),
    }

    prepared = prepare(schema)

    value = {"aa_why": 1, "ab_answer": 2, "ac_other": {"a_why": 3}}
    assert prepared.restored(value) == {"why": 1, "answer": 2, "other": {"a_why": 3}}


def test_more_fields_than_letters_keep_their_order() -> None:
    names = [f"field {99 - n}" for n in range(60)]
    schema = {"type": "object", "properties": {name: {} for name in names}, "required": names}

    made = list(prepare(schema).sent["properties"])

    assert made == sorted(made)
    assert [name.partition("_")[2] for name in made] == names


# ---------------------------------------------------------------- while it is written

WHOLE = '{"name": "A\\"d{a", "n": [1, -2.5e3, true, null], "in": {"x": {}}, "": "]"}'


@pytest.mark.parametrize("length", range(len(WHOLE) + 1))
def test_what_is_whole_so_far_is_part_of_the_end(length: int) -> None:
    reader = Reader()
    for char in WHOLE[:length]:
        reader.feed(char)

    found, end = reader.value(), json.loads(WHOLE)

    assert found is None or is_part(found, end)
    assert length < len(WHOLE) or found == end


def is_part(found: Any, end: Any) -> bool:
    if isinstance(found, dict) and isinstance(end, dict):
        return all(key in end and is_part(value, end[key]) for key, value in found.items())
    if isinstance(found, list) and isinstance(end, list):
        return len(found) <= len(end) and all(map(is_part, found, end))
    return bool(found == end)


@pytest.mark.parametrize("text", ["", "no json", "}]", '{"a" 1}', "[1,,2]", '"text"', "12 "])
def test_what_is_no_object_harms_nothing(text: str) -> None:
    reader = Reader()
    reader.feed(text)

    reader.value()


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize(
    "pattern", [r"^[\n]$", r"^\x22$", '^["\\\\]$', "^a{3,1}$", "^[z-a]$", "^a\\"]
)
def test_a_pattern_that_nothing_can_meet_is_said(pattern: str) -> None:
    with pytest.raises(Unsayable):
        rewritten(pattern)


@pytest.mark.parametrize(
    "pattern", [r"\ba", "^(?=a)b$", r"^(a)\1$", "a$b", "(^a)", "^a{99999}$", "^a{$"]
)
def test_a_pattern_that_the_server_has_nothing_for_is_left_out(pattern: str) -> None:
    assert rewritten(pattern) is None


# ---------------------------------------------------------------- garbage

KEYWORDS = (
    *("type", "properties", "required", "items", "prefixItems", "enum", "const", "anyOf", "allOf"),
    *("$ref", "$defs", "minimum", "maximum", "minLength", "maxItems", "pattern", "format"),
    *("multipleOf", "nullable", "additionalProperties", "not", "description", "oneOf"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -3, 2.5, float("inf"), 10**30, "string", "integer", "#", "^a$", "("),
    *("#/$defs/a", r"\d", ["string", "null"], ["a"], "email", [], {}),
)


def garbage(dice: random.Random, depth: int) -> Schema:
    return {dice.choice(KEYWORDS): any_value(dice, depth) for _ in range(dice.randint(0, 5))}


def any_value(dice: random.Random, depth: int) -> Any:
    kind = dice.random()
    if depth and kind < 0.35:
        return garbage(dice, depth - 1)
    if depth and kind < 0.5:
        return [any_value(dice, depth - 1) for _ in range(dice.randint(0, 3))]
    if depth and kind < 0.6:
        return {dice.choice("ab/"): any_value(dice, depth - 1) for _ in range(dice.randint(0, 3))}
    return dice.choice(VALUES)


@pytest.mark.parametrize("start", range(0, 4000, 1000))
def test_garbage_is_prepared_or_refused_in_words(start: int) -> None:
    for seed in range(start, start + 1000):
        with contextlib.suppress(BadUsage):
            prepare(garbage(random.Random(seed), 4))
