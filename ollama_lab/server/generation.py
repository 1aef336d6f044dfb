"""Completions for the editor: streamed, and stored nowhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tornado import web

from ollama_lab import aclient, errors, options, wire
from ollama_lab.server.base import Streaming, authorized
from ollama_lab.server.relay import READ_PACE

if TYPE_CHECKING:
    from ollama_lab.hosts import Host
    from ollama_lab.server.body import Body
    from ollama_lab.server.relay import Relay
    from ollama_lab.session import Session


class GenerateHandler(Streaming):
    """``generate``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Complete a text, or what stands between two."""
        await self.stream(self._generate)

    async def _generate(self, relay: Relay) -> None:
        body, backend = self.body(), self.backend
        name, prompt = body.text("model", ""), body.text("prompt")
        backend.administration.check_prompt(len(prompt) + len(body.text("suffix", "")))
        chosen = await backend.ask(lambda session: backend.choose(session, name))
        host, call = await backend.ask(lambda session: _call(session, chosen.name, body))
        chunks = aclient.chat(host, call, backend.sessions.patience, pace=READ_PACE)
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                if chunk.content:
                    relay.delta(chunk.content)
                if chunk.done and chunk.stats:
                    relay.send({"type": "done", "stats": chunk.stats.numbers()})


def _call(session: Session, name: str, body: Body) -> tuple[Host, wire.Call]:
    model = session.model(name)
    suffix = body.text("suffix", "")
    if suffix and model.can("insert") is False:
        raise errors.cannot(model.name, "does not support insert")
    given = session.standing_options(model, options.check_all(body.fields("options")))
    is_new = wire.release(session.client().version()) >= wire.TRUNCATE_SINCE
    call = wire.generate(
        model.name,
        body.text("prompt"),
        suffix=suffix or None,
        options=given,
        keep_alive=session.keep_alive,
        truncate=False if is_new else None,
    )
    return session.client().host, call
