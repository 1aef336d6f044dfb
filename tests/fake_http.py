"""HTTP/1.1 for the scripted server: reads requests, plays steps, notices who hangs up and when."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from fake_record import Record
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
    Text,
    Thinking,
    ToolCalls,
    Wait,
    go_json,
    http_chunk,
)
from fake_wire import Whole, answer_line, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fake_steps import Step

NDJSON = "application/x-ndjson"
# Go's server sets Content-Length itself up to this size and goes over to chunks above it.
CHUNKED_ABOVE_BYTES = 2048
_LINES_BETWEEN_LOOKS = 64


class HungUp(Exception):
    """The client left before the end of its answer."""


class Connection(asyncio.Protocol):
    """One client: a protocol and not a stream, because only a protocol hears of a hang-up at once."""

    transport: asyncio.Transport

    def __init__(
        self, answer: Callable[[Record], Iterable[Step]], everyone: set[Connection]
    ) -> None:
        self._answer = answer
        self._everyone = everyone
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.gone = asyncio.Event()
        self.record: Record | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio sets TCP_NODELAY, so every write leaves at once, as Go's does.
        self.transport = cast("asyncio.Transport", transport)
        self._everyone.add(self)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._arrived.set()

    def eof_received(self) -> None:
        # Ollama takes a half-closed connection for a client that is gone.
        self._left()

    def connection_lost(self, exc: Exception | None) -> None:
        self._left()
        self._everyone.discard(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _left(self) -> None:
        if self.record is not None:
            self.record.hung_up()
        self.gone.set()
        self._arrived.set()
        self._writable.set()

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client reads more slowly than we write."""
        if self.gone.is_set():
            raise HungUp
        self.transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    async def pause(self, seconds: float | None) -> None:
        """Sleep, unless the client hangs up first."""
        try:
            await asyncio.wait_for(self.gone.wait(), seconds)
        except TimeoutError:
            return
        raise HungUp

    async def _serve(self) -> None:
        try:
            while (record := await self._request()) is not None:
                self.record = record
                await self._reply(record)
                if record.outcome != "done" or record.headers.get("connection") == "close":
                    break
        except HungUp:
            pass
        finally:
            self.transport.close()

    async def _reply(self, record: Record) -> None:
        player = Player(self, record)
        try:
            outcome = await player.play(self._answer(record))
        except (HungUp, ConnectionError):
            record.hung_up()
            outcome = "client gone"
        except asyncio.CancelledError:
            record.over("cut")
            raise
        record.over(outcome)

    async def _request(self) -> Record | None:
        """Read one request; None when the client closed an idle connection."""
        try:
            head = (await self._until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            if headers.get("expect", "").lower() == "100-continue":
                await self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return Record(method, target, headers, await self._body(headers))
        except HungUp:
            return None

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self._exactly(int(headers.get("content-length", "0")))
        body = bytearray()
        while size := int((await self._until(b"\r\n")).split(b";")[0], 16):
            body += await self._exactly(size)
            await self._until(b"\r\n")
        await self._until(b"\r\n")
        return bytes(body)

    async def _until(self, mark: bytes) -> bytes:
        while (at := self._received.find(mark)) < 0:
            await self._more()
        taken = bytes(self._received[:at])
        del self._received[: at + len(mark)]
        return taken

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._more()
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    async def _more(self) -> None:
        if self.gone.is_set():
            raise HungUp
        self._arrived.clear()
        await self._arrived.wait()


class Player:
    """Plays one script on one connection."""

    def __init__(self, connection: Connection, record: Record) -> None:
        self._connection = connection
        self._record = record
        body = record.body
        self._is_stream = body.get("stream") is not False
        self._is_generation = record.path in ("/api/chat", "/api/generate")
        self._whole = Whole(record.path, record.model, record.received_ns)
        self._head_is_sent = False
        self._said_done = False
        self._gap_seconds = 0.0
        self._due = 0.0
        self._outcome = ""

    async def play(self, steps: Iterable[Step]) -> str:
        """Do one step after the other, then end as a real server would; returns how it ended."""
        for step in steps:
            await self._do(step)
            if self._outcome:
                return self._outcome
        if self._is_generation and not self._said_done:
            await self._do(Done())
        await self._end_body()
        return "done"

    async def _do(self, step: Step) -> None:
        match step:
            case Text() | Thinking() | ToolCalls() | Done():
                await self._part(step)
            case Send(data):
                await self._chunk(data if isinstance(data, bytes) else go_json(data) + b"\n")
            case Burst(lines):
                await self._burst(lines)
            case Garbage(data):
                await self._chunk(data)
            case Drip(data, every, pause_seconds):
                await self._drip(data, every, pause_seconds)
            case HugeLine(size_bytes):
                await self._part(Text("x" * size_bytes))
            case Pace(rate):
                self._gap_seconds = 1 / rate if rate else 0.0
                self._due = time.monotonic()
            case Wait(seconds):
                await self._connection.pause(seconds)
            case Never(rate):
                await self._do(Pace(rate))
                while True:
                    await self._part(Text(" on"))
            case _:
                await self._end_badly(step)

    async def _end_badly(self, step: Step) -> None:
        match step:
            case Cut():
                self._connection.transport.close()
                self._outcome = "cut"
            case Reset():
                _arm_reset(self._connection.transport)
                self._connection.transport.abort()
                self._outcome = "reset"
            case EndWithoutDone():
                self._said_done = True
                await self._end_body()
                self._outcome = "done"
            case ErrorLine(text):
                await self._error(text)
                self._outcome = "done"
            case Status():
                await self._plain(step)
                self._outcome = "done"

    async def _part(self, part: Text | Thinking | ToolCalls | Done) -> None:
        if self._gap_seconds and not isinstance(part, Done):
            self._due += self._gap_seconds
            await self._connection.pause(max(self._due - time.monotonic(), 0))
        self._whole.add(part)
        self._said_done = isinstance(part, Done)
        if not self._is_stream:
            return
        if isinstance(part, Done):
            line = last_line(self._whole, part)
        else:
            line = answer_line(self._record.path, self._record.model, part)
        await self._chunk(go_json(line) + b"\n")

    async def _error(self, text: str) -> None:
        error = {"error": text}
        if not self._is_stream and not self._head_is_sent:
            await self._plain(Status(500, error))
            return
        await self._chunk(go_json(error) + b"\n")
        await self._end_body()

    async def _drip(self, data: bytes, every: int, pause_seconds: float) -> None:
        for start in range(0, len(data), every):
            await self._chunk(data[start : start + every])
            if pause_seconds:
                await self._connection.pause(pause_seconds)

    async def _burst(self, lines: Sequence[bytes]) -> None:
        # In a benchmark the sender must not be what is measured: nothing but writes in this loop.
        first, *rest = lines
        await self._chunk(first)
        framed = list(map(http_chunk, rest))
        write = self._connection.transport.write
        for start in range(0, len(framed), _LINES_BETWEEN_LOOKS):
            for chunk in framed[start : start + _LINES_BETWEEN_LOOKS]:
                write(chunk)
            part = rest[start : start + _LINES_BETWEEN_LOOKS]
            self._record.sent(sum(map(len, part)), lines=len(part))
            await self._connection.write(b"")
            await asyncio.sleep(0)
        self._whole.tokens += len(lines)

    async def _chunk(self, data: bytes) -> None:
        framed = http_chunk(data)
        if not self._head_is_sent:
            # Headers leave with the first line, never before it.
            framed = (
                self._head(200, {"Content-Type": NDJSON, "Transfer-Encoding": "chunked"}) + framed
            )
        self._record.sent(len(data), lines=data.count(b"\n"))
        await self._connection.write(framed)
        if self._record.lines_sent % _LINES_BETWEEN_LOOKS == 0:
            await asyncio.sleep(0)  # a burst must not keep the loop from hearing of a hang-up

    async def _end_body(self) -> None:
        if not self._is_stream and self._is_generation and not self._head_is_sent:
            await self._plain(Status(200, self._whole.as_json()))
        elif self._head_is_sent:
            await self._connection.write(b"0\r\n\r\n")

    async def _plain(self, reply: Status) -> None:
        body = reply.body
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = go_json(body)
        headers: dict[str, str] = dict(reply.headers)
        if body or reply.content_type.startswith("text/"):
            headers["Content-Type"] = reply.content_type
        if len(body) > CHUNKED_ABOVE_BYTES:
            headers["Transfer-Encoding"] = "chunked"
            framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            headers["Content-Length"] = str(len(body))
            framed = body
        head = self._head(reply.code, headers)
        self._record.sent(len(body))
        await self._connection.write(head if self._record.method == "HEAD" else head + framed)

    def _head(self, code: int, headers: Mapping[str, Any]) -> bytes:
        self._head_is_sent = True
        self._record.status = code
        phrase = HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "Unknown"
        lines = [
            f"HTTP/1.1 {code} {phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _arm_reset(transport: asyncio.Transport) -> None:
    """Make the coming close send RST instead of FIN."""
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
