"""Changes of one chat's tree of messages, inside a transaction."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from ollama_lab.errors import BadUsage

from . import rows
from .chat import dumped, storable
from .owner import is_gone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from .chat import Message, Picture

_NEWEST_BELOW = """
WITH RECURSIVE below (id) AS (
  SELECT id FROM messages WHERE id = :message AND chat_id = :chat AND deleted IS NULL
  UNION ALL
  SELECT m.id FROM messages m JOIN below b ON m.parent_id = b.id WHERE m.deleted IS NULL
)
SELECT max(id) FROM below
"""


def touch(
    connection: sqlite3.Connection, chat_id: str, *, leaf_id: int | None = None, is_new: bool = True
) -> None:
    """Give a chat its next revision; new words also make it the first of the list."""
    connection.execute("UPDATE revision SET value = value + 1")
    connection.execute(
        "UPDATE chats SET revision = (SELECT value FROM revision),"
        " updated = CASE WHEN ? THEN ? ELSE updated END, leaf_id = coalesce(?, leaf_id)"
        " WHERE id = ?",
        (is_new, time.time(), leaf_id, chat_id),
    )


def parent_for(
    connection: sqlite3.Connection, chat_id: str, after: int | None, instead_of: int | None
) -> int | None:
    """Find the parent of a new message: the leaf on show, unless another place is named.

    After 0 is after none: a first message, beside others.
    """
    if after is not None and instead_of is not None:
        raise BadUsage("A message is either after one or instead of one.", hint="Name only one.")
    if after == 0:
        return None
    if after is None and instead_of is None:
        return rows.chat(connection, chat_id).leaf_id
    named = after if instead_of is None else instead_of
    row = connection.execute(
        "SELECT parent_id FROM messages WHERE id = ? AND chat_id = ? AND deleted IS NULL",
        (named, chat_id),
    ).fetchone()
    if row is None:
        raise rows.no_message(named or 0)
    parent: int | None = row["parent_id"]
    return after if instead_of is None else parent


def insert(
    connection: sqlite3.Connection,
    chat_id: str,
    message: Message,
    *,
    owner: str = "",
) -> int:
    """Put a message under its ``parent_id`` and return its id; the id of `message` is not used."""
    extras = {
        "tool_calls": [dict(call) for call in message.tool_calls],
        "tool_name": message.tool_name,
        "attachments": [asdict(one) for one in message.attachments],
    }
    created = message.created or time.time()
    cursor = connection.execute(
        "INSERT INTO messages (chat_id, parent_id, depth, role, text, thinking, extras, provenance,"
        " stats, state, created, updated, owner) VALUES (?, ?, 1 + coalesce((SELECT depth FROM"
        " messages WHERE id = ?), 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            chat_id,
            message.parent_id,
            message.parent_id,
            message.role,
            storable(message.text),
            storable(message.thinking),
            dumped({name: value for name, value in extras.items() if value}, "message"),
            dumped(dict(message.provenance), "provenance"),
            dumped(dict(message.stats), "stats"),
            message.state,
            created,
            created,
            owner,
        ),
    )
    assert cursor.lastrowid is not None
    _keep_pictures(connection, cursor.lastrowid, message.pictures)
    return cursor.lastrowid


def _keep_pictures(
    connection: sqlite3.Connection, message_id: int, pictures: Sequence[Picture]
) -> None:
    for position, picture in enumerate(pictures):
        digest = picture.digest
        if picture.data:
            digest = hashlib.sha256(picture.data).hexdigest()
            # A picture of an edited message is there already.
            connection.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (digest, picture.data))
        elif not connection.execute("SELECT 1 FROM images WHERE digest = ?", (digest,)).fetchone():
            raise BadUsage(f"Image {picture.name!r} is empty.", hint="Attach it again.")
        connection.execute(
            "INSERT INTO message_images VALUES (?, ?, ?, ?, ?)",
            (message_id, position, digest, storable(picture.name), picture.mime),
        )


def newest_below(connection: sqlite3.Connection, chat_id: str, message_id: int) -> int:
    """Find the message written last at or below one; nothing is below that."""
    found = connection.execute(_NEWEST_BELOW, {"message": message_id, "chat": chat_id}).fetchone()[
        0
    ]
    if found is None:
        raise rows.no_message(message_id)
    return int(found)


def orphans(connection: sqlite3.Connection, chat_id: str | None = None) -> list[sqlite3.Row]:
    """Find answers that nobody writes any more; of one chat, or of all."""
    streaming = connection.execute(
        "SELECT * FROM messages WHERE state = 'streaming' AND chat_id = coalesce(?, chat_id)",
        (chat_id,),
    ).fetchall()
    return [row for row in streaming if is_gone(row["owner"], row["updated"])]


def mend(connection: sqlite3.Connection, orphans: Sequence[sqlite3.Row]) -> None:
    """Keep what came of answers that nobody writes any more, and say that they broke off."""
    for row in orphans:
        text, thinking = rows.spoken(connection, row)
        connection.execute(
            "UPDATE messages SET text = ?, thinking = ?, state = 'broken' WHERE id = ?",
            (text, thinking, row["id"]),
        )
        connection.execute("DELETE FROM pieces WHERE message_id = ?", (row["id"],))
        touch(connection, row["chat_id"], is_new=False)
