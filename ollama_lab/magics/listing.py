"""``%ollama chats``: the stored chats as a table, the one that was written to last first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ollama_lab.conversations import chats_path
from ollama_lab.magics.words import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ollama_lab.conversations import Store, Summary
    from ollama_lab.magics.stored import Chats

_MOST_CHATS = 50


def found(chats: Chats, words: str) -> Table:
    """List the chats, or those in which a message or the title holds every word.

    Raises
    ------
    Forbidden, NoRoom, Busy
        The file cannot be opened.
    """
    head = ("chat", "written", "messages", "model", *(["found"] if words else []))
    if not chats_path().exists():
        # Looking makes no file.
        return Table(head, (), (f"No chat is stored yet; chats will be kept in {chats_path()}",))
    store = chats.store()
    rows = list(_searched(store, words) if words else _listed(store))
    return Table(head, tuple(rows), (*_notes(store, len(rows), words), *chats.notices()))


def _listed(store: Store) -> Iterator[tuple[str, ...]]:
    for summary in store.chats(limit=_MOST_CHATS):
        yield _row(summary)


def _searched(store: Store, words: str) -> Iterator[tuple[str, ...]]:
    for summary, hit in store.search_chats(words)[:_MOST_CHATS]:
        yield (*_row(summary), hit.excerpt)


def _row(summary: Summary) -> tuple[str, ...]:
    written = datetime.fromtimestamp(summary.chat.updated).astimezone()
    return (
        summary.chat.title,
        written.strftime("%Y-%m-%d %H:%M"),
        str(summary.message_count),
        summary.model,
    )


def _notes(store: Store, shown: int, words: str) -> Iterator[str]:
    if words and not shown:
        yield f"No chat holds {words!r}."
    elif not words and store.count() > shown:
        yield f"These are the last {shown} of {store.count():,}; find others with: %ollama chats WORDS"
    yield f"Chats are kept in {store.path}"
