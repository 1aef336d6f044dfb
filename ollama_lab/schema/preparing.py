"""From a schema as people write it to one that the server keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ollama_lab.errors import BadUsage
from ollama_lab.schema.ending import can_end
from ollama_lab.schema.keywords import (
    check,
    choices,
    escaped,
    listed,
    refused,
    types_of,
    whole_bounds,
)
from ollama_lab.schema.merging import Unmergeable, merged
from ollama_lab.schema.order import Order, ordered
from ollama_lab.schema.patterns import Unsayable, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = dict[str, Any]

_DEEPEST = 100
_MOST_CHARACTERS, _MOST_ITEMS = 100_000, 3_000
#: A whole number with one bound of three digits or more leaks past it; with two it does not.
_LEAKS_FROM, _FAR = 100, 10**9
_MOST_STEPS = 1_000
#: Formats whose shape the grammar knows.
_KEPT_FORMATS = frozenset(("date", "time", "date-time", "uuid"))
_EMAIL = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
#: Said by nobody to the grammar: checked afterwards.
_ONLY_WISHED = (
    *("uniqueItems", "contains", "minContains", "maxContains", "minProperties"),
    *("maxProperties", "propertyNames", "patternProperties", "dependentRequired", "if", "not"),
    *("dependentSchemas", "dependencies", "contentEncoding", "$dynamicRef"),
)
_SILENT = frozenset(
    (
        *("title", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
        *("$schema", "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "then", "else"),
        *("contentMediaType", "unevaluatedProperties", "unevaluatedItems", "discriminator"),
    )
)
_BESIDE_A_CHOICE = ("description", "title", "default", "examples", "discriminator", "$comment")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A schema, ready to go.

    Parameters
    ----------
    schema : dict
        As it was given: what every answer is checked against.
    sent : dict
        What goes into ``format``.
    wishes : tuple of str
        What the server will not see to, such as ``"price: minimum"``; checked afterwards.
    """

    schema: Mapping[str, Any]
    sent: Mapping[str, Any]
    wishes: tuple[str, ...] = ()
    order: Order = field(default_factory=Order)

    def restored(self, value: Any) -> Any:
        """Take off what was put before names to keep their order."""
        return self.order.restored(value)

    def restored_text(self, text: str) -> str:
        """Do the same in a text of JSON, whole or cut off."""
        return self.order.restored_text(text)

    @property
    def instruction(self) -> str:
        """What the model is told: it does not see the grammar that binds it."""
        shown = json.dumps(self.sent, ensure_ascii=False, separators=(",", ":"))
        wishes = f"\nAlso keep to: {'; '.join(self.wishes)}." if self.wishes else ""
        return f"Answer in JSON after this JSON schema: {shown}{wishes}"


def prepare(schema: Mapping[str, Any], *, keeps_order: bool = False) -> Prepared:
    """Make a JSON schema ready for the server.

    Parameters
    ----------
    schema : mapping
        JSON schema, draft 7 or 2020-12.
    keeps_order : bool, optional
        Whether the server keeps the order of properties. Ollama's own sorts them by name on
        ``/api/chat``, so names get a prefix there where their order is another.

    Raises
    ------
    BadUsage
        Nothing can meet it, it would hurt the server, or it says something that cannot be said;
        the message names the place as a JSON pointer.
    """
    if not isinstance(schema, dict):
        raise BadUsage("A JSON schema is a dict.")
    found = _Preparing(schema).whole()
    sent, order = (found.sent, Order()) if keeps_order else ordered(found.sent)
    return Prepared(schema, sent, found.wishes, order)


@dataclass(frozen=True, slots=True)
class _Found:
    sent: Schema
    wishes: tuple[str, ...]


