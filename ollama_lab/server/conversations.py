"""The stored chats: listed, searched, read, changed, deleted, exported, imported."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab import options
from ollama_lab.errors import BadUsage, one_of
from ollama_lab.server import contract
from ollama_lab.server.base import Handler, authorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.conversations import Parameters, Store
    from ollama_lab.server.body import Body

_FORMATS = {"markdown": ".md", "notebook": ".ipynb", "json": ".json"}
_MOST_LISTED = 200
_PARAMETERS = ("model", "system", "options", "think")


class ConversationsHandler(Handler):
    """``conversations``."""

    @web.authenticated
    @authorized("read")
    async def get(self) -> None:
        """List chats, or those that hold some words."""
        await self.reply(self._list())

    @web.authenticated
    @authorized("write")
    async def post(self) -> None:
        """Begin a chat."""
        await self.reply(self._create())

    @web.authenticated
    @authorized("write")
    async def delete(self) -> None:
        """Delete all chats; for an hour each can be restored."""
        await self.reply(self._delete())

    async def _list(self) -> dict[str, Any]:
        words = self.get_query_argument("q", "").strip()
        limit = min(self.count("limit", 50), _MOST_LISTED)
        offset = self.count("offset", 0)
        if words:
            return await self.backend.disk(lambda store: _found(store, words, limit, offset))
        return await self.backend.disk(lambda store: _page(store, limit, offset))

    async def _create(self) -> dict[str, Any]:
        body = self.body()
        self.backend.administration.check_change()
        title = body.text("title", "")
        if body.flag("is_private"):
            return _private(title, body)
        made = await self.backend.disk(
            lambda store: store.create(title, _parameters(body, store)).id
        )
        return await self.backend.disk(reading(made))

    async def _delete(self) -> dict[str, Any]:
        self.backend.administration.check_change()
        ids = await self.backend.disk(lambda store: store.delete_all())
        return {"undo_tokens": ids}


class ConversationHandler(Handler):
    """``conversations/ID``."""

    @web.authenticated
    @authorized("read")
    async def get(self, chat_id: str) -> None:
        """Read a chat with the branch on show."""
        await self.reply(self.backend.disk(reading(chat_id)))

    @web.authenticated
    @authorized("write")
    async def patch(self, chat_id: str) -> None:
        """Change a chat's title, what it asks for, or the branch on show."""
        await self.reply(self._change(chat_id))

    @web.authenticated
    @authorized("write")
    async def delete(self, chat_id: str) -> None:
        """Delete a chat; for an hour it can be restored."""
        await self.reply(self._delete(chat_id))

    async def _change(self, chat_id: str) -> dict[str, Any]:
        body = self.body()
        self.backend.administration.check_change()
        await self.backend.disk(lambda store: _change(store, chat_id, body))
        return await self.backend.disk(reading(chat_id))

    async def _delete(self, chat_id: str) -> dict[str, str]:
        self.backend.administration.check_change()
        await self.backend.disk(lambda store: store.delete(chat_id))
        return {"undo_token": chat_id}


class RestoreHandler(Handler):
    """``conversations/ID/restore``."""

    @web.authenticated
    @authorized("write")
    async def post(self, chat_id: str) -> None:
        """Bring a deleted chat back."""
        await self.reply(self._restore(chat_id))

    async def _restore(self, chat_id: str) -> dict[str, Any]:
        self.backend.administration.check_change()
        await self.backend.disk(lambda store: store.restore(chat_id))
        return await self.backend.disk(reading(chat_id))


class ExportHandler(Handler):
    """``conversations/ID/export``."""

    @web.authenticated
    @authorized("read")
    async def get(self, chat_id: str) -> None:
        """Write a chat as Markdown, as a notebook, or as JSON that can be imported."""
        await self.reply(self._export(chat_id))

    async def _export(self, chat_id: str) -> dict[str, str]:
        kind = self.get_query_argument("format", "json")
        if kind not in _FORMATS:
            raise BadUsage(f"The format is '{kind}'; it is {one_of(list(_FORMATS))}.")
        return await self.backend.disk(lambda store: _exported(store, chat_id, kind))


