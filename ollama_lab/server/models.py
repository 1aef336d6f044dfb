"""The server's models: listed, looked at, loaded, copied, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab import aclient, errors, models, wire
from ollama_lab.server import contract
from ollama_lab.server.base import Handler, authorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.hosts import Host
    from ollama_lab.server.administration import Administration
    from ollama_lab.server.backend import Backend
    from ollama_lab.server.body import Body
    from ollama_lab.session import Session


class ModelsHandler(Handler):
    """``models``."""

    @web.authenticated
    @authorized("read")
    async def get(self) -> None:
        """List the models that the server has."""
        backend = self.backend
        await self.reply(backend.ask(lambda session: listed(backend.administration, session)))


class ModelHandler(Handler):
    """``models/NAME``."""

    @web.authenticated
    @authorized("read")
    async def get(self, name: str) -> None:
        """Say what a model is and what its own parameters are."""
        backend = self.backend
        await self.reply(
            backend.ask(lambda session: details(backend.administration, session, name))
        )


class LoadHandler(Handler):
    """``models/load``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Bring a model into memory, which can take minutes."""
        await self.reply(self._load(), ends_with_client=True)

    async def _load(self) -> dict[str, str]:
        name = self.body().text("model")
        backend = self.backend
        backend.administration.check_change()
        backend.administration.check_model(name)
        host, call = await backend.ask(lambda session: _load_call(session, name))
        await aclient.fetch(host, call, backend.sessions.patience)
        return {"model": call.model}


class UnloadHandler(Handler):
    """``models/unload``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Take a model out of memory once its running answers have ended."""
        await self.reply(self._unload())

    async def _unload(self) -> dict[str, str]:
        name = self.body().text("model")
        self.backend.administration.check_change()
        return await _changed(self.backend, wire.unload(name))


class CopyHandler(Handler):
    """``models/copy``."""

    @web.authenticated
    @authorized("write")
    async def post(self) -> None:
        """Give a model a second name."""
        await self.reply(self._copy(self.body))

    async def _copy(self, body: Callable[[], Body]) -> dict[str, str]:
        given = body()
        self.backend.administration.check_pull()
        destination = models.normalize(given.text("destination"))
        return await _changed(self.backend, wire.copy(given.text("source"), destination))


class DeleteHandler(Handler):
    """``models/delete``."""

    @web.authenticated
    @authorized("write")
    async def post(self) -> None:
        """Remove a model from the server's memory and disk."""
        await self.reply(self._delete())

    async def _delete(self) -> dict[str, str]:
        name = self.body().text("model")
        self.backend.administration.check_delete()
        # First out of memory: a deleted model cannot be unloaded by name any more.
        await _changed(self.backend, wire.unload(name))
        return await _changed(self.backend, wire.delete(name))


async def _changed(backend: Backend, call: wire.Call) -> dict[str, str]:
    """Run a call that changes what the list says."""
    host: Host = await backend.ask(lambda session: session.client().host)
    try:
        await aclient.fetch(host, call, backend.sessions.patience)
    except errors.ModelNotFound as exc:
        raise errors.model_not_found(call.model) from exc
    finally:
        backend.sessions.forget_models()
    return {}


def _load_call(session: Session, name: str) -> tuple[Host, wire.Call]:
    model = session.model(name)
    options = session.standing_options(model)
    call = wire.load(model.name, options=options, keep_alive=session.keep_alive)
    return session.client().host, call


def listed(administration: Administration, session: Session) -> dict[str, Any]:
    """List the models with what is in memory."""
    found = models.with_loaded(session.list_models(), session.client().ps())
    return {"models": [_written(administration, session, model) for model in found]}


def details(administration: Administration, session: Session, name: str) -> dict[str, Any]:
    """Describe one model."""
    model = session.model(name)
    (model,) = models.with_loaded([model], session.client().ps())
    written = _written(administration, session, model)
    return {
        **written,
        "architecture": model.architecture,
        "license": model.license,
        "template": model.template,
        "parameters": dict(model.parameters or {}),
        "system": model.system,
    }


def _written(
    administration: Administration, session: Session, model: models.Model
) -> dict[str, Any]:
    is_allowed = administration.allows_model(model.name)
    why_not = _why_not(session, model, is_allowed=is_allowed)
    return contract.model(model, is_allowed=is_allowed, why_not=why_not)


def _why_not(session: Session, model: models.Model, *, is_allowed: bool) -> str:
    """Say why a model cannot be chosen; empty where it can."""
    if not is_allowed:
        return "It is not allowed here."
    if model.runs_elsewhere and not session.settings.allow_remote_models:
        return "It runs elsewhere: your prompt would leave this machine."
    if not model.can_chat:
        return "It makes embeddings and cannot chat."
    return ""
