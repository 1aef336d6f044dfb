"""Fields in the order they were written, on a server that sorts them by name.

Ollama's ``/api/chat`` passes a schema through a sorted map, so that a field "answer" is written
before its "reasoning" (ollama issue 8461). A prefix makes the sorted order the wanted one, and is
taken off again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Schema = dict[str, Any]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Order:
    """Which names were lengthened: sent name to own name."""

    names: Mapping[str, str] = field(default_factory=dict)

    def restored(self, value: Any) -> Any:
        """Give fields their own names again, at every depth."""
        if not self.names:
            return value
        if isinstance(value, dict):
            return {self.names.get(k, k): self.restored(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.restored(item) for item in value]
        return value

    def restored_text(self, text: str) -> str:
        """Do the same in a text of JSON, and leave all else of it as it is."""
        if not self.names:
            return text
        longer = "|".join(re.escape(json.dumps(name)[1:-1]) for name in self.names)
        own = {json.dumps(sent): json.dumps(name) for sent, name in self.names.items()}
        # A quote inside a string has a backslash before it, and a value no colon behind it.
        return re.sub(rf'(?<!\\)"(?:{longer})"(?=\s*:)', lambda key: own[key[0]], text)


def ordered(schema: Schema) -> tuple[Schema, Order]:
    """Return a schema whose fields sort into their own order, and what was done for it.

    Examples
    --------
    >>> sent, order = ordered({"properties": {"why": {}, "answer": {}}})
    >>> list(sent["properties"]), order.restored({"a_why": 1, "b_answer": 2})
    (['a_why', 'b_answer'], {'why': 1, 'answer': 2})
    """
    taken = {name for part in _schemas(schema) for name in part.get("properties", ())}
    names: dict[str, str] = {}
    return _renamed(schema, taken, names), Order(names)


def _schemas(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key in ("properties", "$defs"):
                for part in item.values():
                    yield from _schemas(part)
            elif key not in ("enum", "const"):
                yield from _schemas(item)
    elif isinstance(value, list):
        for item in value:
            yield from _schemas(item)


def _renamed(value: Any, taken: set[str], names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, taken, names) for item in value]
    if not isinstance(value, dict):
        return value
    made: Schema = {}
    for key, item in value.items():
        if key in ("enum", "const"):
            made[key] = item
        elif key in ("properties", "$defs"):
            made[key] = {name: _renamed(part, taken, names) for name, part in item.items()}
        else:
            made[key] = _renamed(item, taken, names)
    if "properties" not in made:
        return made
    # The grammar writes required fields first, whatever their place.
    required = made.get("required", [])
    fields = sorted(made["properties"], key=lambda name: name not in required)
    groups = [[n for n in fields if n in required], [n for n in fields if n not in required]]
    if all(group == sorted(group) for group in groups):
        return made
    longer = _lengthened(fields, taken, names)
    made["properties"] = {longer[name]: made["properties"][name] for name in fields}
    if required:
        made["required"] = [longer[name] for name in required]
    return made


def _lengthened(fields: Sequence[str], taken: set[str], names: dict[str, str]) -> dict[str, str]:
    """Put letters before names, so many that no other field has such a name."""
    width = 1
    while True:
        width = max(width, next(w for w in range(1, 9) if len(_LETTERS) ** w >= len(fields)))
        made = {name: f"{_counted(place, width)}_{name}" for place, name in enumerate(fields)}
        if all(sent not in taken and names.get(sent, own) == own for own, sent in made.items()):
            names.update({sent: own for own, sent in made.items()})
            return made
        width += 1


def _counted(place: int, width: int) -> str:
    letters = ""
    for _ in range(width):
        place, letter = divmod(place, len(_LETTERS))
        letters = _LETTERS[letter] + letters
    return letters
