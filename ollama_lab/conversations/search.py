"""Full-text search: SQLite's index of three-letter groups, or a look at every message.

Both find the same: words as parts of words, in any script, in any order. An index by words would
not find anything in Chinese or Japanese, where words stand without blanks.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING

from .chat import Hit, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROUP = 3
_MOST_CHARACTERS = 300
_MOST_WORDS = 16
_PORTION = 200
_EXCERPT_CHARACTERS = 160
_LEAD_CHARACTERS = 40

_HIT = (
    "SELECT m.chat_id, c.title, m.id, m.role, m.text, m.created FROM {source}"
    " JOIN chats c ON c.id = m.chat_id"
    " WHERE c.deleted IS NULL AND m.deleted IS NULL AND m.state != 'streaming' AND "
)
_NEWEST = " ORDER BY m.id DESC LIMIT ? OFFSET ?"


def words_of(query: str) -> list[str]:
    r"""Split what a person typed; nothing in it has a meaning of its own.

    >>> words_of('why "blue" NOT\x00 *')
    ['why', '"blue"', 'NOT', '*']
    """
    return storable(query[:_MOST_CHARACTERS]).replace("\0", " ").split()[:_MOST_WORDS]


def titles(connection: sqlite3.Connection, words: Sequence[str], limit: int) -> list[Hit]:
    """Find chats by their titles, newest first."""
    found = connection.execute(
        "SELECT id, title, updated FROM chats WHERE deleted IS NULL AND "  # noqa: S608 (question marks only)
        + _contains("title", len(words))
        + " ORDER BY updated DESC LIMIT ?",
        (*_patterns(words), limit),
    )
    return [Hit(row[0], row[1], None, "", row[1], row[2]) for row in found]


def texts(
    connection: sqlite3.Connection,
    words: Sequence[str],
    *,
    limit: int,
    offset: int,
    has_index: bool,
) -> list[Hit]:
    """Find messages that hold every word, newest first."""
    long = [word for word in words if len(word) >= _GROUP] if has_index else []
    short = [word for word in words if word not in long]
    source = "words w JOIN messages m ON m.id = w.rowid" if long else "messages m"
    conditions = (["w.text MATCH ?"] if long else []) + [_contains("m.text", len(short))]
    phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
    found = connection.execute(
        _HIT.format(source=source) + " AND ".join(conditions) + _NEWEST,
        (*([phrases] if long else []), *_patterns(short), limit, offset),
    )
    return [
        Hit(chat_id, title, message_id, role, _excerpt(text, words), created)
        for chat_id, title, message_id, role, text, created in found
    ]


def _contains(column: str, count: int) -> str:
    return " AND ".join([rf"{column} LIKE ? ESCAPE '\'"] * count) or "1"


def _patterns(words: Sequence[str]) -> list[str]:
    signs = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
    return [f"%{word.translate(signs)}%" for word in words]


def _excerpt(text: str, words: Sequence[str]) -> str:
    folded = text.lower()
    places = [place for word in words if (place := folded.find(word.lower())) >= 0]
    start = max(0, min(places, default=0) - _LEAD_CHARACTERS)
    end = start + _EXCERPT_CHARACTERS
    part = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{part}{'…' if end < len(text) else ''}"


@cache
def is_available() -> bool:
    """Whether this SQLite has the index."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5 (text, tokenize = 'trigram')")
    except sqlite3.OperationalError:  # no such module, or no such tokenizer
        return False
    finally:
        connection.close()
    return True


def fill_index(connection: sqlite3.Connection) -> None:
    """Put the next portion of messages into the index; see `is_behind`.

    It is filled when somebody searches, not while an answer is written: a process whose SQLite
    lacks the index can write too, and one that has it catches up. In portions, as every answer that
    is being written waits for one.
    """
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS words USING"
        " fts5 (text, content = 'messages', content_rowid = 'id', tokenize = 'trigram')"
    )
    last = connection.execute(
        "SELECT max(id) FROM (SELECT id FROM messages WHERE is_indexed = 0"
        " AND state != 'streaming' ORDER BY id LIMIT ?)",
        (_PORTION,),
    ).fetchone()[0]
    connection.execute(
        "INSERT INTO words (rowid, text) SELECT id, text FROM messages"
        " WHERE is_indexed = 0 AND state != 'streaming' AND id <= ?",
        (last,),
    )
    connection.execute(
        "UPDATE messages SET is_indexed = 1"
        " WHERE is_indexed = 0 AND state != 'streaming' AND id <= ?",
        (last,),
    )


def is_behind(connection: sqlite3.Connection) -> bool:
    """Whether there is no index yet, or messages that it does not know."""
    waiting = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE is_indexed = 0 AND state != 'streaming')"
    ).fetchone()[0]
    return bool(waiting) or not _is_there(connection)


def _is_there(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone()
    return found is not None


def forget(connection: sqlite3.Connection, message_ids: Sequence[int]) -> None:
    """Take messages out of the index, before they are erased."""
    if not is_available() or not _is_there(connection):
        return
    connection.executemany(
        "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM messages"
        " WHERE id = ? AND is_indexed = 1",
        [(message_id,) for message_id in message_ids],
    )
    # A deleted entry stays on the disk until the parts of the index are merged.
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")
