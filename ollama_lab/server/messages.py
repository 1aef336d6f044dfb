"""Single messages of the stored chats: deleted, and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab.errors import BadUsage
from ollama_lab.server.base import Handler, authorized
from ollama_lab.server.conversations import reading

if TYPE_CHECKING:
    from ollama_lab.conversations import Store

# What SQLite holds as a number, in every case.
_MOST_DIGITS = 18


class MessageHandler(Handler):
    """``conversations/ID/messages/ID``."""

    @web.authenticated
    @authorized("write")
    async def delete(self, chat_id: str, message: str) -> None:
        """Delete a message with all that follows it; for an hour it can be restored."""
        await self.reply(self._delete(chat_id, message))

    async def _delete(self, chat_id: str, message: str) -> dict[str, Any]:
        message_id = _number(message)
        self.backend.administration.check_change()

        def deleted(store: Store) -> dict[str, Any]:
            count = store.delete_message(chat_id, message_id)
            return {**reading(chat_id)(store), "undo_token": message_id, "deleted_count": count}

        return await self.backend.disk(deleted)


class MessageRestoreHandler(Handler):
    """``conversations/ID/messages/ID/restore``."""

    @web.authenticated
    @authorized("write")
    async def post(self, chat_id: str, message: str) -> None:
        """Bring a deleted message back, with what followed it."""
        await self.reply(self._restore(chat_id, message))

    async def _restore(self, chat_id: str, message: str) -> dict[str, Any]:
        message_id = _number(message)
        self.backend.administration.check_change()

        def restored(store: Store) -> dict[str, Any]:
            store.restore_message(chat_id, message_id)
            return reading(chat_id)(store)

        return await self.backend.disk(restored)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise BadUsage(f"There is no message '{text}'.", hint="Load the chat again.")
    return int(text)
