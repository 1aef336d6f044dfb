"""``/api/chat`` and ``/api/generate``: decode, hold the model, pass its answer on."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ollama_lab.engine import asking, convert
from ollama_lab.engine.base import Base
from ollama_lab.engine.durations import timestamp
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.options import merge
from ollama_lab.engine.pieces import Answer, piece
from ollama_lab.engine.recipe import recipe
from ollama_lab.engine.runner import DIED
from ollama_lab.engine.window import fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.engine.asking import Asked
    from ollama_lab.engine.convert import Call
    from ollama_lab.engine.runner import Runner


class _Talk(Base, ABC):
    """What the two routes share."""

    kind = ""

    async def post(self) -> None:
        """Answer, load or unload."""
        await self.answer(self._respond(time.monotonic_ns()))

    async def _respond(self, started_ns: int) -> None:
        asked = asking.read(self.request.body, self.kind)
        card = asking.find(self.engine.store, asked)
        if asked.is_empty and asked.keep == 0:
            self.engine.pool.unload(card)
            self.reply(self._object(asked) | {"done": True, "done_reason": "unload"})
            return
        asking.check_capabilities(asked, card)
        options = merge(card.parameters, asked.options)
        chosen = recipe(card, options, self.engine.limits)
        async with self.engine.pool.use(card, chosen, asked.keep) as runner:
            if asked.is_empty:
                self.reply(self._object(asked) | {"done": True, "done_reason": "load"})
                return
            self.is_under_way = asked.is_streamed
            loaded_ns = time.monotonic_ns()
            call = convert.call(asked, card, options, chosen.num_ctx)
            if asked.truncate and call.path == convert.CHAT:
                call = await fit(runner, call, chosen.window)
            if asked.render_only:
                self.reply(await self._rendered(runner, call, asked))
                return
            answer = await self._pass_on(runner, call, asked)
        if "json_schema" in call.body and answer.reason == "stop":
            _check_json(answer)
        times = {"total": time.monotonic_ns() - started_ns, "load": loaded_ns - started_ns}
        await self._end(asked, answer, {f"{name}_duration": ns for name, ns in times.items()})

    async def _pass_on(self, runner: Runner, call: Call, asked: Asked) -> Answer:
        """Let the model answer; a stream gets every piece at once."""
        answer = Answer()
        async with aclosing(runner.events(call.path, call.body)) as events:
            async for event in events:
                one = piece(event, asked.top_logprobs)
                answer.add(one)
                if asked.is_streamed and one.is_shown:
                    shown = self._object(asked, one.content, thinking=one.thinking)
                    await self.line(shown | {"done": False} | _some(logprobs=one.logprobs))
        if not answer.is_whole:
            raise EngineError(DIED)
        return answer

    async def _end(self, asked: Asked, answer: Answer, times: dict[str, int]) -> None:
        calls = answer.tool_calls()
        numbers = {"done": True, "done_reason": answer.reason} | _some(**times, **answer.counts())
        if asked.is_streamed:
            await self.line(self._object(asked, tool_calls=calls) | numbers)
            self.finish()
            return
        content, thinking = "".join(answer.content), "".join(answer.thinking)
        whole = self._object(asked, content, thinking=thinking, tool_calls=calls)
        self.reply(whole | numbers | _some(logprobs=answer.logprobs))

    async def _rendered(self, runner: Runner, call: Call, asked: Asked) -> dict[str, Any]:
        """Show the prompt that the model would get, for ``_debug_render_only``."""
        if call.path == convert.CHAT:
            prompt = (await runner.call("/apply-template", call.body))["prompt"]
        else:
            prompt = asked.prompt
        shown = self._object(asked, role="")
        return shown | {"done": False, "_debug_info": {"rendered_template": prompt}}

    def _object(self, asked: Asked, content: str = "", **parts: Any) -> dict[str, Any]:
        head = {"model": asked.model, "created_at": timestamp(time.time_ns())}
        return head | self._content(content, parts)

    @abstractmethod
    def _content(self, content: str, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Write some words, and what comes with them, as the route says them."""


class Chat(_Talk):
    """``POST /api/chat``."""

    kind = "chat"

    def _content(self, content: str, parts: Mapping[str, Any]) -> dict[str, Any]:
        role = parts.get("role", "assistant")
        rest = {key: parts.get(key) for key in ("thinking", "tool_calls")}
        return {"message": {"role": role, "content": content} | _some(**rest)}


class Generate(_Talk):
    """``POST /api/generate``."""

    kind = "generate"

    def _content(self, content: str, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {"response": content} | _some(thinking=parts.get("thinking"))


def _check_json(answer: Answer) -> None:
    """Refuse a text that is no JSON: on a raw prompt llama.cpp may drop the format in silence."""
    try:
        json.loads("".join(answer.content))
    except ValueError:
        raise EngineError(
            "the model did not keep the format on a raw prompt. Send the prompt without raw."
        ) from None


def _some(**values: Any) -> dict[str, Any]:
    """Leave out what is empty or zero, as Go's ``omitempty`` does."""
    return {key: value for key, value in values.items() if value}
