"""Rows of the tables as values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage, NotFound

from .chat import AttachedText, Chat, Message, Parameters, Picture

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

# What SQLite takes of variables in one statement, in every build.
_MOST_VARIABLES = 500

_BRANCH = """
WITH RECURSIVE branch (id, parent_id) AS (
  SELECT id, parent_id FROM messages
  WHERE id = :leaf AND chat_id = :chat AND deleted IS NULL
  UNION ALL
  SELECT m.id, m.parent_id FROM messages m JOIN branch b ON m.id = b.parent_id
)
SELECT m.* FROM messages m JOIN branch USING (id) ORDER BY m.depth
"""

_PICTURES = """
SELECT m.message_id, m.name, m.mime, m.digest, length(i.data) AS size
FROM message_images m JOIN images i USING (digest)
WHERE m.message_id IN ({marks}) ORDER BY m.message_id, m.position
"""


def no_chat(chat_id: str) -> NotFound:
    """Word a chat that is not, or no longer, there."""
    return NotFound(f"There is no chat '{chat_id}'.", hint="List them: %ollama chats")


def no_message(message_id: int) -> BadUsage:
    """Word a message that is not in the chat it was looked for in."""
    return BadUsage(f"There is no message {message_id} in this chat.", hint="Load the chat again.")


def chat(connection: sqlite3.Connection, chat_id: str) -> Chat:
    """Read a chat that is not deleted.

    Raises
    ------
    NotFound
        There is none with this id.
    """
    row = connection.execute(
        "SELECT * FROM chats WHERE id = ? AND deleted IS NULL", (chat_id,)
    ).fetchone()
    if row is None:
        raise no_chat(chat_id)
    return as_chat(row)


def as_chat(row: sqlite3.Row | Mapping[str, Any]) -> Chat:
    """Turn a row of `chats` into a value."""
    return Chat(
        id=row["id"],
        title=row["title"],
        created=row["created"],
        updated=row["updated"],
        parameters=Parameters(**json.loads(row["parameters"])),
        leaf_id=row["leaf_id"],
        revision=row["revision"],
    )


def branch(
    connection: sqlite3.Connection, chat_id: str, leaf_id: int | None
) -> tuple[Message, ...]:
    """Read the messages from the first to a leaf.

    Raises
    ------
    BadUsage
        The leaf is not in the chat.
    """
    if leaf_id is None:
        return ()
    rows = connection.execute(_BRANCH, {"leaf": leaf_id, "chat": chat_id}).fetchall()
    if not rows:
        raise no_message(leaf_id)
    return _as_messages(connection, chat_id, rows)


def every_message(connection: sqlite3.Connection, chat_id: str) -> tuple[Message, ...]:
    """Read the whole tree, parents before children."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE chat_id = ? AND deleted IS NULL ORDER BY id", (chat_id,)
    ).fetchall()
    return _as_messages(connection, chat_id, rows)


def _as_messages(
    connection: sqlite3.Connection, chat_id: str, rows: Sequence[sqlite3.Row]
) -> tuple[Message, ...]:
    pictures = _pictures(connection, [row["id"] for row in rows])
    siblings = _siblings(connection, chat_id)
    messages = []
    for row in rows:
        text, thinking = spoken(connection, row)
        extras = json.loads(row["extras"])
        message = Message(
            id=row["id"],
            parent_id=row["parent_id"],
            role=row["role"],
            text=text,
            thinking=thinking,
            tool_calls=tuple(extras.get("tool_calls", ())),
            tool_name=extras.get("tool_name", ""),
            pictures=tuple(pictures.get(row["id"], ())),
            attachments=tuple(AttachedText(**one) for one in extras.get("attachments", ())),
            provenance=json.loads(row["provenance"]),
            stats=json.loads(row["stats"]),
            state=row["state"],
            created=row["created"],
            siblings=siblings[row["parent_id"]],
        )
        messages.append(message)
    return tuple(messages)


def spoken(connection: sqlite3.Connection, row: sqlite3.Row | Mapping[str, Any]) -> tuple[str, str]:
    """Return text and thinking of a message, so far if it is still being written."""
    if row["state"] != "streaming":
        return row["text"], row["thinking"]
    pieces = connection.execute(
        "SELECT text, thinking FROM pieces WHERE message_id = ? ORDER BY id", (row["id"],)
    ).fetchall()
    text, thinking = (list(column) for column in zip(*pieces, strict=True)) if pieces else ([], [])
    return "".join([row["text"], *text]), "".join([row["thinking"], *thinking])


def _siblings(connection: sqlite3.Connection, chat_id: str) -> dict[int | None, tuple[int, ...]]:
    found: dict[int | None, tuple[int, ...]] = {}
    for message_id, parent_id in connection.execute(
        "SELECT id, parent_id FROM messages WHERE chat_id = ? AND deleted IS NULL ORDER BY id",
        (chat_id,),
    ):
        found[parent_id] = (*found.get(parent_id, ()), message_id)
    return found


def _pictures(
    connection: sqlite3.Connection, message_ids: Sequence[int]
) -> dict[int, list[Picture]]:
    found: dict[int, list[Picture]] = {}
    for some in _portions(message_ids):
        query = _PICTURES.format(marks=", ".join("?" * len(some)))
        for row in connection.execute(query, some):
            picture = Picture(
                row["name"], row["mime"], digest=row["digest"], size_bytes=row["size"]
            )
            found.setdefault(row["message_id"], []).append(picture)
    return found


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _MOST_VARIABLES):
        yield ids[start : start + _MOST_VARIABLES]
