"""Chats on disk: one SQLite file that cells and the sidebar share.

Whoever imports this imports ``sqlite3``, so nobody does at load: import it in the function that
needs it. A private chat lives in `Store.private`, which has no file.
"""

from __future__ import annotations

from .chat import (
    AttachedText,
    Changes,
    Chat,
    Conversation,
    Hit,
    Message,
    Parameters,
    Picture,
    Summary,
)
from .place import chats_path
from .store import Store
from .writer import Writer

__all__ = [
    "AttachedText",
    "Changes",
    "Chat",
    "Conversation",
    "Hit",
    "Message",
    "Parameters",
    "Picture",
    "Store",
    "Summary",
    "Writer",
    "chats_path",
]
