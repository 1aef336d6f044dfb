"""A chat's answer: planned, streamed, and kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tornado import web

from ollama_lab import aclient, errors, models, wire
from ollama_lab.server import contract
from ollama_lab.server.base import Handler, Streaming, authorized
from ollama_lab.server.relay import READ_PACE

if TYPE_CHECKING:
    from ollama_lab.answer import Answer
    from ollama_lab.conversations import Message
    from ollama_lab.server.asking import Asked, Context, Planned
    from ollama_lab.server.backend import Backend
    from ollama_lab.server.keeping import Place
    from ollama_lab.server.relay import Relay

_LOOK_SECONDS = 0.5
_log = logging.getLogger(__name__)


class ChatHandler(Streaming):
    """``chat``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Answer a prompt, line by line."""
        await self.stream(self._answer)

    async def _answer(self, relay: Relay) -> None:
        from ollama_lab.server import asking  # brings sqlite3: not at server start

        backend, asked = self.backend, asking.read(self.body())
        if asked.key:
            backend.name(asyncio.current_task(), asked.key)
        backend.administration.check_prompt(asked.characters)
        context = await _context(backend, asked)
        planned = await backend.ask(lambda session: asking.plan(backend, session, asked, context))
        place = await _placed(backend, asked, planned)
        backend.name(asyncio.current_task(), place.answer.id)
        relay.outlives_client = asked.keep_running
        await Answering(backend, relay, planned, place).run()


class StopHandler(Handler):
    """``chat/stop``."""

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Stop an answer by the id of its message, or the key of its request."""
        await self.reply(self._stop())

    async def _stop(self) -> dict[str, bool]:
        body = self.body()
        name = body.text("key") if body.has("key") else body.get("message_id")
        return {"was_running": self.backend.stop(name)}


async def _context(backend: Backend, asked: Asked) -> Context:
    from ollama_lab.server import asking

    if asked.private is not None:
        return asking.private_context(asked)
    return await backend.disk(lambda store: asking.stored_context(asked, store))


