"""The form an answer is to have: any JSON, a JSON schema, or a type of the user's.

A type is a pydantic model, a dataclass, a TypedDict or any other that pydantic reads, such as
``list[City]``. What comes back is always checked: a server's status 200 proves nothing.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_origin

from ollama_lab import schema
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable

_CHARACTERS = 200
_KINDS = (
    'It is "json", a dict that holds a JSON schema, a pydantic model, a dataclass, a TypedDict.'
)


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer is to look like.

    Parameters
    ----------
    prepared : Prepared, optional
        None for any JSON.
    build : callable
        Makes the user's object of parsed JSON.
    """

    prepared: schema.Prepared | None = None
    build: Callable[[Any], Any] = field(default=lambda value: value)

    @property
    def sent(self) -> str | Mapping[str, Any]:
        """What goes into Ollama's ``format``."""
        return self.prepared.sent if self.prepared else "json"

    @property
    def instruction(self) -> str:
        """What is said in the prompt."""
        return self.prepared.instruction if self.prepared else ""

    @property
    def wishes(self) -> tuple[str, ...]:
        """What the server does not see to; it is checked afterwards."""
        return self.prepared.wishes if self.prepared else ()

    def restored(self, text: str) -> str:
        """Take off what kept the fields in order, from a text of JSON or a part of one."""
        return self.prepared.restored_text(text) if self.prepared else text

    def read(self, text: str) -> Found:
        """Read an answer and check it.

        Parameters
        ----------
        text : str
            As `restored`.
        """
        try:
            value = json.loads(text)
        except ValueError as exc:
            return Found(None, f"it is no JSON: {exc}")
        if problem := self._misfit(value):
            return Found(value, problem)
        try:
            return Found(self.build(value), "")
        except ValueError as exc:  # pydantic's is one
            return Found(value, _words(exc))

    def _misfit(self, value: Any) -> str:
        if self.prepared is None:
            return ""
        kind = _draft(self.prepared.schema)
        validator = kind(self.prepared.schema, format_checker=kind.FORMAT_CHECKER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pattern with a set in a set
            error = _jsonschema().exceptions.best_match(validator.iter_errors(value))
        if error is None:
            return ""
        place = ".".join(map(str, error.absolute_path))
        words = " ".join(str(error.message).split())
        return _bounded(f"{place}: {words}" if place else words)


class Fields:
    """The text of an answer as its fields become whole, with their own names.

    Parameters
    ----------
    form : Form
        What the answer is to look like.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._reader = schema.Reader()
        self._given = 0

    def add(self, text: str, *, is_last: bool = False) -> str:
        """Take the next piece, and return what has become whole with it; mostly nothing.

        Parameters
        ----------
        is_last : bool, optional
            Return what never became whole, too.
        """
        self._reader.feed(text)
        known = self._reader.text if is_last else self._reader.whole
        # A name is never cut in two where a value ends, so each part is restored alone.
        new, self._given = known[self._given :], len(known)
        return self._form.restored(new)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read: ``data``, and why it does not fit (empty where it does)."""

    data: Any
    problem: str


def form(value: Any, *, keeps_order: bool = False) -> Form:
    """Read what a user gave as the form of an answer.

    Parameters
    ----------
    value : object
        ``"json"``, a JSON schema, or a type.
    keeps_order : bool, optional
        See `schema.prepare`.

    Raises
    ------
    BadUsage
        It is none of these, or a schema that cannot be met.
    ImportError
        A type needs pydantic, or a schema jsonschema, which is not installed.
    """
    if isinstance(value, Form):
        return value
    if value == "json":
        return Form()
    if isinstance(value, Mapping) and value:
        _jsonschema()
        return Form(schema.prepare(dict(value), keeps_order=keeps_order))
    if not isinstance(value, type) and get_origin(value) is None:
        shown = repr(value) if isinstance(value, str) else f"a {type(value).__name__}"
        raise BadUsage(f"The form of the answer is {shown}.", hint=_KINDS)
    return _of_type(value, keeps_order=keeps_order)


def _of_type(value: Any, *, keeps_order: bool) -> Form:
    try:
        import pydantic
    except ImportError as exc:
        raise ImportError("A type as the form of an answer needs: pip install pydantic") from exc
    _jsonschema()
    try:
        adapter: Any = pydantic.TypeAdapter(value)
        made = adapter.json_schema()
    except Exception as exc:  # (pydantic has many, and a type's own code may raise anything)
        name = getattr(value, "__name__", type(value).__name__)
        raise BadUsage(f"{name} is no form of an answer: {_words(exc)}", hint=_KINDS) from exc
    prepared = schema.prepare(made, keeps_order=keeps_order)
    return Form(prepared, adapter.validate_python)


def _draft(made: Mapping[str, Any]) -> Any:
    """Choose the draft that a schema names, else the newest by whose rules it is one."""
    found = _jsonschema()
    newest = found.validators.validator_for(made, default=found.Draft202012Validator)
    try:
        newest.check_schema(made)
    except found.SchemaError:  # a list of `items`, as draft 7 writes a tuple
        return found.Draft7Validator
    return newest


def _jsonschema() -> Any:
    try:
        import jsonschema
        import jsonschema.validators
    except ImportError as exc:
        raise ImportError("An answer is checked with: pip install jsonschema") from exc
    return jsonschema


def _words(exc: Exception) -> str:
    return _bounded(" ".join(str(exc).split()).rstrip("."))


def _bounded(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…"
