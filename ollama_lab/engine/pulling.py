"""``/api/pull``: the route; the download itself is `pull`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ollama_lab.engine import body as bodies
from ollama_lab.engine.names import Name
from ollama_lab.engine.progress import Progress
from ollama_lab.engine.pull import pull

if TYPE_CHECKING:
    from ollama_lab.engine.progress import IsStopped, Report


class Pull(Progress):
    """``POST /api/pull``."""

    async def post(self) -> None:
        """Download a model into our own store."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "PullRequest")
        text = given.get("model") or given.get("name") or ""
        Name.parse(text)
        self.is_under_way = True
        store, insecure = self.engine.store, given.get("insecure", False)

        def work(report: Report, is_stopped: IsStopped) -> None:
            pull(store, text, report, cancelled=is_stopped, insecure=insecure)

        await self.report(work, is_streamed=given.get("stream", True))
