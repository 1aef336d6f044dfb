"""A chat as its export writes it, for tests and measurements of long ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_THEN = 1_700_000_000.0


def exported(title: str, texts: Sequence[str]) -> str:
    """Write a chat of these messages, the first of them the user's."""
    chat = {
        "title": title,
        "created": _THEN,
        "updated": _THEN,
        "leaf_id": len(texts),
        "parameters": {"model": "", "system": "", "options": {}, "think": None},
        "messages": [
            {
                "id": number + 1,
                "parent_id": number or None,
                "role": "assistant" if number % 2 else "user",
                "text": text,
                "state": "done",
                "created": _THEN + number,
                "thinking": "",
                "tool_name": "",
                "tool_calls": [],
                "provenance": {},
                "stats": {},
                "attachments": [],
                "pictures": [],
            }
            for number, text in enumerate(texts)
        ],
    }
    return json.dumps({"format": "ollama-lab chats", "version": 1, "chats": [chat]})
