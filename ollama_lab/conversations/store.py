"""The store of chats: everything a door may ask of it."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ollama_lab.errors import BadUsage, OllamaLabError, one_of

from . import exchange, removal, rows, search, shelf, tree
from .chat import (
    ROLES,
    AttachedText,
    Changes,
    Chat,
    Conversation,
    Hit,
    Message,
    Parameters,
    Picture,
    Summary,
    checked_title,
    title_of,
)
from .database import Database
from .owner import this_process
from .place import chats_path
from .writer import Flusher, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

#: How long a deleted chat, or message, can be brought back.
UNDO_SECONDS = 3600.0


class Store:
    """Chats on disk, or of a private chat in memory. Threads may share one.

    Parameters
    ----------
    path : Path, optional
        The file; made when it is missing. See `chats_path` for the default.
    is_private : bool, optional
        Keep everything in memory; see `private`.
    is_read_only : bool, optional
        Write nothing; a file that is missing is not made.

    Raises
    ------
    Forbidden, NoRoom, Busy
        The file cannot be made or opened. One that can be read is open all the same, and what
        would change it raises.
    """

    def __init__(
        self, path: Path | None = None, *, is_private: bool = False, is_read_only: bool = False
    ) -> None:
        place = None if is_private else path or chats_path()
        self._database = Database(place, is_read_only=is_read_only)
        self._flusher = Flusher(self._database)
        self._seen: tuple[tuple[int, int, int], int] | None = None
        try:
            self._tidy()
        except BaseException:
            self._database.close()
            raise

    def _tidy(self) -> None:
        if self.is_read_only:
            return
        try:
            self._mend()
            self._purge_due()
        except OllamaLabError:
            if not self.notice:
                raise
            self._mend()  # damage that showed only now: a new file was begun

    @classmethod
    def private(cls) -> Self:
        """Make a store in memory: for private chats, which leave nothing on the disk."""
        return cls(is_private=True)

    @property
    def path(self) -> Path | None:
        """The file; None for private chats."""
        return self._database.path

    @property
    def notice(self) -> str:
        """What the user should be told: that a file was damaged and is kept, and where."""
        return self._database.notice

    @property
    def is_private(self) -> bool:
        """Whether nothing of it is on the disk."""
        return self._database.path is None

    @property
    def is_read_only(self) -> bool:
        """Whether chats can only be looked at: by wish, or as nothing can be written there."""
        return self._database.is_read_only

    def close(self) -> None:
        """Write what waits, and close the file; may be called twice."""
        self._flusher.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ---------------------------------------------------------------- chats

    def create(self, title: str = "", parameters: Parameters | None = None) -> Chat:
        """Begin a chat; without a title the first words of its first message become one."""
        return self._create(checked_title(title) if title else "", parameters or Parameters())

    def _create(self, title: str, parameters: Parameters) -> Chat:
        with self._database.writing() as connection:
            chat_id = shelf.insert_chat(connection, title, parameters, time.time())
            return rows.chat(connection, chat_id)

    def find_or_create(self, title: str, parameters: Parameters | None = None) -> tuple[Chat, bool]:
        """Give the newest chat of a title, and make it where there is none.

        However many processes ask at once, one is made.

        Returns
        -------
        chat : Chat
            The chat.
        is_made : bool
            Whether it was made now.
        """
        title = checked_title(title)
        with self._database.writing() as connection:
            if found := shelf.titled(connection, title):
                return found[0], False
            chat_id = shelf.insert_chat(connection, title, parameters or Parameters(), time.time())
            return rows.chat(connection, chat_id), True

    def chats(self, *, limit: int = 50, offset: int = 0) -> list[Summary]:
        """List chats, the one that was written to last first."""
        with self._database.reading() as connection:
            return shelf.summaries(connection, limit=limit, offset=offset)

    def count(self) -> int:
        """Say how many chats there are."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT count(*) FROM chats WHERE deleted IS NULL")
            return int(found.fetchone()[0])

    def find(self, title: str) -> list[Chat]:
        """Find chats with exactly this title, the newest first."""
        with self._database.reading() as connection:
            return shelf.titled(connection, checked_title(title))

    def search(self, query: str, *, limit: int = 50, offset: int = 0) -> list[Hit]:
        """Find messages of all chats and branches that hold every word; titles come first.

        Words may be parts of words and stand in any order; no sign in them has a meaning. An
        answer that still runs is found when it has ended.
        """
        words = search.words_of(query)
        if not words:
            return []
        has_index = self._fill_index()
        with self._database.reading() as connection:
            hits = [] if offset else search.titles(connection, words, limit)
            options = {"limit": limit, "offset": offset}
            try:
                return hits + search.texts(connection, words, has_index=has_index, **options)
            except sqlite3.DatabaseError as exc:
                if exc.sqlite_errorcode != sqlite3.SQLITE_CORRUPT_VTAB:
                    raise
                return hits + search.texts(connection, words, has_index=False, **options)

    def search_chats(self, query: str, *, limit: int = 200) -> list[tuple[Summary, Hit]]:
        """Find chats that hold every word, each once, with where they were found first.

        As `search` finds messages, of which it looks at `limit`.
        """
        hits: dict[str, Hit] = {}
        for hit in self.search(query, limit=limit):
            hits.setdefault(hit.chat_id, hit)
        with self._database.reading() as connection:
            found = {one.chat.id: one for one in shelf.summaries(connection)} if hits else {}
        return [(found[chat_id], hit) for chat_id, hit in hits.items() if chat_id in found]

    def _fill_index(self) -> bool:
        if not search.is_available():
            return False
        try:
            while True:
                with self._database.reading() as connection:
                    if not search.is_behind(connection):
                        return True
                with self._database.writing() as connection:
                    search.fill_index(connection)
        except OllamaLabError:  # busy, or no room: looking at every message needs neither
            return False

    def rename(self, chat_id: str, title: str) -> Chat:
        """Give a chat another title."""
        return self._change(chat_id, "title", checked_title(title))

    def set_parameters(self, chat_id: str, parameters: Parameters) -> Chat:
        """Replace what a chat asks of its model."""
        return self._change(chat_id, "parameters", shelf.dumped_parameters(parameters))

    def _change(self, chat_id: str, column: str, value: str) -> Chat:
        with self._database.writing() as connection:
            rows.chat(connection, chat_id)
            connection.execute(f"UPDATE chats SET {column} = ? WHERE id = ?", (value, chat_id))  # noqa: S608 (a name of ours)
            tree.touch(connection, chat_id, is_new=False)
            return rows.chat(connection, chat_id)

    def delete(self, chat_id: str) -> None:
        """Delete a chat; for an hour `restore` brings it back, then it is erased."""
        with self._database.writing() as connection:
            rows.chat(connection, chat_id)
            shelf.mark_deleted(connection, [chat_id])
        self._purge_due()

    def delete_all(self) -> list[str]:
        """Delete all chats and return their ids, which `restore` takes for an hour."""
        with self._database.writing() as connection:
            found = connection.execute("SELECT id FROM chats WHERE deleted IS NULL").fetchall()
            chat_ids = [row["id"] for row in found]
            shelf.mark_deleted(connection, chat_ids)
        self._purge_due()
        return chat_ids

    def restore(self, chat_id: str) -> Chat:
        """Bring a deleted chat back."""
        with self._database.writing() as connection:
            connection.execute("UPDATE chats SET deleted = NULL WHERE id = ?", (chat_id,))
            tree.touch(connection, chat_id, is_new=False)
            return rows.chat(connection, chat_id)

    def purge(self, *, older_than_seconds: float = 0.0) -> int:
        """Erase chats and messages that were deleted so long ago, and return how many chats.

        Their text is overwritten in the file, in its index and in its log.
        """
        before = time.time() - older_than_seconds
        with self._database.writing() as connection:
            found = connection.execute("SELECT id FROM chats WHERE deleted <= ?", (before,))
            chat_ids = [row["id"] for row in found]
            if chat_ids:
                shelf.erase(connection, chat_ids)
            messages = removal.erase(connection, before)
        if chat_ids or messages:
            self._database.erase_traces()
        return len(chat_ids)

    def _purge_due(self) -> None:
        with self._database.reading() as connection:
            due = connection.execute(
                "SELECT 1 FROM chats WHERE deleted <= :before"
                " UNION SELECT 1 FROM messages WHERE deleted <= :before",
                {"before": time.time() - UNDO_SECONDS},
            ).fetchone()
        if due:
            self.purge(older_than_seconds=UNDO_SECONDS)

    def changes(self, after: int = 0) -> Changes:
        """Say which chats changed since a revision, in whatever process.

        Made to be asked once a second: while nothing was written it is one ``PRAGMA``.

        Parameters
        ----------
        after : int, optional
            The revision of the last answer; 0 names every chat.
        """
        stamp = self._database.stamp()
        if self._seen == (stamp, after):
            return Changes(after)
        with self._database.reading() as connection:
            revision = connection.execute("SELECT value FROM revision").fetchone()[0]
            found = connection.execute(
                "SELECT id, deleted FROM chats WHERE revision > ? ORDER BY revision", (after,)
            ).fetchall()
        self._seen = stamp, revision
        return Changes(
            revision,
            tuple(row["id"] for row in found if row["deleted"] is None),
            tuple(row["id"] for row in found if row["deleted"] is not None),
        )

    # ---------------------------------------------------------------- messages

    def read(self, chat_id: str, leaf_id: int | None = None) -> Conversation:
        """Read a chat with the branch on show, or the one that ends at a leaf."""
        self._mend(chat_id)
        with self._database.reading() as connection:
            chat = rows.chat(connection, chat_id)
            return Conversation(chat, rows.branch(connection, chat_id, leaf_id or chat.leaf_id))

    def picture(self, digest: str) -> bytes:
        """Read an image by the digest that a message names."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT data FROM images WHERE digest = ?", (digest,)
            ).fetchone()
        if row is None:
            raise BadUsage(f"There is no image {digest[:12]!r}.", hint="Load the chat again.")
        return bytes(row["data"])

    def append(
        self,
        chat_id: str,
        text: str,
        *,
        role: str = "user",
        pictures: Sequence[Picture] = (),
        attachments: Sequence[AttachedText] = (),
        tool_name: str = "",
        after: int | None = None,
        instead_of: int | None = None,
    ) -> int:
        """Add a message that is complete, and return its id.

        Parameters
        ----------
        chat_id, text, role
            The chat, what is said, and who speaks: ``user``, ``tool``, ``system`` or ``assistant``.
        pictures, attachments
            What belongs to it.
        tool_name : str, optional
            Which tool a ``tool`` message is the result of.
        after : int, optional
            The message it follows; 0 makes it a first one. Without it, the last one on show.
        instead_of : int, optional
            A message that it takes the place of: both stay, as branches.
        """
        if role not in ROLES:
            raise BadUsage(
                f"The role is {role!r}; it is {one_of(ROLES)}.", hint="Use one of these."
            )
        message = Message(
            id=0,
            parent_id=None,
            role=role,
            text=text,
            tool_name=tool_name,
            pictures=tuple(pictures),
            attachments=tuple(attachments),
        )
        return self._insert(chat_id, message, after, instead_of)

    def begin(
        self, chat_id: str, *, after: int | None = None, instead_of: int | None = None
    ) -> Writer:
        """Begin an answer and return what it is added to.

        Parameters
        ----------
        chat_id : str
            The chat.
        after : int, optional
            The message that is answered; without it, the last one on show.
        instead_of : int, optional
            An answer that is made anew: both stay, as branches.
        """
        message = Message(id=0, parent_id=None, role="assistant", text="", state="streaming")
        message_id = self._insert(chat_id, message, after, instead_of, owner=this_process())
        self._flusher.begin()
        return Writer(self._flusher, chat_id, message_id)

    def _insert(
        self,
        chat_id: str,
        message: Message,
        after: int | None,
        instead_of: int | None,
        owner: str = "",
    ) -> int:
        with self._database.writing() as connection:
            chat = rows.chat(connection, chat_id)
            parent_id = tree.parent_for(connection, chat_id, after, instead_of)
            placed = replace(message, parent_id=parent_id)
            message_id = tree.insert(connection, chat_id, placed, owner=owner)
            if not chat.title and message.role == "user" and (title := title_of(message.text)):
                connection.execute("UPDATE chats SET title = ? WHERE id = ?", (title, chat_id))
            tree.touch(connection, chat_id, leaf_id=message_id)
        return message_id

    def select(self, chat_id: str, message_id: int) -> Conversation:
        """Show the branch that a message is in, down to what was written last below it."""
        with self._database.writing() as connection:
            leaf_id = tree.newest_below(connection, chat_id, message_id)
            tree.touch(connection, chat_id, leaf_id=leaf_id, is_new=False)
        return self.read(chat_id)

    def delete_message(self, chat_id: str, message_id: int) -> int:
        """Delete a message with all that follows it, and return how many messages went.

        For an hour `restore_message` brings them back, then they are erased. Another branch at the
        same place is shown, the newest; where there is none, the chat ends before the message.

        Raises
        ------
        BadUsage
            It is not in the chat, or an answer there is still being written.
        """
        self._mend(chat_id)
        with self._database.writing() as connection:
            count = removal.remove(connection, chat_id, message_id)
        self._purge_due()
        return count

    def restore_message(self, chat_id: str, message_id: int) -> None:
        """Bring a deleted message back with what went along with it, and show its branch.

        Raises
        ------
        BadUsage
            It is not, or no longer, in the chat, or the message that it follows is deleted, too.
        """
        with self._database.writing() as connection:
            removal.restore(connection, chat_id, message_id)

    def _mend(self, chat_id: str | None = None) -> None:
        with self._database.reading() as connection:
            is_needed = bool(tree.orphans(connection, chat_id))
        if is_needed and not self.is_read_only:
            with self._database.writing() as connection:
                tree.mend(connection, tree.orphans(connection, chat_id))

    # ---------------------------------------------------------------- out and in

    def export_json(self, chat_ids: Sequence[str] | None = None) -> str:
        """Write chats, or all, as JSON with every branch and image: what `import_json` reads."""
        with self._database.reading() as connection:
            if chat_ids is None:
                found = connection.execute(
                    "SELECT id FROM chats WHERE deleted IS NULL ORDER BY created"
                ).fetchall()
                chat_ids = [row["id"] for row in found]
            chats = [
                (rows.chat(connection, chat_id), rows.every_message(connection, chat_id))
                for chat_id in chat_ids
            ]
        return exchange.to_json(chats, self.picture)

    def export_markdown(self, chat_id: str) -> str:
        """Write the branch on show as Markdown."""
        from . import export

        return export.to_markdown(self.read(chat_id))

    def export_notebook(self, chat_id: str) -> str:
        """Write the branch on show as a notebook; Python in answers becomes code cells."""
        from . import export

        return export.to_notebook(self.read(chat_id))

    def import_json(self, data: str | bytes) -> list[str]:
        """Add the chats of an export, all or none, and return their new ids.

        Raises
        ------
        BadUsage
            It is no such export; says where it is wrong.
        """
        chats = exchange.from_json(data)
        with self._database.writing() as connection:
            return [shelf.insert_imported(connection, chat) for chat in chats]
