"""One scripted Ollama on a socket, for every test and benchmark.

In a test::

    with FakeOllama() as ollama:
        ollama.say("Hello world", rate=20)                       # every answer from now on
        ollama.say("once", once=True)                            # the next answer only
        ollama.script("tiny", [Text("half"), Cut()])             # by model name ...
        ollama.script("/api/tags", [Status(502, "<html>")])      # ... or by path
        client(ollama.url)
        assert ollama.requests[-1].wait_for_hangup() < 1

Without a script it answers as recorded from a real server: it has models, loads and unloads them,
pulls from `ollama.registry`, refuses what Ollama refuses. As a process, for benchmarks and pages::

    python tests/fake_ollama.py --portfile FILE --model bench-n2000-r200

where model names such as ``bench-n2000-r200`` steer the answer (`fake_bench`) and
``GET /__bench/log`` gives the timeline of every generation, then forgets it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from fake_generation import default_answer
from fake_http import Connection
from fake_models import FakeModel, default_models, full_name
from fake_routes import answer
from fake_steps import (
    Burst,
    Cut,
    Done,
    Drip,
    EndWithoutDone,
    ErrorLine,
    Garbage,
    HugeLine,
    Never,
    Pace,
    Reset,
    Send,
    Status,
    Step,
    Text,
    Thinking,
    ToolCalls,
    Wait,
    go_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fake_record import Record

__all__ = [
    "Burst",
    "Cut",
    "Done",
    "Drip",
    "EndWithoutDone",
    "ErrorLine",
    "FakeModel",
    "FakeOllama",
    "Garbage",
    "HugeLine",
    "Never",
    "Pace",
    "Reset",
    "Send",
    "Status",
    "Step",
    "Text",
    "Thinking",
    "ToolCalls",
    "Wait",
    "go_json",
]

_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
_LOCAL_SCHEMES = ("app", "file", "tauri", "vscode-webview", "vscode-file")


class FakeOllama:
    """A scripted Ollama; a context manager that runs it in a thread of this process.

    Attributes
    ----------
    url : str
        Where it listens, once started.
    version : str
        What it says it is; old versions word and omit as they did.
    models : dict of str to FakeModel
        By full name in small letters; `add` puts one in, `model` gives one.
    registry : dict of str to FakeModel
        What can be pulled; everything else does not exist there.
    requests : list of Record
        Every request so far, oldest first.
    """

    def __init__(self, *, version: str = "0.33.0-rc2", port: int = 0) -> None:
        self.version = version
        self.models = default_models()
        self.registry: dict[str, FakeModel] = {"qwen3:0.6b": FakeModel("qwen3:0.6b")}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[Record] = []
        self.port = port
        self._scripts: dict[str, list[Step]] = {}
        self._next: dict[str, deque[list[Step]]] = defaultdict(deque)
        self._news = threading.Condition()
        self._connections: set[Connection] = set()
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<FakeOllama {self.version} at {self.url}>"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers; a home build (0.0.0) counts as the newest."""
        numbers = tuple(int(part) for part in self.version.partition("-")[0].split("."))
        return numbers if any(numbers) else (999,)

    def say(
        self,
        text: str = "",
        *,
        thinking: str = "",
        tool_calls: Sequence[Mapping[str, Any]] = (),
        rate: float = 0.0,
        model: str = "",
        once: bool = False,
    ) -> None:
        """Answer every chat and generate with this, or only the next one, or only one model's.

        Parameters
        ----------
        text, thinking : str
            Said in token-like pieces, a line each.
        tool_calls : sequence of mappings
            ``{"name": ..., "arguments": {...}}`` each; they come in the last line, as native
            models send them.
        rate : float
            Pieces a second; 0 means at once.
        """
        ending: list[Step] = [Done(tool_calls=tool_calls)] if tool_calls else []
        steps = [Pace(rate), *default_answer(text, thinking), *ending]
        self.script(model or "*", steps, once=once)

    def script(self, where: str, steps: Iterable[Step], *, once: bool = False) -> None:
        """Play these steps for a path (``/api/...``: instead of the route), a model, or ``"*"``."""
        key = where if where.startswith("/") or where == "*" else full_name(where)
        if once:
            self._next[key].append(list(steps))
        else:
            self._scripts[key] = list(steps)

    def forget(self) -> None:
        """Drop every script and every recorded request."""
        self._scripts.clear()
        self._next.clear()
        self.requests.clear()

    def add(self, model: FakeModel) -> FakeModel:
        """Put a model on the server."""
        self.models[full_name(model.name)] = model
        return model

    def model(self, name: str) -> FakeModel:
        """Look a model up by any form of its name."""
        return self.models[full_name(name)]

    def calls(self, path: str) -> list[Record]:
        """Give the requests for one path, oldest first."""
        return [record for record in self.requests if record.path == path]

    def wait_for(self, path: str, *, count: int = 1, timeout: float = 5.0) -> Record:
        """Wait until a path was asked for that many times; gives the last of them."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.calls(path)) >= count, timeout)
        if not came:
            raise AssertionError(
                f"{len(self.calls(path))} of {count} requests for {path} in {timeout} s"
            )
        return self.calls(path)[count - 1]

    def next_answer(self, record: Record) -> list[Step]:
        """Find what a generation is to say: the next one-off, else the standing script."""
        keys = (full_name(record.model), "*")
        for key in keys:
            if self._next[key]:
                return self._next[key].popleft()
        for key in keys:
            if key in self._scripts:
                return self._scripts[key]
        return default_answer("Hello! This answer is scripted.", "A greeting. I greet back.")

    def _answer(self, record: Record) -> list[Step]:
        if record.path == "/__bench/log":
            return [Status(200, self._take_log())]
        with self._news:
            self.requests.append(record)
            self._news.notify_all()
        if _is_refused(record.headers):
            return [Status(403)]
        if self._next[record.path]:
            return self._next[record.path].popleft()
        scripted = self._scripts.get(record.path)
        return answer(self, record) if scripted is None else scripted

    def _take_log(self) -> list[dict[str, Any]]:
        log = [
            record.as_json()
            for record in self.requests
            if record.path in ("/api/chat", "/api/generate")
        ]
        self.requests.clear()
        return log

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen in a thread; after a `stop` again on the same port."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="fake-ollama", daemon=True
        )
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close the door and cut every open answer, as a killed server does. May be called twice."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self.serve(ready.set))
        except OSError as exc:
            self._failure = exc
            ready.set()

    async def serve(self, ready: Any) -> None:
        """Listen until stopped; `ready` is called once the port is known."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await self._loop.create_server(
            lambda: Connection(self._answer, self._connections),
            "127.0.0.1",
            self.port,
            reuse_address=True,
        )
        listener: socket.socket = server.sockets[0]
        self.port = listener.getsockname()[1]
        ready()
        await self._stop.wait()
        # Stop accepting first: a connection that was accepted in this turn joins the server in the
        # next one, and a closed server refuses it by an assertion that leaves its socket open.
        self._loop.remove_reader(listener.fileno())
        await asyncio.sleep(0)
        server.close()
        # One that was accepted just now is a task first; it and its socket must be gone before the
        # loop is, or a later test finds the socket unclosed.
        while self._connections or len(asyncio.all_tasks()) > 1:
            await self._cut_all()

    async def _cut_all(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.task.cancel()
            # What a client never read would else keep the socket open.
            connection.transport.abort()
        tasks = [connection.task for connection in connections]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets one turn later


def _is_refused(headers: Mapping[str, str]) -> bool:
    """Whether Ollama's own checks of Host and Origin say no (403, empty body)."""
    origin = headers.get("origin", "")
    if origin and urlsplit(origin).scheme not in _LOCAL_SCHEMES and not _is_local(origin):
        return True
    return not _is_local(f"//{headers.get('host', '')}")


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host in ("", "localhost", socket.gethostname()) or host.endswith(_LOCAL_SUFFIXES):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_unspecified


def main() -> None:
    """Run as a process until killed."""
    options = argparse.ArgumentParser(description="A scripted Ollama on 127.0.0.1.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--portfile", type=Path, help="where to write the port once it listens")
    options.add_argument("--version", default="0.33.0-rc2")
    options.add_argument("--model", action="append", default=[], help="one more model in the list")
    given = options.parse_args()
    ollama = FakeOllama(version=given.version, port=given.port)
    for name in given.model:
        ollama.add(FakeModel(name))

    def announce() -> None:
        if given.portfile:
            part = given.portfile.with_suffix(".part")
            part.write_text(str(ollama.port))
            part.replace(given.portfile)
        print(ollama.url, flush=True)

    asyncio.run(ollama.serve(announce))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
