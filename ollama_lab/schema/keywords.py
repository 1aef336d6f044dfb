"""The values of a schema's keywords, read and checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_MOST_CHOICES = 5_000
_DEEPEST = 100
_COUNTS = frozenset(("minLength", "maxLength", "minItems", "maxItems", "minProperties"))
_NUMBERS = _COUNTS | {
    *("maxProperties", "minContains", "maxContains", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_TEXTS = frozenset(("pattern", "format", "description", "$ref"))
#: Keywords that hold schemas: by name, in a list, alone.
_FIELDS = frozenset(("properties", "$defs", "definitions", "patternProperties"))
_LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_PARTS = frozenset(
    ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else")
)
_PAIRS = (
    ("minimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)


def refused(pointer: str, words: str) -> BadUsage:
    """Word what is wrong with a schema, and where."""
    return BadUsage(f"The JSON schema at {pointer} {words}.", hint="Correct it there.")


def listed(schema: Schema, key: str, pointer: str) -> list[Any]:
    """Return the schemas of a keyword that is a list of them."""
    found = schema[key]
    if not isinstance(found, list) or not found:
        raise refused(f"{pointer}/{key}", "is no list of schemas")
    return found


def types_of(schema: Schema, pointer: str) -> list[str]:
    """Return the types a schema names, none where it names none."""
    given = schema.get("type", [])
    types = given if isinstance(given, list) else [given]
    for name in types:
        if name not in TYPES:
            raise refused(pointer, f"has the type {name!r}, which is none of {', '.join(TYPES)}")
    return types


def choices(schema: Schema, pointer: str) -> list[Any]:
    """Return the values of an ``enum`` that its ``type`` allows, too."""
    values = schema["enum"]
    types = types_of(schema, pointer)
    kept = [value for value in values if not types or _type_of(value) & set(types)]
    if not kept:
        raise refused(f"{pointer}/enum", f"has no value of the type {' or '.join(types)}")
    if len(kept) > _MOST_CHOICES:
        raise refused(f"{pointer}/enum", f"has more than {_MOST_CHOICES:,} values")
    return kept


def _type_of(value: Any) -> set[str]:
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int | float):
        return {"number", "integer"} if value == int(value) else {"number"}
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return {names.get(type(value), "")}


def check(schema: Any, pointer: str = "#", depth: int = 0) -> None:
    """Refuse keywords whose values are of a wrong kind, in a schema and in all that it holds.

    Raises
    ------
    BadUsage
        With the place.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise refused(pointer, "is no schema, which is a dict")
    if depth > _DEEPEST:
        raise refused("#", f"is nested more than {_DEEPEST} deep")
    for key, value in schema.items():
        if key in _NUMBERS:
            _check_number(value, f"{pointer}/{key}")
        elif key in _TEXTS and not isinstance(value, str):
            raise refused(f"{pointer}/{key}", "is no text")
    _check_lists(schema, pointer)
    _check_bounds(schema, pointer)
    for part, here in _held(schema, pointer):
        check(part, here, depth + 1)


def _held(schema: Schema, pointer: str) -> Iterator[tuple[Any, str]]:
    """Yield the schemas that a schema holds, with their places."""
    for key, value in schema.items():
        here = f"{pointer}/{key}"
        if key in _FIELDS:
            if not isinstance(value, dict):
                raise refused(here, "is no dict of schemas")
            yield from ((part, f"{here}/{escaped(name)}") for name, part in value.items())
        elif key in _LISTS or (key == "items" and isinstance(value, list)):
            parts = enumerate(listed(schema, key, pointer))
            yield from ((part, f"{here}/{index}") for index, part in parts)
        elif key in _PARTS:
            yield value, here


def _check_number(value: Any, pointer: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(pointer, "is no number")
    if value < 0 and pointer.rpartition("/")[2] in _COUNTS:
        raise refused(pointer, "is below 0")


def _check_lists(schema: Schema, pointer: str) -> None:
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise refused(f"{pointer}/required", "is no list of names")
    if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
        raise refused(f"{pointer}/enum", "is no list of values")
    types_of(schema, pointer)


def _check_bounds(schema: Schema, pointer: str) -> None:
    """Refuse a lower bound above its upper one: the server takes all memory there is for it."""
    for low_key, high_key in _PAIRS:
        if low_key not in schema or high_key not in schema:
            continue
        low, high = schema[low_key], schema[high_key]
        is_open = "exclusive" in low_key or "exclusive" in high_key
        if low > high or (is_open and low == high):
            words = f"has {low_key} {low:g} above {high_key} {high:g}: nothing fits"
            raise refused(pointer, words)


def escaped(name: str) -> str:
    """Write a name as a step of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def whole_bounds(schema: Schema) -> tuple[int | None, int | None]:
    """Return the bounds of a whole number as whole numbers that are themselves allowed."""
    lows = [-int(-schema["minimum"] // 1)] if "minimum" in schema else []
    highs = [int(schema["maximum"] // 1)] if "maximum" in schema else []
    if "exclusiveMinimum" in schema:
        lows.append(int(schema["exclusiveMinimum"] // 1) + 1)
    if "exclusiveMaximum" in schema:
        highs.append(-int(-schema["exclusiveMaximum"] // 1) - 1)
    return max(lows, default=None), min(highs, default=None)
