"""Messages taken out of a chat: out of sight at once, erased when nobody wants them back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ollama_lab.errors import BadUsage

from . import rows, search, tree

if TYPE_CHECKING:
    import sqlite3

_BELOW = """
(WITH RECURSIVE below (id) AS (
  SELECT id FROM messages WHERE id = :message AND chat_id = :chat
  UNION
  SELECT m.id FROM messages m JOIN below b ON m.parent_id = b.id
) SELECT id FROM below)
"""
# With what is below, whenever that went: a message whose parent is gone could not stay.
_DUE = """
(WITH RECURSIVE due (id) AS (
  SELECT id FROM messages WHERE deleted <= :before
  UNION
  SELECT m.id FROM messages m JOIN due d ON m.parent_id = d.id
) SELECT id FROM due)
"""


def remove(connection: sqlite3.Connection, chat_id: str, message_id: int) -> int:
    """Take a message and all that follows it out of sight, and return how many messages went.

    Raises
    ------
    BadUsage
        It is not in the chat, or an answer there is still being written.
    """
    rows.chat(connection, chat_id)
    parent_id = tree.parent_for(connection, chat_id, None, message_id)
    values = {"message": message_id, "chat": chat_id, "now": time.time()}
    is_written = connection.execute(
        f"SELECT 1 FROM messages WHERE state = 'streaming' AND id IN {_BELOW}",  # noqa: S608 (words of ours)
        values,
    ).fetchone()
    if is_written:
        raise BadUsage("An answer is still being written there.", hint="Stop it, then delete it.")
    # With one time for all: what went earlier does not come back with them.
    count = connection.execute(
        f"UPDATE messages SET deleted = :now WHERE deleted IS NULL AND id IN {_BELOW}",  # noqa: S608 (words of ours)
        values,
    ).rowcount
    _show_what_is_left(connection, chat_id, parent_id)
    tree.touch(connection, chat_id, is_new=False)
    return count


def _show_what_is_left(connection: sqlite3.Connection, chat_id: str, parent_id: int | None) -> None:
    """Show the newest branch at the place of a message that went, if it was on show."""
    is_shown = connection.execute(
        "SELECT 1 FROM chats c JOIN messages m ON m.id = c.leaf_id"
        " WHERE c.id = ? AND m.deleted IS NULL",
        (chat_id,),
    ).fetchone()
    if is_shown:
        return
    newest = connection.execute(
        "SELECT max(id) FROM messages WHERE chat_id = ? AND parent_id IS ? AND deleted IS NULL",
        (chat_id, parent_id),
    ).fetchone()[0]
    leaf_id = tree.newest_below(connection, chat_id, newest) if newest else parent_id
    connection.execute("UPDATE chats SET leaf_id = ? WHERE id = ?", (leaf_id, chat_id))


def restore(connection: sqlite3.Connection, chat_id: str, message_id: int) -> None:
    """Bring back a message with what went along with it, and show it.

    Raises
    ------
    BadUsage
        It is not, or no longer, in the chat, or the message that it follows is deleted, too.
    """
    rows.chat(connection, chat_id)
    row = connection.execute(
        "SELECT m.deleted, p.deleted AS parent_deleted FROM messages m"
        " LEFT JOIN messages p ON p.id = m.parent_id WHERE m.id = ? AND m.chat_id = ?",
        (message_id, chat_id),
    ).fetchone()
    if row is None:
        raise rows.no_message(message_id)
    if row["parent_deleted"] is not None:
        raise BadUsage(
            "The message that it follows is deleted, too.", hint="Bring that one back first."
        )
    connection.execute(
        f"UPDATE messages SET deleted = NULL WHERE deleted = :deleted AND id IN {_BELOW}",  # noqa: S608 (words of ours)
        {"deleted": row["deleted"], "message": message_id, "chat": chat_id},
    )
    leaf_id = tree.newest_below(connection, chat_id, message_id)
    tree.touch(connection, chat_id, leaf_id=leaf_id, is_new=False)


def erase(connection: sqlite3.Connection, before: float) -> int:
    """Erase the messages that went before a time, and return how many.

    The images that nothing else shows go with them.
    """
    values = {"before": before}
    found = connection.execute(f"SELECT id FROM messages WHERE id IN {_DUE}", values).fetchall()  # noqa: S608 (words of ours)
    if not found:
        return 0
    search.forget(connection, [row["id"] for row in found])
    connection.execute(f"DELETE FROM messages WHERE id IN {_DUE}", values)  # noqa: S608 (words of ours)
    connection.execute("DELETE FROM images WHERE digest NOT IN (SELECT digest FROM message_images)")
    return len(found)
