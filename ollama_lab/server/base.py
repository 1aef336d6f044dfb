"""What every handler does: it is somebody's, it answers in JSON, and it fails in words."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_server.auth import decorator
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from ollama_lab import errors
from ollama_lab.server import contract
from ollama_lab.server.body import Body
from ollama_lab.server.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from ollama_lab.server.backend import Backend

_Verb = TypeVar("_Verb", bound="Callable[..., Awaitable[None]]")

BACKEND = "ollama_lab_backend"
_UNEXPECTED = errors.OllamaLabError(
    "Something unexpected went wrong on the Jupyter server.",
    hint="Its log has the details.",
)
# For programs: a page has a sentence of its own, which it needs anyway where a proxy refuses it.
_NO_LOGIN = errors.Unauthorized(
    "This call comes without the login of the Jupyter server.",
    hint="Send its token: Authorization: token TOKEN.",
)
_KINDS: dict[int, type[errors.OllamaLabError]] = {401: errors.Unauthorized, 403: errors.Forbidden}


def authorized(action: str) -> Callable[[_Verb], _Verb]:
    """Let only those do a verb whom the server's authorizer allows this action on ``ollama_lab``.

    Parameters
    ----------
    action : str
        ``read``, ``write`` or ``execute``; the page of calls names it.
    """

    def decorated(verb: _Verb) -> _Verb:
        checked: Any = decorator.authorized(action=action)(verb)
        checked.action = action
        return cast("_Verb", checked)

    return decorated


class Handler(APIHandler):
    """The base of our handlers.

    Every verb of a handler stands behind ``@web.authenticated`` and ``@authorized``.
    """

    auth_resource = "ollama_lab"
    _task: asyncio.Task[Any] | None = None

    @property
    def backend(self) -> Backend:
        """What all handlers share."""
        backend: Backend = self.settings[BACKEND]
        return backend

    def body(self) -> Body:
        """Read what the request says."""
        return Body.read(self.request.body)

    def count(self, name: str, default: int) -> int:
        """Read a whole number from 0 up of the address."""
        text = self.get_query_argument(name, str(default))
        if not text.isdecimal():
            raise errors.BadUsage(f"{name} is '{text}'; it is a whole number from 0 up.")
        return int(text)

    async def reply(
        self, work: Coroutine[Any, Any, object], *, ends_with_client: bool = False
    ) -> None:
        """Answer with what some work gives, or with why it could not.

        Parameters
        ----------
        work : coroutine
            Gives something that JSON can say.
        ends_with_client : bool, optional
            Whether the work is canceled when the client leaves: what takes minutes is.
        """
        task = asyncio.ensure_future(work)
        self._task = task if ends_with_client else None
        try:
            value = await task
        except errors.OllamaLabError as exc:
            self.refuse(exc)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
        else:
            await self.finish(json.dumps(value))

    def on_connection_close(self) -> None:
        """Stop at once what nobody waits for any more."""
        super().on_connection_close()
        if self._task is not None:
            self._task.cancel()

    def refuse(self, error: errors.OllamaLabError, status: int = 0) -> None:
        """Answer with an error: the one way out for all of them.

        A host that wants a key answers 401; JupyterLab would take that for its own.
        """
        code = status or error.http_status
        self.set_status(502 if isinstance(error, errors.Unauthorized) and not status else code)
        self.finish(json.dumps(contract.failure(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Word what Jupyter or tornado refuse, and what nobody expected."""
        exc = (kwargs.get("exc_info") or (None, None))[1]
        if not isinstance(exc, HTTPError):
            self.refuse(_UNEXPECTED, status_code)
            return
        if status_code == HTTPStatus.FORBIDDEN and not self.current_user:
            # Jupyter's own word for this is "Forbidden", which helps nobody.
            self.refuse(_NO_LOGIN, status_code)
            return
        said = exc.log_message or exc.reason or HTTPStatus(status_code).phrase
        if exc.args and exc.log_message:
            said = exc.log_message % exc.args
        kind = _KINDS.get(status_code, errors.Refused)
        self.refuse(kind(f"The Jupyter server refused: {said}."), status_code)


class Streaming(Handler):
    """A handler that answers with lines as they come."""

    _relay: Relay | None = None

    async def stream(self, work: Callable[[Relay], Awaitable[None]]) -> None:
        """Run some work that speaks through a relay; a client that hangs up cancels it.

        What fails before the first line is answered as an error with its status.
        """
        self._relay = Relay(self)
        self._task = asyncio.ensure_future(self._run(work, self._relay))
        try:
            await self._task
        except asyncio.CancelledError:
            # The client left, or the answer was stopped: neither is an error.
            if not self._task.cancelled():
                raise

    async def _run(self, work: Callable[[Relay], Awaitable[None]], relay: Relay) -> None:
        task = self._task
        assert task is not None
        try:
            self.backend.administration.check_change()
            self.backend.enter(task)
            await work(relay)
        except errors.OllamaLabError as exc:
            if relay.has_begun:
                relay.send({"type": "error", "error": contract.failure(exc), "message": None})
            else:
                self.refuse(exc)
                return
        finally:
            self.backend.leave(task)
        await relay.finish()

    def on_connection_close(self) -> None:
        """Stop the work at once, unless it was asked to go on."""
        if self._relay is not None:
            self._relay.hang_up()
            if self._relay.outlives_client:
                self._task = None
        super().on_connection_close()
