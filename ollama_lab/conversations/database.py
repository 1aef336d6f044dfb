"""One connection to the file, shared by a process's threads: transactions, and errors in words."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ollama_lab.errors import BadUsage, Busy, Forbidden, OllamaLabError

from . import looking, place, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: How long one process waits while another one writes.
BUSY_SECONDS = 5.0
_LOG_BYTES = 4_000_000
# Connections of the process this one was forked from: to close one would drop the parent's locks.
_INHERITED: list[sqlite3.Connection] = []

#: The identity of no file at all: not even of one that is missing.
_NO_FILE = (0, 0)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """The file of chats, or one in memory.

    Parameters
    ----------
    path : Path, optional
        The file; None keeps everything in memory.
    is_read_only : bool, optional
        Write nothing, even where that is possible.

    Attributes
    ----------
    notice : str
        What a person should know: that a file was set aside, and where it is now.
    """

    def __init__(self, path: Path | None, *, is_read_only: bool = False) -> None:
        self.path = path
        self.notice = ""
        self._only_reads = is_read_only
        self._forbidden: Forbidden | None = None
        self._is_lasting = True
        self._openings = 0
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._file: tuple[int, int] | None = None
        self._is_closed = False
        self._connection = self._opened()

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written: see `writing` for why."""
        return self._forbidden is not None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, with one state of the file for all that is read."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, with nobody else writing; all is kept, or nothing.

        Raises
        ------
        NoRoom, Forbidden, Busy, OllamaLabError
            One sentence each.
        """
        with self._transaction("BEGIN IMMEDIATE", is_change=True) as connection:
            yield connection

    def stamp(self) -> tuple[int, int, int]:
        """Return what differs as soon as any process has written: it costs one short look."""
        with self._locked() as connection, self._worded():
            # The first says what others committed, the second what this connection wrote.
            seen = connection.execute("PRAGMA data_version").fetchone()[0]
            return seen, connection.total_changes, self._openings

    def erase_traces(self) -> None:
        """Move what was written into the file itself, so that the log holds nothing deleted."""
        with self._locked() as connection, suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._is_closed = True
            self._connection.close()

    @contextmanager
    def _transaction(self, begin: str, *, is_change: bool = False) -> Iterator[sqlite3.Connection]:
        with self._locked() as connection, self._worded():
            if is_change and self._forbidden is not None:
                raise self._forbidden
            if connection.in_transaction:  # an interrupt fell between two statements
                connection.execute("ROLLBACK")
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            self._after_fork()
        with self._lock:
            if self._is_closed:
                raise BadUsage("The store of chats is closed.", hint="Open it again.")
            # Somebody deleted or moved the file: SQLite would go on writing into nothing.
            # And what can only be read may have become writable, or have been written to.
            if self.path and (not self._is_lasting or place.identity(self.path) != self._file):
                self._connection.close()
                self._connection = self._opened()
            yield self._connection

    def _after_fork(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        if self.path:
            _INHERITED.append(self._connection)
            self._connection = self._opened()

    # ---------------------------------------------------------------- opening

    def _opened(self) -> sqlite3.Connection:
        self._openings += 1
        # Where this fails, the next use tries again.
        self._forbidden, self._is_lasting = None, False
        connection, self._is_lasting = self._tried()
        return connection

    def _tried(self) -> tuple[sqlite3.Connection, bool]:
        """Give a connection, and whether it may be kept."""
        if self.path is None:
            connection = _connect(":memory:")
            _prepare(connection)
            schema.migrate(connection)
            return connection, True
        if self._only_reads:
            with self._worded():
                return self._opened_to_look(self.path, place.only_read(self.path))
        try:
            with self._worded():
                place.make_file(self.path)
                return self._opened_file(self.path), True
        except Forbidden as exc:
            return self._read_at_least(self.path, exc)

    def _read_at_least(self, path: Path, why: Forbidden) -> tuple[sqlite3.Connection, bool]:
        """Open a file that cannot be written to; for one look, as the reason may go away."""
        if place.identity(path) is None:
            raise why
        try:
            return self._opened_to_look(path, why)[0], False
        except (sqlite3.Error, OllamaLabError):
            raise why from why.__cause__

    def _opened_to_look(self, path: Path, why: Forbidden) -> tuple[sqlite3.Connection, bool]:
        self._file = place.identity(path)
        self._forbidden = why
        return looking.opened(path)

    def _opened_file(self, path: Path) -> sqlite3.Connection:
        self._file = place.identity(path)
        connection = _connect(path)
        try:
            _prepare(connection)
            reason = _why_not(connection)
            if not reason:
                _choose_journal(connection, path)
                schema.migrate(connection)
                return connection
        except sqlite3.DatabaseError as exc:
            connection.close()
            if _code(exc) not in _DAMAGED:
                raise
            reason = "damaged"
        except BaseException:
            connection.close()
            raise
        connection.close()
        self._set_aside(reason)
        return self._opened()

    def _set_aside(self, reason: str) -> None:
        assert self.path is not None
        try:
            aside = place.set_aside(self.path, reason, self._file)
        except OSError as exc:
            raise place.not_writable(self.path, exc.strerror or str(exc)) from exc
        if aside:
            self.notice = f"{self.path} {_REASONS[reason]} It is kept as {aside.name}, and a new file was begun."

    # ---------------------------------------------------------------- errors

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as exc:
            raise self._as_ours(exc) from exc

    def _as_ours(self, exc: sqlite3.DatabaseError) -> OllamaLabError:
        if self.path is None:
            return OllamaLabError(f"The private chat cannot be kept in memory: {exc}.")
        if _code(exc) not in _DAMAGED:
            return _worded_error(exc, self.path)
        if self.is_read_only:
            return OllamaLabError(
                f"{self.path} is damaged, and can only be read.",
                hint=f"Name another directory in {place.VARIABLE}.",
            )
        self._set_aside("damaged")
        self._file = _NO_FILE  # the next use opens a new one
        return OllamaLabError(
            self.notice or f"{self.path} was damaged and has been set aside.",
            hint="Try again, with the new file.",
        )


_REASONS = {
    "damaged": "is damaged.",
    "foreign": "is the database of another program.",
    "newer": "was written by a newer ollama-lab.",
}


def _connect(where: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        where, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten: a chat may be private.
    connection.execute("PRAGMA secure_delete = ON")


def _why_not(connection: sqlite3.Connection) -> str:
    """Say why a file is not for us; empty if it is."""
    if schema.is_foreign(connection):
        return "foreign"
    return "newer" if schema.version(connection) > len(schema.STEPS) else ""


def _choose_journal(connection: sqlite3.Connection, path: Path) -> None:
    """Use the write-ahead log where all processes share memory, else the rollback journal."""
    wanted = "delete" if place.is_on_network(path) else "wal"
    got = _patiently(lambda: connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0])
    # After a large import the log gives its room back.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    # With the log a crash of the machine may cost the last commits, never the file.
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if got == 'wal' else 'FULL'}")


def _patiently(change: Callable[[], str]) -> str:
    """Change the journal; SQLite does not wait by itself while another process does the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return change()
        except sqlite3.OperationalError as exc:
            if _code(exc) not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _code(exc: sqlite3.Error) -> int:
    """Return the error's number without its details."""
    number: int = getattr(exc, "sqlite_errorcode", 0)
    # A search index that is damaged is no damaged file: it can be made again.
    return number if number == sqlite3.SQLITE_CORRUPT_VTAB else number & 0xFF


def _worded_error(exc: sqlite3.Error, path: Path) -> OllamaLabError:
    code = _code(exc)
    if code in _BUSY:
        return Busy(
            f"Another program has been writing to {path} for {BUSY_SECONDS:g} s.",
            hint="Try again.",
        )
    if code in _FORBIDDEN:
        return place.not_writable(path, _why_forbidden(path, str(exc)))
    if code == sqlite3.SQLITE_TOOBIG:
        return BadUsage("One message is larger than a gigabyte.", hint="Shorten it.")
    # A quota, and a limit on the size of files, come as an error of the write itself.
    is_cut = getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_WRITE
    if code == sqlite3.SQLITE_FULL or is_cut:
        return place.no_room(path)
    return OllamaLabError(
        f"{path} cannot be used: {exc}.", hint="Check the disk and the directory."
    )


def _why_forbidden(path: Path, said: str) -> str:
    if not _may_write(path.parent):
        return "the directory is not yours to write to"
    if not _may_write(path):
        return "the file is not yours to write to"
    return said


def _may_write(path: Path) -> bool:
    is_effective = os.access in os.supports_effective_ids
    return os.access(path, os.W_OK, effective_ids=is_effective)
