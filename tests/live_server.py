"""A real Jupyter server in a process of its own, with our extension, and a client for its calls."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from live_jupyter import JupyterServer

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_START_SECONDS = 90.0
#: What else is installed here starts with other tests.
_OTHERS = dict.fromkeys(
    ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim"),
    False,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stream:
    """An answer that comes line by line; a context manager that hangs up at its end."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._response = connection.getresponse()
        self.status = self._response.status
        self.headers = dict(self._response.getheaders())
        self.size_bytes = 0

    def line(self) -> dict[str, Any]:
        """Wait for the next line; an empty object at the end."""
        data = self._response.readline()
        self.size_bytes += len(data)
        found: dict[str, Any] = json.loads(data) if data else {}
        return found

    def until(self, kind: str) -> dict[str, Any]:
        """Read on to the next line of a kind."""
        while line := self.line():
            if line["type"] == kind:
                return line
        raise AssertionError(f"the stream ended without a line of type {kind}")

    def rest(self) -> list[dict[str, Any]]:
        """Read to the end."""
        return list(iter(self.line, {}))

    def hang_up(self) -> None:
        """Leave."""
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.hang_up()


class Server(JupyterServer):
    """A Jupyter server without pages; see `JupyterServer`.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder: its home.
    *arguments : str
        More of its command line.
    env : mapping of str to str, optional
        More of its environment.
    base_url : str, optional
        What its addresses begin with.
    also : str, optional
        Another extension that is enabled.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        base_url: str = "/",
        also: str = "",
    ) -> None:
        super().__init__(folder, env or {})
        self._extensions = _OTHERS | {"ollama_lab": True} | ({also: True} if also else {})
        self._arguments = (*arguments, f"--ServerApp.base_url={base_url}")

    def arguments(self) -> list[str]:
        """Serve no pages."""
        return [
            "jupyter_server",
            f"--ServerApp.jpserver_extensions={self._extensions}",
            f"--ServerApp.root_dir={self.home}",
            *self._arguments,
        ]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask for one whole answer; `path` is below ``ollama-lab/api/``."""
        with contextlib.closing(self._sent(method, path, body, headers)) as connection:
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())

    def get(self, path: str) -> Any:
        return self._good("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._good("POST", path, body or {})

    def patch(self, path: str, body: Any) -> Any:
        return self._good("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._good("DELETE", path)

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str]]:
        """Make a call that is refused; gives its status and its error."""
        reply = self.call(method, path, body)
        assert reply.status >= 400, reply
        return reply.status, reply.json

    def stream(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Stream:
        """Ask for an answer that comes line by line."""
        return Stream(self._sent("POST", path, body, headers))

    def forget_models(self) -> None:
        """Let it ask for the list of models anew, which it believes for five seconds."""
        self.call("POST", "models/unload", {"model": "any"})

    @contextlib.contextmanager
    def stream_later(self, path: str, body: Any) -> Iterator[None]:
        """Send a call and hang up at the end of the block, without waiting for its answer."""
        with contextlib.closing(self._sent("POST", path, body, None)):
            yield

    def chat(self, text: str = "Hello", **more: Any) -> list[dict[str, Any]]:
        """Have a prompt answered, and give all its lines."""
        with self.stream("chat", {"parent_id": None, "text": text, **more}) as stream:
            assert stream.status == 200, stream.rest()
            return stream.rest()

    def _good(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.call(method, path, body)
        assert reply.status == 200, reply
        return reply.json

    def _sent(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None
    ) -> http.client.HTTPConnection:
        connection = self._connect()
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        base = urlsplit(self.url).path
        whole = path if path.startswith("/") else f"{base}ollama-lab/api/{path}"
        connection.request(method, whole, data, dict(self.headers if headers is None else headers))
        return connection


@contextlib.contextmanager
def running(folder: Path, url: str, *arguments: str, **more: Any) -> Iterator[Server]:
    """Run a Jupyter server whose OLLAMA_HOST is a scripted one."""
    env = {"OLLAMA_HOST": url, **more.pop("env", {})}
    with Server(folder, *arguments, env=env, **more) as server:
        yield server
