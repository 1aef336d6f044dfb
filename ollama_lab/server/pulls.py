"""Pulls as jobs: they survive the page, and every tab sees the same ones."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from ollama_lab import aclient, errors, models, wire
from ollama_lab.progress import Pull
from ollama_lab.server import contract

if TYPE_CHECKING:
    from ollama_lab.server.backend import Backend

_READ_PACE = 0.2
_ENDED_KEPT = 20
_log = logging.getLogger(__name__)


class Job:
    """The pull of one model.

    Attributes
    ----------
    state : str
        ``running``, ``done``, ``failed`` or ``cancelled``.
    """

    def __init__(self, model: str) -> None:
        self.id = secrets.token_hex(8)
        self.model = model
        self.state = "running"
        self.progress = Pull()
        self.error: errors.OllamaLabError | None = None
        self.task: asyncio.Task[None] | None = None

    def written(self) -> dict[str, Any]:
        """Write it as the sidebar reads it."""
        is_running = self.state == "running"
        progress = self.progress
        return {
            "id": self.id,
            "model": self.model,
            "state": self.state,
            "status": progress.status,
            "done_bytes": progress.done_bytes,
            "total_bytes": progress.total_bytes,
            "bytes_per_second": round(progress.bytes_per_second or 0.0) if is_running else 0,
            "seconds_left": progress.seconds_left if is_running else None,
            "error": contract.failure(self.error) if self.error else None,
        }


class Pulls:
    """All pulls of a Jupyter server, one a model.

    Parameters
    ----------
    backend : Backend
        Whose server they go to.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: dict[str, Job] = {}

    def written(self) -> list[dict[str, Any]]:
        """Write all of them, the newest last."""
        return [job.written() for job in self._jobs.values()]

    def start(self, name: str) -> Job:
        """Start a pull, or find the one of this model that runs.

        Raises
        ------
        BadUsage
            No model can have this name.
        """
        model = models.normalize(name)
        for job in self._jobs.values():
            if job.state == "running" and models.same(job.model, model):
                return job
        job = Job(model)
        self._jobs[job.id] = job
        job.task = asyncio.ensure_future(self._run(job))
        self._forget_old()
        return job

    async def cancel(self, job_id: str) -> None:
        """Stop a pull; finished layers stay on the server's disk.

        Raises
        ------
        NotFound
            There is no such pull.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise errors.NotFound(f"There is no pull '{job_id}'.", hint="Load the list again.")
        await _stop(job)

    async def close(self) -> None:
        """Stop every pull."""
        for job in self._jobs.values():
            await _stop(job)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.state != "running"]
        for job_id in ended[:-_ENDED_KEPT]:
            del self._jobs[job_id]

    async def _run(self, job: Job) -> None:
        try:
            await self._follow(job)
            job.state = "done"
        except asyncio.CancelledError:
            job.state = "cancelled"
            raise
        except errors.OllamaLabError as exc:
            job.state, job.error = "failed", exc
        except Exception:  # noqa: BLE001 (the top of a task: it logs with traceback)
            _log.exception("A pull ended unexpectedly.")
            job.state = "failed"
            job.error = errors.OllamaLabError(
                "The pull ended unexpectedly.", hint="The Jupyter server's log has the details."
            )
        finally:
            self._backend.sessions.forget_models()

    async def _follow(self, job: Job) -> None:
        host = await self._backend.ask(lambda session: session.client().host)
        call, patience = wire.pull(job.model), self._backend.sessions.patience
        steps = aclient.progress(host, call, patience, pace=_READ_PACE)
        async with contextlib.aclosing(steps):
            async for step in steps:
                job.progress.feed(step, time.monotonic())


async def _stop(job: Job) -> None:
    if job.task is not None and not job.task.done():
        job.task.cancel()
        await asyncio.wait([job.task])
