"""A value of the user's as text that a model reads: frames as tables, the rest as it prints.

Everything is bounded, and what was left out is said in a line of its own.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from .kinds import is_a

if TYPE_CHECKING:
    from collections.abc import Iterable

ROWS = 20
COLUMNS = 30
CELL_CHARACTERS = 200
ARRAY_ELEMENTS = 1000
CHARACTERS = 100_000


def render(value: Any, spec: str = "") -> str:
    """Turn a value into the text that goes into a prompt.

    ====================  ==========================================================
    a string              as it is, whole
    DataFrame, Series     a Markdown table of 20 rows, or of as many as the format says
    numpy array           as it prints; above 1,000 elements only the ends of each axis
    dict, list            JSON
    function, class       its source
    anything else         ``format(value, spec)``
    ====================  ==========================================================

    All but strings, tables and what has a format end after 100,000 characters.

    Parameters
    ----------
    value : object
        Any value; generators are not consumed.
    spec : str, optional
        What follows the colon in ``{name:spec}``: for a frame its number of rows.

    Raises
    ------
    ValueError
        The format does not suit the value.

    Examples
    --------
    >>> render({"a": [1, None]}), render(2.5, ".2f"), render((1, 2))
    ('{"a": [1, null]}', '2.50', '(1, 2)')
    """
    if is_a(value, "pandas.Series"):
        value = value.to_frame("value" if value.name is None else value.name)
    if is_a(value, "pandas.DataFrame"):
        return _table(value, _row_limit(spec))
    if spec or isinstance(value, str):
        return format(value, spec)
    return _bounded(_unformatted(value))


def _unformatted(value: Any) -> str:
    if is_a(value, "numpy.ndarray"):
        return _array(value)
    if isinstance(value, dict | list):
        return _json(value)
    if inspect.isfunction(value) or inspect.isclass(value):
        return _source(value)
    return format(value, "")


def _row_limit(spec: str) -> int:
    if spec and not spec.isdecimal():
        raise ValueError("the format of a table is its number of rows, such as {df:50}")
    return int(spec or ROWS)


def _table(frame: Any, row_limit: int) -> str:
    part = frame.iloc[:row_limit, :COLUMNS]
    # A plain count from 0 tells nothing; any other index is data.
    has_index = not is_a(frame.index, "pandas.RangeIndex") or frame.index.name is not None
    labels = [_label(label) for label in part.columns]
    if has_index:
        labels.insert(0, _label([name for name in frame.index.names if name is not None]))
    lines = [_line(labels), _line(["---"] * len(labels))] if labels else []
    if labels:
        lines += (_line(_cell(value) for value in row) for row in part.itertuples(has_index, None))
    rows, columns = frame.shape
    counts = f"({len(part):,} of {rows:,} rows, {part.shape[1]:,} of {columns:,} columns)"
    return "\n".join([*lines, "", counts] if lines else [counts])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _label(label: Any) -> str:
    """Write the name of a column; one of several levels is a tuple."""
    return " / ".join(map(_cell, label)) if isinstance(label, tuple | list) else _cell(label)


def _cell(value: Any) -> str:
    # Eight digits: more cost a token each and say little.
    text = f"{value:.8g}" if isinstance(value, float) else str(value)
    if len(text) > CELL_CHARACTERS:
        text = text[: CELL_CHARACTERS - 1] + "…"
    return " ".join(text.split()).replace("|", "\\|")


def _array(array: Any) -> str:
    import numpy as np

    text = np.array2string(array, separator=", ", threshold=ARRAY_ELEMENTS)
    if array.size > ARRAY_ELEMENTS:
        text += f"\n(the ends of an array of shape {array.shape}, {array.dtype})"
    return text


def _json(value: Any) -> str:
    """Write JSON up to the limit; what JSON cannot say (a key that is a tuple) as Python prints it."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=_plain).iterencode(value):
            pieces.append(piece)
            size += len(piece)
            if size > CHARACTERS:
                break
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return "".join(pieces)


def _plain(value: Any) -> Any:
    if is_a(value, "numpy.generic") or is_a(value, "numpy.ndarray"):
        return value.tolist()
    return str(value)


def _source(value: Any) -> str:
    try:
        return inspect.getsource(value).rstrip("\n")
    except (OSError, TypeError):  # typed at a prompt that keeps no source; built in
        return str(value)


def _bounded(text: str) -> str:
    if len(text) <= CHARACTERS:
        return text
    return (
        f"{text[:CHARACTERS]}\n(the rest is left out: a value ends after {CHARACTERS:,} characters)"
    )
