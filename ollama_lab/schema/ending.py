"""Whether an answer to a schema can ever be finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = dict[str, Any]


def can_end(sent: Schema, defs: Mapping[str, Schema]) -> bool:
    """Whether a finite answer exists: one that always holds itself has no end.

    Examples
    --------
    >>> node = {"properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    >>> can_end({"$ref": "#/$defs/node"}, {"node": node})
    False
    """
    ending: set[str] = set()
    while True:
        new = {name for name, part in defs.items() if name not in ending and _ends(part, ending)}
        if not new:
            return _ends(sent, ending)
        ending |= new


def _ends(schema: Schema, ending: set[str]) -> bool:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2] in ending
    if "anyOf" in schema:
        return any(_ends(part, ending) for part in schema["anyOf"])
    return all(_ends(part, ending) for part in _needed(schema))


def _needed(schema: Schema) -> Iterator[Schema]:
    """Yield the parts that every answer holds."""
    properties = schema.get("properties", {})
    yield from (properties[name] for name in schema.get("required", ()) if name in properties)
    yield from schema.get("prefixItems", ())
    if schema.get("minItems", 0) > 0 and "items" in schema:
        yield schema["items"]
