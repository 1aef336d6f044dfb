"""Which address is answered by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ollama_lab.server import (
    chat,
    conversations,
    downloads,
    embedding,
    generation,
    health,
    models,
)

if TYPE_CHECKING:
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
    ("changes", conversations.ChangesHandler),
)


def handlers() -> list[tuple[str, type[Handler]]]:
    """Give what the server application adds to its own."""
    return [(BEGIN + path, handler) for path, handler in ROUTES]
