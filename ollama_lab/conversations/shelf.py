"""Whole chats: made, listed, deleted, erased; inside a transaction."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import rows, search, tree
from .chat import Parameters, Summary, dumped

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from .chat import Chat
    from .exchange import Imported

_LINE_CHARACTERS = 200
_TAIL_CHARACTERS = 2000

# Chats, newest first, with what is needed of their last messages: of the last three, one is an
# answer that has ended.
_SUMMARIES = f"""
SELECT c.*, m.depth, m.id AS message_id, m.state,
  substr(m.text, -{_TAIL_CHARACTERS}) AS text, '' AS thinking,
  substr(p.text, -{_TAIL_CHARACTERS}) AS before,
  m.provenance AS wrote_last, p.provenance AS wrote_before, g.provenance AS wrote_first
FROM chats c
LEFT JOIN messages m ON m.id = c.leaf_id
LEFT JOIN messages p ON p.id = m.parent_id
LEFT JOIN messages g ON g.id = p.parent_id
WHERE c.deleted IS NULL ORDER BY c.updated DESC, c.id LIMIT ? OFFSET ?
"""  # noqa: S608 (a number of ours)


def dumped_parameters(parameters: Parameters) -> str:
    """Write what a chat asks of its model as it is kept."""
    values = {
        "model": parameters.model,
        "system": parameters.system,
        "options": dict(parameters.options),
        "think": parameters.think,
    }
    return dumped(values, "parameters")


def insert_chat(
    connection: sqlite3.Connection, title: str, parameters: Parameters, created: float
) -> str:
    """Make an empty chat and return its id."""
    # Drawn at random: in a file begun anew no old id leads to another chat.
    chat_id = secrets.token_hex(8)
    connection.execute(
        "INSERT INTO chats (id, title, created, updated, parameters, revision)"
        " VALUES (?, ?, ?, ?, ?, 0)",
        (chat_id, title, created, created, dumped_parameters(parameters)),
    )
    tree.touch(connection, chat_id, is_new=False)
    return chat_id


def insert_imported(connection: sqlite3.Connection, chat: Imported) -> str:
    """Make a chat of an export and return its id."""
    chat_id = insert_chat(connection, chat.title, chat.parameters, chat.created)
    new_ids: dict[int, int] = {}
    for message in chat.messages:
        parent_id = None if message.parent_id is None else new_ids[message.parent_id]
        placed = replace(message, parent_id=parent_id)
        new_ids[message.id] = tree.insert(connection, chat_id, placed)
    leaf_id = None if chat.leaf_id is None else new_ids[chat.leaf_id]
    connection.execute(
        "UPDATE chats SET leaf_id = ?, updated = ? WHERE id = ?", (leaf_id, chat.updated, chat_id)
    )
    return chat_id


def mark_deleted(connection: sqlite3.Connection, chat_ids: Sequence[str]) -> None:
    """Take chats out of sight, so that they can be brought back."""
    for chat_id in chat_ids:
        connection.execute("UPDATE chats SET deleted = ? WHERE id = ?", (time.time(), chat_id))
        tree.touch(connection, chat_id, is_new=False)


def erase(connection: sqlite3.Connection, chat_ids: Sequence[str]) -> None:
    """Erase chats, and the images that no other chat shows."""
    for chat_id in chat_ids:
        messages = connection.execute("SELECT id FROM messages WHERE chat_id = ?", (chat_id,))
        search.forget(connection, [row["id"] for row in messages])
        connection.execute("DELETE FROM chats WHERE id = ?", (chat_id,))
    connection.execute("DELETE FROM images WHERE digest NOT IN (SELECT digest FROM message_images)")
    connection.execute("UPDATE revision SET value = value + 1")


def titled(connection: sqlite3.Connection, title: str) -> list[Chat]:
    """Read the chats with exactly this title, the newest first."""
    found = connection.execute(
        "SELECT * FROM chats WHERE title = ? AND deleted IS NULL"
        " ORDER BY updated DESC, created DESC",
        (title,),
    )
    return [rows.as_chat(row) for row in found]


def summaries(connection: sqlite3.Connection, *, limit: int = -1, offset: int = 0) -> list[Summary]:
    """Read the list of chats, the one that was written to last first; all without a limit."""
    found = connection.execute(_SUMMARIES, (limit, offset)).fetchall()
    return [_summary(connection, row) for row in found]


def _summary(connection: sqlite3.Connection, row: Mapping[str, Any]) -> Summary:
    text = ""
    if row["message_id"] is not None:
        text, _ = rows.spoken(connection, {**row, "id": row["message_id"]})
    chat = rows.as_chat(row)
    return Summary(
        chat,
        row["depth"] or 0,
        _last_line(text) or _last_line(row["before"] or ""),
        _model(row) or chat.parameters.model,
    )


def _model(row: Mapping[str, Any]) -> str:
    kept = (row[name] for name in ("wrote_last", "wrote_before", "wrote_first"))
    models = (json.loads(one).get("model") for one in kept if one)
    return next(filter(None, models), "")


def _last_line(text: str) -> str:
    lines = text[-_TAIL_CHARACTERS:].strip().rsplit("\n", 1)
    return lines[-1].strip()[:_LINE_CHARACTERS]
