"""Which server prompts go to, why, and whether they can be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab import errors
from ollama_lab.server import contract
from ollama_lab.server.base import Handler, authorized

if TYPE_CHECKING:
    from ollama_lab import models
    from ollama_lab.server.backend import Backend
    from ollama_lab.session import Session


class HealthHandler(Handler):
    """``health``."""

    @web.authenticated
    @authorized("read")
    async def get(self) -> None:
        """Say how things are; always 200, for that is an answer too."""
        backend = self.backend
        await self.reply(backend.ask(lambda session: health(backend, session)))


def health(backend: Backend, session: Session) -> dict[str, Any]:
    """Look at the server and say what a first page needs to know."""
    from ollama_lab.conversations import chats_path

    found = _Found()
    error: errors.OllamaLabError | None = None
    try:
        found.look(backend, session)
    except errors.OllamaLabError as exc:
        error = exc
        if isinstance(exc, errors.Unreachable):
            session.forget_host()
    rights = backend.administration
    return {
        **found.written(error),
        "is_read_only": rights.read_only,
        "can_pull": rights.may_pull,
        "can_delete": rights.may_delete,
        "allow_remote": session.settings.allow_remote_models,
        "settings": _settings(session),
        "data_file": str(chats_path()),
        "error": contract.failure(error) if error else None,
    }


def _settings(session: Session) -> dict[str, Any]:
    settings = session.settings
    return {
        "context_tokens": settings.context_tokens,
        "show_thinking": settings.show_thinking,
        "system": settings.system,
        "options": dict(settings.options),
    }


class _Found:
    """What a look found out before it ended, or failed."""

    def __init__(self) -> None:
        self.host, self.why, self.is_embedded = "", "", False
        self.version = ""
        self.choice: models.Choice | None = None
        self.is_demo = False

    def look(self, backend: Backend, session: Session) -> None:
        client = session.client()
        host = client.host
        self.host, self.why, self.is_embedded = host.url, host.why, host.is_embedded
        self.version = client.version()
        choice = backend.choose(session, "")
        self.is_demo = session.model(choice.name).is_demo
        self.choice = choice

    def written(self, error: errors.OllamaLabError | None) -> dict[str, Any]:
        choice = self.choice
        return {
            "host": self.host,
            "why": self.why,
            "is_embedded": self.is_embedded,
            "version": self.version,
            "model": {"name": choice.name, "why": choice.why} if choice else None,
            "state": self._state(error),
        }

    def _state(self, error: errors.OllamaLabError | None) -> str:
        if error is not None:
            return "no_model" if isinstance(error, errors.ModelNotFound) else "no_server"
        if self.is_demo:
            return "only_demo"
        return "engine" if self.is_embedded else "ready"