async def _placed(backend: Backend, asked: Asked, planned: Planned) -> Place:
    """Keep the prompt and begin its answer, before anything is sent to the model."""
    from ollama_lab.server import keeping

    if asked.private is not None:
        return keeping.private(planned.prompt)
    work = asyncio.ensure_future(
        backend.disk(
            lambda store: replace(
                keeping.stored(store, asked, planned.prompt), news=backend.news(store)
            )
        )
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # The client left in this very moment: what the thread begins is ended there.
        work.add_done_callback(lambda done: _end_unseen(backend, done))
        raise


def _end_unseen(backend: Backend, done: asyncio.Task[Place]) -> None:
    if not done.cancelled() and done.exception() is None:
        writer = done.result().writer
        backend.disk_later(lambda: writer.finish("stopped") if writer else None)


class Answering:
    """One answer, from its first line to its last.

    Parameters
    ----------
    backend : Backend
        Where it is kept.
    relay : Relay
        Whom it is told to.
    planned : Planned
        The call.
    place : Place
        Its message.
    """

    def __init__(self, backend: Backend, relay: Relay, planned: Planned, place: Place) -> None:
        self._backend = backend
        self._relay = relay
        self._planned = planned
        self._plan = planned.plan
        self._place = place
        self._record = planned.plan.record()
        self._sent_at = 0.0
        self._first_at = 0.0
        self._thought: tuple[float, float] | None = None

    async def run(self) -> None:
        """Stream the answer; whatever happens, it is kept and has a last line."""
        self._relay.send(self._start_line())
        self._sent_at = time.monotonic()
        try:
            async with self._relay.beating(self._phase):
                await self._follow()
        except errors.OllamaLabError as exc:
            await self._end("broken", self._worded(exc))
        except asyncio.CancelledError:
            await self._canceled()
        except Exception:  # noqa: BLE001 (the top of a task: it logs with traceback)
            _log.exception("An answer ended unexpectedly.")
            await self._end("broken", errors.OllamaLabError("The answer ended unexpectedly."))
        else:
            await self._end("done")

    async def _follow(self) -> None:
        plan, patience = self._plan, self._backend.sessions.patience
        chunks = aclient.chat(plan.client.host, plan.call, patience, pace=READ_PACE)
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                self._take(chunk)

    def _take(self, chunk: wire.Chunk) -> None:
        now = time.monotonic()
        self._record.add(chunk)
        if not (chunk.content or chunk.thinking):
            return
        self._first_at = self._first_at or now
        if chunk.thinking:
            begun = self._thought[0] if self._thought else now
            self._thought = begun, now
        if self._place.writer is not None:
            self._place.writer.add(chunk.content, chunk.thinking)
        self._relay.delta(chunk.content, chunk.thinking)

    async def _phase(self) -> str:
        """Say what is waited for; only before the first word can the server tell."""
        from ollama_lab.session import phase_words

        if self._first_at:
            return phase_words(is_loaded=None)
        shortly = replace(self._backend.sessions.patience, connect_seconds=_LOOK_SECONDS)
        shortly = replace(shortly, first_byte_seconds=_LOOK_SECONDS, idle_seconds=_LOOK_SECONDS)
        try:
            loaded = models.from_ps(await aclient.fetch(self._plan.client.host, wire.ps(), shortly))
        except errors.OllamaLabError:
            return phase_words(is_loaded=None)
        name = self._plan.model.name
        return phase_words(is_loaded=any(models.same(name, one) for one in loaded))

    # ------------------------------------------------------------ ends

    async def _canceled(self) -> None:
        """End an answer that the client left, that was stopped, or that the server cannot go on with."""
        relay, task = self._relay, asyncio.current_task()
        assert task is not None
        if relay.is_gone and not relay.outlives_client:
            # Ollama was let go before this; nobody waits for the disk.
            self._backend.disk_later(lambda: self._kept(self._message("stopped")))
            raise asyncio.CancelledError
        task.uncancel()
        if self._backend.is_closing:
            await self._end("broken", _shutting_down())
        else:
            await self._end("stopped")

    async def _end(self, state: str, error: errors.OllamaLabError | None = None) -> None:
        message = self._message(state, error)
        if self._place.writer is not None:
            message = await self._backend.disk(lambda _: self._kept(message))
        written = contract.message(message, lambda _: b"")
        if error is None:
            self._relay.send({"type": "done", "message": written})
        else:
            failure = contract.failure(error)
            self._relay.send({"type": "error", "error": failure, "message": written})

    def _kept(self, message: Message) -> Message:
        """Write the end to the disk; where that is not possible the message says so."""
        writer = self._place.writer
        if writer is None:
            return message
        try:
            writer.finish(
                message.state, provenance=dict(message.provenance), stats=dict(message.stats)
            )
        except errors.OllamaLabError as exc:
            _log.warning("%s", exc)
            notes = [*message.stats["notes"], f"Not kept yet: {exc}"]
            return replace(message, stats={**message.stats, "notes": notes})
        return message

    def _worded(self, exc: errors.OllamaLabError) -> errors.OllamaLabError:
        """Act on a failure where the next prompt would meet it again."""
        if isinstance(exc, errors.Unreachable):
            self._backend.sessions.forget_host()
        if isinstance(exc, errors.ModelNotFound):
            self._backend.sessions.forget_models()
            return errors.model_not_found(self._plan.model.name)
        return exc

    # ------------------------------------------------------------ what is told

    def _start_line(self) -> dict[str, Any]:
        place, plan = self._place, self._plan
        answer = replace(place.answer, provenance={"model": plan.model.name})
        return {
            "type": "start",
            "user_message": contract.message(place.user, lambda _: b"") if place.user else None,
            "message": contract.message(answer, lambda _: b""),
            "conversation": {"id": place.chat_id, "title": place.title},
            "notes": [*place.news, *plan.notes],
            "context_tokens": plan.context_tokens,
            "model": plan.model.name,
            "why": self._planned.choice.why,
        }

    def _message(self, state: str, error: errors.OllamaLabError | None = None) -> Message:
        """Give the answer as it is now, with all that is known of it."""
        answer = self._record.answer(state if state != "done" else "")
        return replace(
            self._place.answer,
            text=answer.text,
            thinking=answer.thinking,
            state=state,
            provenance=answer.provenance.metadata(answer.stats, answer.done_reason),
            stats=answer.kept(
                context_tokens=self._plan.context_tokens,
                first_token_seconds=self._seconds(self._sent_at, self._first_at),
                thought_seconds=self._seconds(*self._thought) if self._thought else None,
                left_out=self._planned.left_out,
                notes=[*self._place.news, *self._plan.notes, *self._cut(answer)],
                error=contract.failure(error) if error else None,
            ),
        )

    def _cut(self, answer: Answer) -> list[str]:
        """Say in words why an answer that the server ended is not whole."""
        if answer.done_reason != "length":
            return []
        # With the sanitizer and its patterns: a fifth of what the extension's import would take.
        from ollama_lab import display

        return display.cut(answer, self._plan.context_tokens, self._plan.own_limit)

    @staticmethod
    def _seconds(begin: float, end: float) -> float | None:
        return end - begin if begin and end else None


def _shutting_down() -> errors.StreamBroken:
    return errors.StreamBroken(
        "The Jupyter server was shut down in mid-answer.", hint="What came is kept."
    )
