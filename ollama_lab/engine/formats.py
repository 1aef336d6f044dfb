"""``format`` of a request: JSON or a JSON schema, and the schemas that would hurt this machine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The grammar of a lower bound above its upper bound never ends: llama.cpp took 17 GB in a minute
# for minLength and maxLength. The others answer 500 in the middle of the text.
_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
)
# Each repetition becomes a rule of its own; a real Ollama was tried up to 100,000.
_MOST_REPETITIONS = 100_000
_DEEPEST = 200
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_REPEATED = re.compile(r"\{(\d*),?(\d*)\}")


def response_format(value: Any) -> dict[str, Any] | None:
    """Turn ``format`` into the child's ``response_format``; None asks for plain text.

    Raises
    ------
    EngineError
        Status 500 and Ollama's words for a value that is none; status 400 for a schema that
        no text can satisfy.
    """
    if value in (None, ""):
        return None
    if value == "json":
        return {"type": "json_object"}
    if not isinstance(value, dict):
        quoted = json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)
        raise EngineError(
            f'invalid format: {quoted}; expected "json" or a valid JSON Schema object', 500
        )
    for pointer, schema in _schemas(value, "#", 0):
        _check(pointer, schema)
    return {"type": "json_schema", "json_schema": {"schema": value}}


def check_types(value: Any) -> None:
    """Refuse a schema with a type that does not exist.

    For the one path on which llama.cpp drops such a schema and lets any text through; on the
    others it refuses by itself.

    Raises
    ------
    EngineError
        Status 400.
    """
    for pointer, schema in _schemas(value, "#", 0):
        given = schema.get("type", [])
        for name in given if isinstance(given, list) else [given]:
            if isinstance(name, str) and name not in _TYPES and not pointer.endswith("/properties"):
                raise EngineError(f"JSON schema error at {pointer}: unrecognized type {name}", 400)


def _schemas(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth > _DEEPEST:
        raise EngineError(f"the schema is nested more than {_DEEPEST} deep; flatten it", 400)
    if isinstance(value, dict):
        yield pointer, value
        for key, item in value.items():
            # A list of values is data, not a schema; a property may be called enum, too.
            if key != "enum" or isinstance(item, dict):
                yield from _schemas(item, f"{pointer}/{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _schemas(item, f"{pointer}/{index}", depth + 1)


def _check(pointer: str, schema: dict[str, Any]) -> None:
    for low_key, high_key in _BOUNDS:
        low, high = _number(schema.get(low_key)), _number(schema.get(high_key))
        if low is not None and high is not None and low > high:
            raise EngineError(
                f"the schema at {pointer} has {low_key} {low:g} above {high_key} {high:g}: "
                "no text fits. Swap them.",
                400,
            )
        if low_key != "minimum":
            _check_repetitions(pointer, [low, high])
    if isinstance(pattern := schema.get("pattern"), str):
        found = [number for pair in _REPEATED.findall(pattern) for number in pair if number]
        _check_repetitions(pointer, [float(number) for number in found])


def _check_repetitions(pointer: str, counts: Sequence[float | None]) -> None:
    for count in counts:
        if count is not None and count > _MOST_REPETITIONS:
            raise EngineError(
                f"the schema at {pointer} asks for {count:g} repetitions; "
                f"the most is {_MOST_REPETITIONS}.",
                400,
            )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
