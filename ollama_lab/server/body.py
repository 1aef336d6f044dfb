"""What a request says, field by field; nothing in it is trusted."""

from __future__ import annotations

import json
from typing import Any

from ollama_lab.errors import BadUsage

_HINT = "Reload the page: the sidebar may be older than the server."


class Body:
    """A JSON object that is asked for fields of known kinds.

    Parameters
    ----------
    value : object
        What was sent.
    place : str, optional
        What messages call it.

    Raises
    ------
    BadUsage
        It is no object, or a field has a value of another kind.
    """

    def __init__(self, value: Any, place: str = "The request") -> None:
        if not isinstance(value, dict):
            raise BadUsage(f"{place} is no JSON object.", hint=_HINT)
        self._value = value
        self._place = place

    @classmethod
    def read(cls, data: bytes) -> Body:
        """Read the body of a request; an empty one is an empty object."""
        try:
            return cls(json.loads(data or b"{}"))
        except (ValueError, RecursionError) as exc:
            raise BadUsage("The request is no JSON.", hint=_HINT) from exc

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._value.get(name) is not None

    def get(self, name: str) -> Any:
        """Give a field as it is; None where there is none."""
        return self._value.get(name)

    def wrong(self, name: str, what: str) -> BadUsage:
        """Word a field that cannot be used."""
        return BadUsage(f"{self._place} has a field '{name}' that {what}.", hint=_HINT)

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text; without a default it must be there."""
        value = self._value.get(name)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self.wrong(name, "is no text" if name in self._value else "is missing")
        return value

    def flag(self, name: str) -> bool:
        """Give a switch, off where it is not there."""
        value = self._value.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "is neither true nor false")
        return value

    def fields(self, name: str) -> dict[str, Any]:
        """Give an object, empty where it is not there."""
        value = self._value.get(name)
        value = {} if value is None else value
        if not isinstance(value, dict):
            raise self.wrong(name, "is no object")
        return value

    def texts(self, name: str) -> list[str]:
        """Give a list of texts, empty where it is not there."""
        value = self._list(name)
        if not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "is no list of texts")
        return value

    def items(self, name: str) -> list[Body]:
        """Give a list of objects, empty where it is not there."""
        return [Body(one, f"{self._place}'s {name}[{i}]") for i, one in enumerate(self._list(name))]

    def think(self) -> bool | str | None:
        """Give whether, or how hard, a model is to think."""
        value = self._value.get("think")
        if value is not None and not isinstance(value, bool | str):
            raise self.wrong("think", "is neither true, false nor a level")
        return value

    def _list(self, name: str) -> list[Any]:
        value = self._value.get(name)
        value = [] if value is None else value
        if not isinstance(value, list):
            raise self.wrong(name, "is no list")
        return value
