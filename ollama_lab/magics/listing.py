"""``%ollama chats``: the stored chats as a table, the one that was written to last first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ollama_lab.conversations import chats_path
from ollama_lab.magics.words import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ollama_lab.conversations import Conversation, Hit, Store
    from ollama_lab.magics.stored import Chats

_MOST_CHATS = 50
_MOST_HITS = 200


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
        yield _row(store.read(summary.chat.id))


def _searched(store: Store, words: str) -> Iterator[tuple[str, ...]]:
    first: dict[str, Hit] = {}
    for hit in store.search(words, limit=_MOST_HITS):
        first.setdefault(hit.chat_id, hit)
    for hit in list(first.values())[:_MOST_CHATS]:
        yield (*_row(store.read(hit.chat_id)), hit.excerpt)


def _row(conversation: Conversation) -> tuple[str, ...]:
    chat = conversation.chat
    written = datetime.fromtimestamp(chat.updated).astimezone()
    return (
        chat.title,
        written.strftime("%Y-%m-%d %H:%M"),
        str(len(conversation.messages)),
        _model(conversation),
    )


def _model(conversation: Conversation) -> str:
    """Name the model that answered last; before an answer, the one that the chat asks for."""
    answered = (message.provenance.get("model") for message in reversed(conversation.messages))
    return next(filter(None, answered), conversation.chat.parameters.model)


def _notes(store: Store, shown: int, words: str) -> Iterator[str]:
    if words and not shown:
        yield f"No chat holds {words!r}."
    elif not words and store.count() > shown:
        yield f"These are the last {shown} of {store.count():,}; find others with: %ollama chats WORDS"
    yield f"Chats are kept in {store.path}"