class _Preparing:
    """One schema on its way: definitions are prepared once, wishes collected in order."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._wishes: dict[str, None] = {}
        self._names: dict[str, str] = {}
        self._defs: dict[str, Schema] = {}

    def whole(self) -> _Found:
        check(self._root)
        sent = self._node(self._root, "#", "")
        if self._defs:
            sent = {**sent, "$defs": self._defs}
        if not can_end(sent, self._defs):
            raise refused("#", "asks for an answer without an end: it holds itself")
        return _Found(sent, tuple(self._wishes))

    # ------------------------------------------------------------ one schema

    def _node(self, schema: Any, pointer: str, path: str) -> Schema:
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            raise refused(pointer, "is no schema, which is a dict")
        if pointer.count("/") > 2 * _DEEPEST:
            raise refused("#", f"is nested more than {_DEEPEST} deep")
        schema = self._flat(schema, pointer, path, ())
        if "$ref" in schema:
            return self._reference(schema, pointer)
        check(schema, pointer)  # again: it may have been put together
        for branches in ("anyOf", "oneOf"):
            if branches in schema:
                return self._choice(schema, branches, pointer, path)
        return self._plain(schema, pointer, path)

    def _flat(self, schema: Schema, pointer: str, path: str, seen: tuple[str, ...]) -> Schema:
        """Put together what stands in ``allOf``, beside ``$ref`` and in ``nullable``."""
        if "$ref" in schema and set(schema) - {"$ref", "description", *_SILENT}:
            schema = self._inlined(schema, pointer, path, seen)
        if "allOf" in schema:
            schema = self._all_of(schema, pointer, path, seen)
        if schema.get("nullable") is True:
            rest = {key: value for key, value in schema.items() if key != "nullable"}
            return {"anyOf": [rest, {"type": "null"}]}
        return schema

    def _all_of(self, schema: Schema, pointer: str, path: str, seen: tuple[str, ...]) -> Schema:
        found = {key: value for key, value in schema.items() if key != "allOf"}
        for index, part in enumerate(listed(schema, "allOf", pointer)):
            here = f"{pointer}/allOf/{index}"
            if isinstance(part, bool):
                raise refused(here, "is no schema, which is a dict")
            found = self._merged(found, self._inlined(part, here, path, seen), here, path)
        return found

    def _inlined(self, part: Schema, pointer: str, path: str, seen: tuple[str, ...]) -> Schema:
        if "$ref" not in part:
            return self._flat(part, pointer, path, seen)
        target = self._resolved(part["$ref"], pointer, seen)
        beside = {key: value for key, value in part.items() if key != "$ref"}
        inner = self._inlined(target, pointer, path, (*seen, part["$ref"]))
        return self._merged(beside, inner, pointer, path)

    def _merged(self, one: Schema, other: Schema, pointer: str, path: str) -> Schema:
        try:
            return merged(one, other)
        except Unmergeable as exc:
            if str(exc) in ("type", "additionalProperties"):
                raise refused(pointer, f"asks for two things at once: {exc}") from exc
            self._wish(path, str(exc))
            return {**other, **one}

    # ------------------------------------------------------------ references

    def _reference(self, schema: Schema, pointer: str) -> Schema:
        ref = schema["$ref"]
        target = self._resolved(ref, pointer, ())
        seen = [ref]
        while set(target) <= {"$ref", *_SILENT, "description"} and "$ref" in target:
            if target["$ref"] in seen:
                raise refused(pointer, f"refers to itself: {ref}")
            seen.append(target["$ref"])
            target = self._resolved(target["$ref"], pointer, ())
        ref = seen[-1]
        if ref not in self._names:
            name = self._name(ref)
            self._names[ref] = name
            self._defs[name] = {}
            self._defs[name] = self._node(target, ref, name)
        described = {"description": schema["description"]} if "description" in schema else {}
        return {"$ref": f"#/$defs/{self._names[ref]}", **described}

    def _name(self, ref: str) -> str:
        last = unquote(ref).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        plain = "".join(char if char.isalnum() and char.isascii() else "-" for char in last)
        name = plain if plain and ref != "#" else "root"
        while name in self._defs:
            name += "-"
        return name

    def _resolved(self, ref: Any, pointer: str, seen: tuple[str, ...]) -> Schema:
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
            raise refused(pointer, f"refers to {ref!r}: only places in the schema itself are known")
        if ref in seen:
            raise refused(pointer, f"refers to itself: {ref}")
        found: Any = self._root
        for step in ref.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                raise refused(pointer, f"refers to {ref}, which is not there")
        if not isinstance(found, dict):
            raise refused(pointer, f"refers to {ref}, which is no schema")
        check(found, ref)
        return found

    # ------------------------------------------------------------ choices

    def _choice(self, schema: Schema, branches: str, pointer: str, path: str) -> Schema:
        beside = {
            key: value
            for key, value in schema.items()
            if key not in (branches, *_BESIDE_A_CHOICE, *_SILENT)
        }
        parts = []
        for index, part in enumerate(listed(schema, branches, pointer)):
            here = f"{pointer}/{branches}/{index}"
            whole = {"allOf": [beside, part]} if beside else part
            parts.append(self._node(whole, here, path))
        described = {"description": schema["description"]} if "description" in schema else {}
        return {"anyOf": parts, **described}

    # ------------------------------------------------------------ plain schemas

    def _plain(self, schema: Schema, pointer: str, path: str) -> Schema:
        self._wish_for(schema, path)
        described = {"description": schema["description"]} if "description" in schema else {}
        if "const" in schema:
            return {"const": schema["const"], **described}
        if "enum" in schema:
            return {"enum": choices(schema, pointer), **described}
        types = types_of(schema, pointer)
        if len(types) > 1:
            parts = [{**schema, "type": name} for name in types]
            made = [
                self._typed(part, name, pointer, path)
                for part, name in zip(parts, types, strict=True)
            ]
            return {"anyOf": made, **described}
        if not types:
            return self._untyped(schema, pointer, path) | described
        return self._typed(schema, types[0], pointer, path) | described

    def _untyped(self, schema: Schema, pointer: str, path: str) -> Schema:
        """Keep what the server guesses of a schema that names no type."""
        for name, keys in (
            ("object", ("properties", "required", "additionalProperties")),
            ("array", ("items", "prefixItems", "minItems", "maxItems")),
            ("string", ("pattern", "format", "minLength", "maxLength")),
            ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
        ):
            if any(key in schema for key in keys):
                return self._typed(schema, name, pointer, path)
        return {}

    def _typed(self, schema: Schema, name: str, pointer: str, path: str) -> Schema:
        makers: dict[str, Callable[[Schema, str, str], Schema]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
        }
        return {"type": name} | (makers[name](schema, pointer, path) if name in makers else {})

    def _object(self, schema: Schema, pointer: str, path: str) -> Schema:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        made: Schema = {}
        for name, part in properties.items():
            if not name:
                raise refused(f"{pointer}/properties", "has a field with an empty name")
            if part is False:
                continue
            place = f"{pointer}/properties/{escaped(name)}"
            made[name] = self._node(part, place, f"{path}.{name}" if path else name)
        found: Schema = {}
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            others = self._node(
                others, f"{pointer}/additionalProperties", f"{path}.*" if path else "*"
            )
        if others is not None:
            found["additionalProperties"] = others
        for name in required:
            made.setdefault(name, others if isinstance(others, dict) else {})
        if made:
            found["properties"] = made
        if required:
            found["required"] = list(required)
        return found

    def _array(self, schema: Schema, pointer: str, path: str) -> Schema:
        items, prefix = schema.get("items"), schema.get("prefixItems")
        if isinstance(items, list):  # draft 7's tuples
            prefix, items = items, schema.get("additionalItems")
        within = f"{path}[]"
        found: Schema = {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
        if any(count > _MOST_ITEMS for count in found.values()):
            self._wish(path, *found)
            found = {}
        if prefix is None:
            if items is False:
                return {"items": {}, "maxItems": 0}
            if items is not None:
                found["items"] = self._node(items, f"{pointer}/items", within)
            return found
        # Beside `items` the server loses the first ones: the tuple is closed instead.
        if found.get("minItems", 0) > len(prefix) or found.get("maxItems", len(prefix)) < len(
            prefix
        ):
            self._wish(path, "minItems, maxItems")
        return {
            "prefixItems": [
                self._node(part, f"{pointer}/prefixItems/{index}", within)
                for index, part in enumerate(prefix)
            ]
        }

    def _string(self, schema: Schema, pointer: str, path: str) -> Schema:
        lengths: Schema = {key: schema[key] for key in ("minLength", "maxLength") if key in schema}
        pattern = self._pattern(schema, pointer, path)
        if pattern:
            self._wish(path, *lengths)  # beside a pattern they count for nothing
            return {"pattern": pattern}
        if schema.get("format") in _KEPT_FORMATS:
            self._wish(path, *lengths)
            return {"format": schema["format"]}
        if any(count > _MOST_CHARACTERS for count in lengths.values()):
            self._wish(path, *lengths)
            return {}
        return lengths

    def _pattern(self, schema: Schema, pointer: str, path: str) -> str:
        named = schema.get("format")
        if named == "email" and "pattern" not in schema:
            return _EMAIL
        if named is not None and named not in _KEPT_FORMATS:
            self._wish(path, f"format {named}")
        if "pattern" not in schema:
            return ""
        try:
            found = rewritten(str(schema["pattern"]))
        except Unsayable as exc:
            raise refused(f"{pointer}/pattern", str(exc)) from exc
        if found is None:
            self._wish(path, "pattern")
        return found or ""

    def _integer(self, schema: Schema, _: str, path: str) -> Schema:
        low, high = whole_bounds(schema)
        step = schema.get("multipleOf")
        if step and low is not None and high is not None and (high - low) / step <= _MOST_STEPS:
            first = -(-low // step) * step
            count = int((high - first) // step) + 1
            values = [first + n * step for n in range(count)]
            return {"enum": [int(value) for value in values if value == int(value)]}
        if step:
            self._wish(path, "multipleOf")
        if low is not None and high is None and abs(low) >= _LEAKS_FROM:
            high = max(_FAR, 10 * low)
        if high is not None and low is None and abs(high) >= _LEAKS_FROM:
            low = min(-_FAR, 10 * high)
        bounds = {"minimum": low, "maximum": high}
        return {key: value for key, value in bounds.items() if value is not None}

    def _number(self, schema: Schema, _: str, path: str) -> Schema:
        ignored = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
        self._wish(path, *(f"{key} {schema[key]}" for key in ignored if key in schema))
        return {}

    # ------------------------------------------------------------ wishes

    def _wish_for(self, schema: Schema, path: str) -> None:
        for key in _ONLY_WISHED:
            if key in schema:
                self._wish(path, key)

    def _wish(self, path: str, *words: str) -> None:
        for word in words:
            self._wishes[f"{path or 'the answer'}: {word}"] = None
