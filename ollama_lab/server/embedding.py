"""Vectors of texts, and how long texts are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab import aclient, wire
from ollama_lab.server.base import Handler, authorized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ollama_lab.hosts import Host
    from ollama_lab.session import Session


class EmbedHandler(Handler):
    """``embed``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Give one vector a text."""
        await self.reply(self._embed(), ends_with_client=True)

    async def _embed(self) -> dict[str, Any]:
        body, backend = self.body(), self.backend
        name, texts = body.text("model"), body.texts("texts")
        backend.administration.check_change()
        backend.administration.check_model(name)
        backend.administration.check_prompt(sum(map(len, texts)))
        host, call = await backend.ask(lambda session: _call(session, name, texts))
        reply = await aclient.fetch(host, call, backend.sessions.patience)
        return {"embeddings": wire.embeddings(reply)}


def _call(session: Session, name: str, texts: Sequence[str]) -> tuple[Host, wire.Call]:
    model = session.model(name)
    # A text that is too long is an error: cut in silence, its vector would be of another text.
    call = wire.embed(model.name, texts, truncate=False, keep_alive=session.keep_alive)
    return session.client().host, call


class EstimateHandler(Handler):
    """``estimate``."""

    @web.authenticated
    @authorized("read")
    async def post(self) -> None:
        """Estimate how many tokens texts take, before anything is sent."""
        await self.reply(self._estimate())

    async def _estimate(self) -> dict[str, list[int]]:
        from ollama_lab import prompts

        texts = self.body().texts("texts")
        return await asyncio.to_thread(
            lambda: {"tokens": list(map(prompts.estimate_tokens, texts))}
        )
