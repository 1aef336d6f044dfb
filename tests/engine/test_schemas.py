"""Prepared schemas against a real grammar: random weights write what it lets through, and it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ollama_lab.forms import Form, form

if TYPE_CHECKING:
    from live_engine import LiveEngine

pytestmark = pytest.mark.engine

Schema = dict[str, Any]
SHORT: Schema = {"type": "string", "maxLength": 3}
SEEDS = 3


def answers(engine: LiveEngine, asked: Form) -> list[str]:
    """Ask a model of random weights; an answer that ran into the limit is left out."""
    found = []
    for seed in range(SEEDS):
        answer = engine.client.chat(
            "tiny",
            [{"role": "user", "content": "hi"}],
            format=dict(asked.prepared.sent if asked.prepared else {}),
            options={"seed": seed, "temperature": 1.0, "num_predict": 400},
        )
        if answer.done_reason == "stop":
            found.append(asked.restored(answer.message.content or ""))
    return found


def case(name: str, value: Schema, **more: Any) -> Any:
    schema = {"type": "object", "properties": {"v": value}, "required": ["v"], **more}
    return pytest.param(schema, id=name)


KEPT = [
    case("boolean", {"type": "boolean"}),
    case("types", {"type": ["integer", "null"], "minimum": 0, "maximum": 9}),
    case("enum", {"enum": ["ä", 'a"b', 1, None, "x\ny"]}),
    case("const", {"const": {"a": [1, 2]}}),
    case("anyOf", {"anyOf": [{"type": "null"}, SHORT]}),
    case("oneOf", {"oneOf": [{"type": "boolean"}, {"type": "null"}]}),
    case("lengths", {"type": "string", "minLength": 2, "maxLength": 4}),
    case("items", {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3}),
    case("no items", {"type": "array", "items": False}),
    case("tuple", {"type": "array", "prefixItems": [{"type": "boolean"}], "items": False}),
    case("tuple and more", {"type": "array", "prefixItems": [SHORT], "items": {"type": "null"}}),
    case("draft 7 tuple", {"type": "array", "items": [{"type": "boolean"}, {"type": "null"}]}),
    case("bounds", {"type": "integer", "minimum": -3, "maximum": 12}),
    case("one bound", {"type": "integer", "minimum": 1000}),
    case("the other bound", {"type": "integer", "maximum": -1000}),
    case("open bounds", {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 4}),
    case("steps", {"type": "integer", "minimum": 0, "maximum": 100, "multipleOf": 25}),
    case("digits", {"type": "string", "pattern": r"^\d{4}$"}),
    case("word", {"type": "string", "pattern": r"^\w{2}$"}),
    case("dots", {"type": "string", "pattern": "^a..z$"}),
    case("printable", {"type": "string", "pattern": "^[ -~]{3}$"}),
    case("negated", {"type": "string", "pattern": "^[^a-z]{3}$"}),
    case("minus", {"type": "string", "pattern": r"^[a\-z^]{3}$"}),
    case("escaped", {"type": "string", "pattern": r"^\(\d\)\.\d\/x-y$"}),
    case("branches", {"type": "string", "pattern": "^cat$|^dog$"}),
    case("groups", {"type": "string", "pattern": "^(?:a|b){2}(?P<rest>c?)$"}),
    case("letters", {"type": "string", "pattern": "^[а-я]{3}$"}),
    case("email", {"type": "string", "format": "email"}),
    case("time", {"type": "string", "format": "time"}),
    case("uuid", {"type": "string", "format": "uuid"}),
    case("nullable", {"type": "boolean", "nullable": True}),
    case("type beside anyOf", {"type": "integer", "minimum": 1, "anyOf": [{"maximum": 3}]}),
    case("allOf", {"allOf": [{"type": "integer"}, {"minimum": 1, "maximum": 3}]}),
    case(
        "fields beside anyOf",
        {
            "properties": {"a": {"type": "boolean"}},
            "required": ["a"],
            "anyOf": [{"properties": {"b": {"type": "null"}}, "required": ["b"]}],
        },
    ),
    case(
        "beside a reference",
        {"$ref": "#/$defs/n", "maximum": 5},
        **{"$defs": {"n": {"type": "integer", "minimum": 1}}},
    ),
    case("escaped reference", {"$ref": "#/$defs/a~1b"}, **{"$defs": {"a/b": {"type": "boolean"}}}),
    case(
        "names",
        {"type": "object", "properties": {'a "b" ä': {"type": "null"}}, "required": ['a "b" ä']},
    ),
    case(
        "required alone",
        {
            "type": "object",
            "properties": {},
            "required": ["x"],
            "additionalProperties": {"type": "null"},
        },
    ),
    pytest.param(
        {
            "type": "object",
            "properties": {"kids": {"type": "array", "maxItems": 1, "items": {"$ref": "#"}}},
            "required": ["kids"],
        },
        id="holds itself",
    ),
    pytest.param(
        {
            "type": "object",
            "properties": {"why": SHORT, "answer": {"type": "boolean"}},
            "required": ["why", "answer"],
        },
        id="order",
    ),
    pytest.param({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, id="a list"),
]


@pytest.mark.parametrize("schema", KEPT)
@pytest.mark.parametrize("keeps_order", [True, False], ids=["own names", "longer names"])
def test_what_is_written_fits_the_schema(
    engine: LiveEngine, schema: Schema, *, keeps_order: bool
) -> None:
    asked = form(schema, keeps_order=keeps_order)

    found = answers(engine, asked)

    assert asked.wishes == ()
    assert found
    assert [asked.read(text).problem for text in found] == [""] * len(found)


WISHED = [
    case("number", {"type": "number", "minimum": 0, "maximum": 1}),
    case("step", {"type": "integer", "multipleOf": 7}),
    case("ahead", {"type": "string", "pattern": r"^(?=a)\w$", "maxLength": 3}),
    case("format", {"type": "string", "format": "ipv4", "maxLength": 3}),
    case(
        "unique",
        {
            "type": "array",
            "items": {"enum": [1, 2]},
            "minItems": 3,
            "maxItems": 3,
            "uniqueItems": True,
        },
    ),
    case("not", {"enum": [1, 2, 3], "not": {"const": 2}}),
    case("fields", {"type": "object", "properties": {"a": {"type": "null"}}, "minProperties": 1}),
]


@pytest.mark.parametrize("schema", WISHED)
def test_what_is_only_wished_is_said_and_checked(engine: LiveEngine, schema: Schema) -> None:
    asked = form(schema, keeps_order=True)

    read = [asked.read(text) for text in answers(engine, asked)]

    assert asked.wishes
    assert all(one.data is not None for one in read)
