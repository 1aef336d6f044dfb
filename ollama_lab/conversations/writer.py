"""An answer on its way to the disk: at most one write a second, and one at the end."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage, OllamaLabError, one_of

from . import tree
from .chat import STATES, dumped, storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from .database import Database

SECONDS_BETWEEN_WRITES = 1.0
_IDLE_SECONDS = 5.0
# An end that could not be written, as the disk was full, is tried again for a minute.
_MOST_TRIES = 60

_log = logging.getLogger(__name__)


class Writer:
    """Takes one answer piece by piece, and keeps it.

    As a context manager it finishes the answer at the end of the block: ``done``, ``stopped`` after
    an interrupt, ``broken`` after any other exception.

    Attributes
    ----------
    chat_id, message_id
        The chat and the message that is written.
    error : OllamaLabError or None
        Why the last write was not possible; the text is all here, and is tried again.
    """

    def __init__(self, flusher: Flusher, chat_id: str, message_id: int) -> None:
        self.chat_id = chat_id
        self.message_id = message_id
        self.error: OllamaLabError | None = None
        self.is_finished = False
        self._flusher = flusher
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._written = (0, 0)  # how many pieces of each are on the disk
        self._is_waiting = False
        self._ending: dict[str, Any] | None = None
        self._tries = 0

    @property
    def text(self) -> str:
        """Everything that was added, whether it could be written or not."""
        return "".join(self._text)

    @property
    def thinking(self) -> str:
        """What the model thought, whether it could be written or not."""
        return "".join(self._thinking)

    def add(self, text: str = "", thinking: str = "") -> None:
        """Take the next piece; it is on the disk within about a second.

        Nothing that goes wrong with the disk is raised here: see `error` and `finish`.
        """
        if text:
            self._text.append(text)
        if thinking:
            self._thinking.append(thinking)
        if not self._is_waiting:
            self._is_waiting = True
            self._flusher.add(self)

    def finish(
        self,
        state: str = "done",
        *,
        text: str | None = None,
        thinking: str | None = None,
        tool_calls: Sequence[Mapping[str, Any]] = (),
        provenance: Mapping[str, Any] | None = None,
        stats: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the end of the answer; a second call changes nothing.

        Parameters
        ----------
        state : str, optional
            ``done``, ``stopped`` (by the user) or ``broken``.
        text, thinking : str, optional
            The whole, where it is not simply what was added.
        tool_calls : sequence of dict, optional
            In Ollama's shape.
        provenance, stats : Mapping, optional
            What wrote the answer, and its numbers.

        Raises
        ------
        NoRoom, Forbidden, Busy, BadUsage
            It cannot be written, now; `text` has it all, and it is tried again for a minute.
        """
        if self.is_finished:
            return
        if state not in STATES[1:]:
            raise BadUsage(
                f"An answer ends {state!r}; it ends {one_of(STATES[1:])}.", hint="Use one of these."
            )
        if text is not None:
            self._text = [text]
        if thinking is not None:
            self._thinking = [thinking]
        extras = {"tool_calls": [dict(call) for call in tool_calls]} if tool_calls else {}
        self._ending = {
            "state": state,
            "extras": dumped(extras, "message"),
            "provenance": dumped(dict(provenance or {}), "provenance"),
            "stats": dumped(dict(stats or {}), "stats"),
        }
        try:
            self._flusher.write([self])
        except BaseException:  # an interrupt as well: the end must not get lost between two keys
            self._flusher.add(self)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
            return
        try:
            self.finish("stopped" if issubclass(kind, KeyboardInterrupt) else "broken")
        except OllamaLabError as failure:  # the first failure is the one to be told
            _log.warning("%s", failure)

    # ---------------------------------------------------------------- called by the flusher

    def write(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """Write what is new inside a transaction; returns how many pieces are then on the disk."""
        # Counted as late as possible: what comes after waits for the next write.
        counts = len(self._text), len(self._thinking)
        if self.is_finished:
            return counts
        if self._ending is not None:
            found = self._write_end(connection, self._ending)
        else:
            found = self._write_pieces(connection, counts)
        if not found:
            raise _gone()
        tree.touch(connection, self.chat_id)
        return counts

    def _write_pieces(self, connection: sqlite3.Connection, counts: tuple[int, int]) -> bool:
        text = "".join(self._text[self._written[0] : counts[0]])
        thinking = "".join(self._thinking[self._written[1] : counts[1]])
        found = connection.execute(
            "UPDATE messages SET updated = ?, state = 'streaming' WHERE id = ?",
            (time.time(), self.message_id),
        ).rowcount
        if found:
            connection.execute(
                "INSERT INTO pieces (message_id, text, thinking) VALUES (?, ?, ?)",
                (self.message_id, storable(text), storable(thinking)),
            )
        return bool(found)

    def _write_end(self, connection: sqlite3.Connection, ending: Mapping[str, Any]) -> bool:
        connection.execute("DELETE FROM pieces WHERE message_id = ?", (self.message_id,))
        return bool(
            connection.execute(
                "UPDATE messages SET text = :text, thinking = :thinking, state = :state,"
                " extras = :extras, provenance = :provenance, stats = :stats, updated = :updated"
                " WHERE id = :id",
                {
                    **ending,
                    "text": storable(self.text),
                    "thinking": storable(self.thinking),
                    "updated": time.time(),
                    "id": self.message_id,
                },
            ).rowcount
        )

    def has_written(self, counts: tuple[int, int]) -> None:
        """Note that a transaction was committed."""
        self._written = counts
        self.error = None
        self.is_finished = self._ending is not None

    def has_failed(self, error: OllamaLabError) -> bool:
        """Note why nothing was written; says whether to try again."""
        if self.error is None:
            _log.warning("%s", error)
        self.error = error
        self._tries += self._ending is not None
        return self._tries < _MOST_TRIES and not isinstance(error, BadUsage)

    def is_taken(self) -> None:
        """Note that the flusher will write now: the next piece must tell it again."""
        self._is_waiting = False


class Flusher:
    """Writes for all answers of a store, in one thread that ends when there is nothing to do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = threading.Condition()
        self._waiting: dict[int, Writer] = {}
        self._thread: threading.Thread | None = None
        self._last_write = 0.0
        self._is_closed = False

    def begin(self) -> None:
        """Note that an answer's beginning was written just now."""
        self._last_write = time.monotonic()

    def add(self, writer: Writer) -> None:
        """Write a writer's pieces when a second has passed since the last write."""
        with self._wake:
            if self._is_closed:
                return
            self._waiting[id(writer)] = writer
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="ollama-lab chats", daemon=True
                )
                self._thread.start()
            self._wake.notify_all()

    def write(self, writers: Sequence[Writer]) -> None:
        """Write what is new of some answers in one transaction."""
        with self._database.writing() as connection:
            counts = [writer.write(connection) for writer in writers]
        for writer, count in zip(writers, counts, strict=True):
            writer.has_written(count)

    def close(self) -> None:
        """Write what waits, and end the thread."""
        with self._wake:
            self._is_closed = True
            thread, writers = self._thread, list(self._waiting.values())
            self._waiting.clear()
            self._wake.notify_all()
        if thread is not None:
            thread.join()
        self._write_each(writers)

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._wake.wait_for(self._has_work, _IDLE_SECONDS) or self._is_closed:
                    self._thread = None
                    return
                rest = self._last_write + SECONDS_BETWEEN_WRITES - time.monotonic()
                if rest > 0:
                    self._wake.wait(rest)
                    continue
                self._last_write = time.monotonic()
                writers = list(self._waiting.values())
                self._waiting.clear()
            self._write_together(writers)

    def _has_work(self) -> bool:
        return bool(self._waiting) or self._is_closed

    def _write_together(self, writers: Sequence[Writer]) -> None:
        for writer in writers:
            writer.is_taken()
        try:
            self.write(writers)
        except BadUsage:
            self._write_each(writers)  # a chat that is gone must not keep the others off the disk
        except OllamaLabError as exc:
            self._try_again(writers, exc)

    def _write_each(self, writers: Sequence[Writer]) -> None:
        for writer in writers:
            try:
                self.write([writer])
            except OllamaLabError as exc:
                self._try_again([writer], exc)

    def _try_again(self, writers: Sequence[Writer], error: OllamaLabError) -> None:
        for writer in writers:
            if writer.has_failed(error):
                self.add(writer)


def _gone() -> BadUsage:
    return BadUsage(
        "The chat was deleted while its answer was written.",
        hint="The text is still where it was asked for.",
    )
