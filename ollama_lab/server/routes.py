"""Which address is answered by what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ollama_lab.server import (
    chat,
    conversations,
    downloads,
    embedding,
    generation,
    health,
    messages,
    models,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ollama_lab.server.base import Handler

BEGIN = "/ollama-lab/api/"

#: The first that matches answers: a model may have any name, so its address comes last.
ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    ("health", health.HealthHandler),
    ("models", models.ModelsHandler),
    ("models/load", models.LoadHandler),
    ("models/unload", models.UnloadHandler),
    ("models/copy", models.CopyHandler),
    ("models/delete", models.DeleteHandler),
    ("models/(.+)", models.ModelHandler),
    ("pulls", downloads.PullsHandler),
    ("pulls/([0-9a-f]+)", downloads.PullHandler),
    ("chat", chat.ChatHandler),
    ("chat/stop", chat.StopHandler),
    ("generate", generation.GenerateHandler),
    ("embed", embedding.EmbedHandler),
    ("estimate", embedding.EstimateHandler),
    ("conversations", conversations.ConversationsHandler),
    ("conversations/import", conversations.ImportHandler),
    ("conversations/([^/]+)", conversations.ConversationHandler),
    ("conversations/([^/]+)/restore", conversations.RestoreHandler),
    ("conversations/([^/]+)/export", conversations.ExportHandler),
    ("conversations/([^/]+)/messages/([^/]+)", messages.MessageHandler),
    ("conversations/([^/]+)/messages/([^/]+)/restore", messages.MessageRestoreHandler),
    ("changes", conversations.ChangesHandler),
)


def handlers() -> list[tuple[str, type[Handler]]]:
    """Give what the server application adds to its own."""
    return [(BEGIN + path, handler) for path, handler in ROUTES]


@dataclass(frozen=True, slots=True)
class Verb:
    """One call: ``path`` is written with NAME or ID where something is named."""

    path: str
    method: str
    action: str
    about: str


def verbs() -> Iterator[Verb]:
    """Give every call with what it takes to make it, as the page of calls and the tests need it."""
    for pattern, handler in ROUTES:
        path = re.sub(r"\(.*?\)", "NAME" if "models" in pattern else "ID", pattern)
        for method in ("GET", "POST", "PATCH", "DELETE"):
            verb = vars(handler).get(method.lower())
            if verb is not None:
                yield Verb(path, method, verb.action, verb.__doc__.partition("\n")[0])
