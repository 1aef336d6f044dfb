"""The tables of the store, version by version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

#: "OlLa": tells our files from other SQLite files.
APPLICATION_ID = 0x4F6C4C61

# Message ids are never given twice (AUTOINCREMENT): a browser may still hold those of a deleted chat.
# While an answer runs its text is rows in `pieces`, so that a second of text costs a second of text
# to write, however long the answer is; at the end it becomes `messages.text`.
_VERSION_1 = """
CREATE TABLE chats (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  parameters TEXT NOT NULL,
  leaf_id INTEGER,
  revision INTEGER NOT NULL,
  deleted REAL
) WITHOUT ROWID;
CREATE INDEX chats_by_time ON chats (updated);
CREATE INDEX chats_by_title ON chats (title);
CREATE INDEX chats_by_revision ON chats (revision);

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES messages (id),
  depth INTEGER NOT NULL,
  role TEXT NOT NULL,
  text TEXT NOT NULL,
  thinking TEXT NOT NULL,
  extras TEXT NOT NULL,
  provenance TEXT NOT NULL,
  stats TEXT NOT NULL,
  state TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  owner TEXT NOT NULL,
  is_indexed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_by_chat ON messages (chat_id, parent_id);
CREATE INDEX messages_by_parent ON messages (parent_id);
CREATE INDEX messages_streaming ON messages (chat_id) WHERE state = 'streaming';
CREATE INDEX messages_to_index ON messages (id) WHERE is_indexed = 0;

CREATE TABLE pieces (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  thinking TEXT NOT NULL
);
CREATE INDEX pieces_by_message ON pieces (message_id);

CREATE TABLE images (
  digest TEXT PRIMARY KEY,
  data BLOB NOT NULL
);
CREATE TABLE message_images (
  message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  digest TEXT NOT NULL REFERENCES images (digest),
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  PRIMARY KEY (message_id, position)
) WITHOUT ROWID;
CREATE INDEX message_images_by_digest ON message_images (digest);

CREATE TABLE revision (value INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
"""

# When a message was taken out of its chat; it can be brought back until it is erased.
_VERSION_2 = """
ALTER TABLE messages ADD COLUMN deleted REAL;
CREATE INDEX messages_deleted ON messages (deleted) WHERE deleted IS NOT NULL;
"""

#: What leads from each version to the next. A step that was released is never changed.
STEPS = (_VERSION_1, _VERSION_2)


def version(connection: sqlite3.Connection) -> int:
    """Return the version of a file's tables; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether the file is some other program's database."""
    # In this order: both come at once when another process makes the file meanwhile.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    return bool(tables and mark != APPLICATION_ID)


def migrate(connection: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Bring a file to the version that `steps` lead to: wholly, or not at all."""
    if version(connection) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited.
        for number in range(version(connection), len(steps)):
            for statement in _statements(steps[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """Split a script; ``executescript`` would commit what is open first."""
    return [statement for statement in script.split(";\n") if statement.strip()]