class ImportHandler(Handler):
    """``conversations/import``."""

    @web.authenticated
    @authorized("write")
    async def post(self) -> None:
        """Add the chats of an export; gives the first of them."""
        await self.reply(self._import())

    async def _import(self) -> dict[str, Any]:
        content = self.body().get("content")
        self.backend.administration.check_change()
        text = content if isinstance(content, str) else json.dumps(content)
        ids = await self.backend.disk(lambda store: store.import_json(text))
        if not ids:
            raise BadUsage("The file holds no chat.", hint="Import one that does.")
        first = await self.backend.disk(reading(ids[0]))
        return {**first, "imported_ids": ids}


class ChangesHandler(Handler):
    """``changes``."""

    @web.authenticated
    @authorized("read")
    async def get(self) -> None:
        """Say whether chats changed since a version, in whatever process: made to be polled."""
        await self.reply(self._changes())

    async def _changes(self) -> dict[str, Any]:
        since = self.count("since", 0)
        found = await self.backend.disk(lambda store: store.changes(since))
        return {
            "version": found.revision,
            "changed_ids": list(found.chat_ids),
            "deleted_ids": list(found.deleted_ids),
        }


# ---------------------------------------------------------------- in the thread of the chats


def reading(chat_id: str) -> Callable[[Store], dict[str, Any]]:
    """Give what reads a chat, with the branch on show."""
    return lambda store: contract.conversation(store.read(chat_id), store.picture)


def _page(store: Store, limit: int, offset: int) -> dict[str, Any]:
    summaries = store.chats(limit=limit, offset=offset)
    return {
        "notice": store.notice,
        "conversations": [contract.summary(one) for one in summaries],
        "total": store.count(),
    }


def _found(store: Store, words: str, limit: int, offset: int) -> dict[str, Any]:
    """List the chats that hold some words, each once, with where they were found first."""
    found = store.search_chats(words)
    page = found[offset : offset + limit]
    return {
        "notice": store.notice,
        "conversations": [contract.summary(one, hit.excerpt) for one, hit in page],
        "total": len(found),
    }


def _private(title: str, body: Body) -> dict[str, Any]:
    """Describe a chat that is stored nowhere: its messages come with every prompt."""
    now = contract.when(time.time())
    return {
        "id": f"private-{secrets.token_hex(8)}",
        "title": title,
        "created_at": now,
        "updated_at": now,
        "model": body.text("model", ""),
        "system": body.text("system", ""),
        "options": options.check_all(body.fields("options")),
        "is_private": True,
        "messages": [],
        "leaf_id": None,
    }


def _parameters(body: Body, _: Store, old: Parameters | None = None) -> Parameters:
    from ollama_lab.conversations import Parameters

    old = old or Parameters()
    given = options.check_all(body.fields("options"))
    return Parameters(
        model=body.text("model", old.model),
        system=body.text("system", old.system),
        options=given if body.has("options") else old.options,
        think=body.think() if body.has("think") else old.think,
    )


def _change(store: Store, chat_id: str, body: Body) -> None:
    if body.has("title"):
        store.rename(chat_id, body.text("title"))
    if any(body.has(name) for name in _PARAMETERS):
        old = store.read(chat_id).chat.parameters
        store.set_parameters(chat_id, _parameters(body, store, old))
    if body.has("leaf_id"):
        leaf = body.get("leaf_id")
        if not isinstance(leaf, int):
            raise body.wrong("leaf_id", "names no message")
        store.select(chat_id, leaf)


def _exported(store: Store, chat_id: str, kind: str) -> dict[str, str]:
    title = store.read(chat_id).chat.title
    content = {
        "markdown": lambda: store.export_markdown(chat_id),
        "notebook": lambda: store.export_notebook(chat_id),
        "json": lambda: store.export_json([chat_id]),
    }[kind]()
    name = re.sub(r"[^\w-]+", "-", title).strip("-")[:60] or "chat"
    return {"name": name + _FORMATS[kind], "content": content}
