"""The calls about pulls."""

from __future__ import annotations

from typing import Any

from tornado import web

from ollama_lab.server.base import Handler, authorized


class PullsHandler(Handler):
    """``pulls``."""

    @web.authenticated
    @authorized("read")
    async def get(self) -> None:
        """List the pulls that run, and those that ended lately."""
        await self.reply(self._list())

    @web.authenticated
    @authorized("execute")
    async def post(self) -> None:
        """Start a pull, or join the one of this model that runs."""
        await self.reply(self._start())

    async def _list(self) -> dict[str, Any]:
        return {"pulls": self.backend.pulls.written()}

    async def _start(self) -> dict[str, Any]:
        name = self.body().text("model")
        self.backend.administration.check_pull()
        self.backend.administration.check_model(name)
        return self.backend.pulls.start(name).written()


class PullHandler(Handler):
    """``pulls/ID``."""

    @web.authenticated
    @authorized("write")
    async def delete(self, job_id: str) -> None:
        """Stop a pull."""
        await self.reply(self._cancel(job_id))

    async def _cancel(self, job_id: str) -> dict[str, Any]:
        self.backend.administration.check_change()
        await self.backend.pulls.cancel(job_id)
        return {}
