"""The engine's side of a model process: start it, talk to it, end it.

The HTTP client is a few lines of asyncio: one request per connection, and closing the socket is
the stop signal, upon which llama.cpp frees its slot within 10 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from ollama_lab.engine import reply
from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

#: Ollama's words for a model process that died.
DIED = "an error was encountered while running the model: unexpected EOF"
_OK = 200
_LOAD_SECONDS = 600
_STOP_SECONDS = 3
_LINE_LIMIT = 1 << 26
_LOG_LINES = 60


class Runner:
    """One model process.

    Parameters
    ----------
    settings : Mapping[str, Any]
        What `child` needs to know: a recipe's `settings`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._key = secrets.token_hex(16)
        self._settings = {**settings, "key": self._key}
        self._process: asyncio.subprocess.Process | None = None
        self._log: list[str] = []
        self._drain: asyncio.Task[None] | None = None
        self._address: tuple[str, int] = ("", 0)

    @property
    def pid(self) -> int:
        """Process id of the child, 0 before it runs."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Load the model; a cancelled start ends the child.

        Raises
        ------
        EngineError
            The model cannot be loaded; the text has llama.cpp's reason.
        """
        try:
            await self._spawn()
            async with asyncio.timeout(_LOAD_SECONDS):
                await self._await_address()
        except TimeoutError:
            await self._abandon()
            raise EngineError("the model took more than ten minutes to load.") from None
        except BaseException:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        """End a child that loads a model: it hears nothing before it has done so."""
        if self._process:
            _kill(self._process)
        await self.stop()

    async def _spawn(self) -> None:
        # Passive waiting is four times as fast when other programs want the cores too.
        environment = {"OMP_WAIT_POLICY": "passive", "GGML_NO_BACKTRACE": "1", **os.environ}
        pipe = asyncio.subprocess.PIPE
        # -P: the modules beside child.py must not hide those of the standard library. A session
        # of its own: Ctrl-C in the engine's terminal is the engine's to handle.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(Path(__file__).with_name("child.py"))),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
            start_new_session=True,
        )
        self._drain = asyncio.create_task(self._read_log(self._process))
        if self._process.stdin:
            self._process.stdin.write(json.dumps(self._settings).encode() + b"\n")

    async def _await_address(self) -> None:
        if self._process is None or self._process.stdout is None:
            raise EngineError(DIED)
        line = await self._process.stdout.readline()
        try:
            message = json.loads(line)
        except ValueError:
            code = await self._process.wait()
            message = {"error": f"the model process ended with code {code}"}
        if "error" in message:
            await self._fail_to_load(message["error"])
        url = urlsplit(message["url"])
        self._address = (url.hostname or "", url.port or 0)

    async def _fail_to_load(self, reason: str) -> NoReturn:
        await self.stop()
        errors = [line for line in self._log if "error" in line.lower()]
        raise EngineError(f"unable to load model: {errors[-1] if errors else reason}")

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr:
            async for line in process.stderr:
                self._log = [*self._log[-_LOG_LINES:], line.decode("utf-8", "replace").rstrip()]

    async def stop(self) -> None:
        """End the child: its stdin closes, and after 3 s it is killed."""
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            _kill(process)
            await process.wait()
        except asyncio.CancelledError:
            _kill(process)
            raise
        if self._drain:
            await self._drain

    async def answers(self) -> bool:
        """Whether the child is alive: a connection alone may be the last breath of a killed one."""
        if self._process is None or self._process.returncode is not None:
            return False
        try:
            await self.call("/health", None)
        except EngineError:
            return False
        return True

    async def call(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a request, a GET where there is no body, and return its answer.

        Raises
        ------
        EngineError
            llama.cpp refused, with its status and its whole JSON as the text (as Ollama has it);
            or the child died.
        """
        async with self._open(path, body) as parts:
            answer: dict[str, Any] = json.loads(b"".join([part async for part in parts]))
            return answer

    async def events(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Send a request and yield the server-sent events of its answer.

        Leave it with `contextlib.aclosing`: closing is what stops the model.

        Raises
        ------
        EngineError
            As `call`; also in the middle of the answer.
        """
        async with self._open(path, {**body, "stream": True}) as parts:
            rest = b""
            async for part in parts:
                *whole, rest = (rest + part).split(b"\n\n")
                for event in whole:
                    if message := _message(event):
                        yield message

    @asynccontextmanager
    async def _open(
        self, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            reader, writer = await asyncio.open_connection(*self._address, limit=_LINE_LIMIT)
        except OSError:
            raise EngineError(DIED) from None
        try:
            writer.write(self._request(path, body))
            status, headers = await _read_head(reader)
            async with aclosing(_read_body(reader, headers)) as parts:
                if status != _OK:
                    raw = b"".join([part async for part in parts])
                    raise EngineError(_compact(raw), status)
                yield parts
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineError(DIED) from None
        finally:
            writer.close()

    def _request(self, path: str, body: Mapping[str, Any] | None) -> bytes:
        data = b"" if body is None else reply.encode(body).encode()
        host, port = self._address
        head = (
            f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
            f"Host: {host}:{port}",
            # llama.cpp drops kept connections after a stream.
            "Connection: close",
            f"Authorization: Bearer {self._key}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
        )
        return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split()[1]), {key.strip().lower(): value.strip() for key, _, value in pairs}


async def _read_body(
    reader: asyncio.StreamReader, headers: Mapping[str, str]
) -> AsyncGenerator[bytes, None]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        # readuntil, since readline takes a connection that ended for the end of a line.
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield (await reader.readexactly(size + 2))[:-2]
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while part := await reader.read(1 << 16):
            yield part


def _message(event: bytes) -> dict[str, Any] | None:
    """Read one server-sent event; comments and the end mark give None."""
    for line in event.split(b"\n"):
        name, _, data = line.partition(b": ")
        if name == b"error":
            raise EngineError(_compact(data))
        if name == b"data" and data != b"[DONE]":
            message: dict[str, Any] = json.loads(data)
            if "error" in message:
                raise EngineError(_compact(data), int(message["error"].get("code", 500)))
            return message
    return None


def _compact(raw: bytes) -> str:
    """Return a refusal as Ollama passes it on: the whole JSON, on one line."""
    text = raw.decode("utf-8", "replace")
    with suppress(ValueError):
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    return text.strip() or "the model process gave no reason"
