"""A file of chats that is only read: as somebody wants it so, or as nothing can be written there."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ollama_lab.errors import OllamaLabError

from . import place, schema

if TYPE_CHECKING:
    from pathlib import Path

_NEEDS_TO_WRITE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def opened(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open a file to read it; where there is none yet, an empty one in memory.

    Returns
    -------
    connection : sqlite3.Connection
        What is written by it is refused.
    is_lasting : bool
        Whether it sees what others write; one that does not is good for one look.

    Raises
    ------
    OllamaLabError
        The tables are not those of this version.
    sqlite3.DatabaseError
        It cannot be read either.
    """
    if place.identity(path) is None:
        return _empty(), True
    address = path.absolute().as_uri()
    try:
        return _checked(f"{address}?mode=ro", path), True
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF not in _NEEDS_TO_WRITE:
            raise
        # The write-ahead log wants a file beside this one. It is not there, so nobody writes now.
        return _checked(f"{address}?immutable=1", path), False


def _checked(address: str, path: Path) -> sqlite3.Connection:
    connection = _connect(address)
    try:
        found = schema.version(connection)
        if found == len(schema.STEPS) and not schema.is_foreign(connection):
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    if not path.stat().st_size:
        return _empty()
    raise OllamaLabError(
        f"{path} is of another program, or of another version of ollama-lab, and can only be read.",
        hint="Name another directory in OLLAMA_LAB_DATA_DIR.",
    )


def _empty() -> sqlite3.Connection:
    connection = _connect(":memory:")
    schema.migrate(connection)
    return connection


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection
