"""Two schemas as one that says both: what stands beside a ``$ref``, an ``anyOf``, in an ``allOf``."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: Keywords of which the larger one says both, and those of which the smaller one does.
_LARGEST = frozenset(
    ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
)
_SMALLEST = frozenset(
    ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
)
#: What says nothing about a value: the first one stays.
_ANNOTATIONS = frozenset(
    (
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "$schema", "$id", "$defs", "definitions"),
    )
)


class Unmergeable(ValueError):
    """No one schema of these keywords says what both do."""


def merged(one: Schema, other: Schema) -> Schema:
    """Return a schema that asks for what both ask.

    Raises
    ------
    Unmergeable
        Both have a keyword of which only one can be sent, such as a pattern.

    Examples
    --------
    >>> merged({"type": "integer", "minimum": 1}, {"minimum": 3, "maximum": 9})
    {'type': 'integer', 'minimum': 3, 'maximum': 9}
    """
    found = dict(one)
    for key, value in other.items():
        found[key] = _both(key, found[key], value) if key in found else value
    if found.get("additionalProperties") is False:
        _check_closed(one, other)
    return found


def _both(key: str, one: Any, other: Any) -> Any:
    if one == other or key in _ANNOTATIONS:
        return one
    if key in _LARGEST:
        return max(one, other)
    if key in _SMALLEST:
        return min(one, other)
    if key not in _JOINED:
        raise Unmergeable(key)
    return _JOINED[key](one, other)


def _choices(one: Any, other: Any) -> Any:
    return [value for value in one if value in other]


def _names(one: Any, other: Any) -> Any:
    return list(dict.fromkeys([*one, *other]))


def _fields(one: Any, other: Any) -> Any:
    shared = {name: merged(one[name], other[name]) for name in one if name in other}
    return {**one, **other, **shared}


def _parts(one: Any, other: Any) -> Any:
    if False in (one, other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return merged(one, other)
    return one if isinstance(one, dict) else other


def _types(one: Any, other: Any) -> Any:
    left = one if isinstance(one, list) else [one]
    right = other if isinstance(other, list) else [other]
    kept = [name for name in left if name in right]
    kept += ["integer"] * (
        "integer" not in kept and {"integer", "number"} <= {*left, *right} and not kept
    )
    if not kept:
        raise Unmergeable("type")
    return kept[0] if len(kept) == 1 else kept


_JOINED = {
    "type": _types,
    "enum": _choices,
    "required": _names,
    "properties": _fields,
    "items": _parts,
    "additionalProperties": _parts,
}


def _check_closed(one: Schema, other: Schema) -> None:
    """Refuse a closed object beside one with other fields, which it would forbid."""
    for closed, open_ in ((one, other), (other, one)):
        if closed.get("additionalProperties") is False and set(open_.get("properties", ())) - set(
            closed.get("properties", ())
        ):
            raise Unmergeable("additionalProperties")
