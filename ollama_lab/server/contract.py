"""Values as the sidebar reads them; the shapes are described in docs/http-api.md."""

from __future__ import annotations

import base64
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ollama_lab.wire import Stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.conversations import Conversation, Message, Summary
    from ollama_lab.errors import OllamaLabError
    from ollama_lab.models import Model

    ReadPicture = Callable[[str], bytes]

_NUMBERS = [field.name for field in fields(Stats)]


def failure(error: OllamaLabError) -> dict[str, str]:
    """Write an error, for whom a message is what a cell is elsewhere."""
    hint = error.hint.replace("Run the cell again", "Send it again")
    return {"message": error.message, "hint": hint, "kind": type(error).__name__}


def when(seconds: float) -> str:
    """Write a time of seconds since 1970.

    >>> when(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    return _written(datetime.fromtimestamp(seconds, UTC))


def _written(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


# ---------------------------------------------------------------- models


def model(one: Model, *, is_allowed: bool, why_not: str) -> dict[str, Any]:
    """Write a model of the list."""
    return {
        "name": one.name,
        "digest": one.digest,
        "size_bytes": one.size_bytes,
        "family": one.family,
        "parameter_size": one.parameter_size,
        "quantization": one.quantization,
        "context_length": one.context_length,
        "capabilities": None if one.capabilities is None else sorted(one.capabilities),
        "runs_elsewhere": one.runs_elsewhere,
        "is_demo": one.is_demo,
        "is_allowed": is_allowed,
        "why_not": why_not,
        "loaded": _loaded(one),
        "modified_at": _written(one.modified_at) if one.modified_at else "",
    }


def _loaded(one: Model) -> dict[str, Any] | None:
    if one.loaded is None:
        return None
    expires_at = one.loaded.expires_at
    return {
        "where": one.loaded.where,
        "expires_at": _written(expires_at) if expires_at else None,
        "context_tokens": one.loaded.context_tokens,
        "size_bytes": one.loaded.size_bytes,
    }


# ---------------------------------------------------------------- chats


def message(one: Message, picture: ReadPicture) -> dict[str, Any]:
    """Write a message; `picture` reads an image by its digest."""
    kept = one.stats
    return {
        "id": one.id,
        "parent_id": one.parent_id,
        "role": one.role,
        "text": one.text,
        "thinking": one.thinking,
        "attachments": _attachments(one, picture),
        "state": one.state,
        "model": one.provenance.get("model", ""),
        "stats": {name: kept.get(name) for name in _NUMBERS} if "answer_tokens" in kept else None,
        "context_tokens": kept.get("context_tokens"),
        "first_token_seconds": kept.get("first_token_seconds"),
        "thought_seconds": kept.get("thought_seconds"),
        "notes": kept.get("notes", []),
        "error": kept.get("error"),
        "siblings": list(one.siblings),
        "created_at": when(one.created),
    }


def _attachments(one: Message, picture: ReadPicture) -> list[dict[str, str]]:
    texts = [{"kind": each.kind, "name": each.name, "text": each.text} for each in one.attachments]
    images = [
        {
            "kind": "image",
            "name": each.name,
            "image": base64.b64encode(each.data or picture(each.digest)).decode(),
        }
        for each in one.pictures
    ]
    return [*texts, *images]


def conversation(one: Conversation, picture: ReadPicture) -> dict[str, Any]:
    """Write a chat with the branch on show."""
    chat, parameters = one.chat, one.chat.parameters
    return {
        "id": chat.id,
        "title": chat.title,
        "created_at": when(chat.created),
        "updated_at": when(chat.updated),
        "model": parameters.model,
        "system": parameters.system,
        "options": dict(parameters.options),
        "is_private": False,
        "messages": [message(each, picture) for each in one.messages],
        "leaf_id": chat.leaf_id,
    }


def summary(one: Summary, excerpt: str = "") -> dict[str, Any]:
    """Write a chat of the list; `excerpt` is what a search found."""
    chat = one.chat
    return {
        "id": chat.id,
        "title": chat.title,
        "created_at": when(chat.created),
        "updated_at": when(chat.updated),
        "message_count": one.message_count,
        "excerpt": excerpt or one.last_line,
        "model": one.model,
    }
