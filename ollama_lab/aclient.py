"""The asynchronous transport: a stream of Ollama's on an event loop.

Only what has to be asynchronous is here: the Jupyter server asks what is short in a thread, by
the same `Client` as everybody. A stream must not hold a thread, and must end the moment its
task is cancelled; and it must not wake the loop for every token, so between two reads the
socket is not listened to at all.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ollama_lab import errors, wire
from ollama_lab.framing import Chunked, Plain
from ollama_lab.rhythm import Rhythm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from ollama_lab.hosts import Host
    from ollama_lab.transport import Patience

    Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_READ_BYTES = 1 << 18
_HEAD_BYTES = 1 << 16
_CONTINUE, _OK = 100, range(200, 300)


async def chat(
    host: Host, call: wire.Call, patience: Patience, *, pace: float = 0.0
) -> AsyncGenerator[wire.Chunk]:
    """Stream an answer; cancel the task, or close the generator, to stop the server.

    What is given and raised is as in `Client.chat`; proxies of the environment are not used.
    """
    is_done = False
    async with contextlib.aclosing(lines(host, call, patience, pace=pace)) as groups:
        async for group in groups:
            for chunk in wire.merged(group, call):
                is_done = is_done or chunk.done
                yield chunk
    if not is_done:
        raise errors.ended_early()


async def progress(
    host: Host, call: wire.Call, patience: Patience, *, pace: float = 0.0
) -> AsyncGenerator[wire.PullProgress]:
    """Stream the steps of a pull or create; cancel the task to stop, call again to resume.

    Raises
    ------
    StreamBroken
        The stream ended before the work was done.
    """
    is_done = False
    async with contextlib.aclosing(lines(host, call, patience, pace=pace)) as groups:
        async for group in groups:
            for line in group:
                step = wire.progress(line, call)
                is_done = step.is_success
                yield step
    if not is_done:
        raise errors.unfinished(host.url)


async def fetch(host: Host, call: wire.Call, patience: Patience) -> wire.Json:
    """Ask for one object: what may take minutes, such as loading a model, and so holds no thread.

    An empty reply, as that to a copy, is an empty object.
    """
    found: wire.Json = {}
    async with contextlib.aclosing(lines(host, call, patience)) as groups:
        async for group in groups:
            found = group[-1]
    return found


async def lines(
    host: Host, call: wire.Call, patience: Patience, *, pace: float = 0.0
) -> AsyncGenerator[list[wire.Json]]:
    """Yield the objects of any stream of Ollama's in the groups they arrived in."""
    decoder = wire.LineDecoder()
    async with _connected(host, patience) as (reader, writer):
        writer.write(_request(host, call))
        status, headers = await _head(reader, host, patience)
        rhythm = Rhythm(pace, time.monotonic())
        body = _body((reader, writer), headers, host, patience, rhythm)
        async with contextlib.aclosing(body) as payloads:
            if status not in _OK:
                whole = b"".join([payload async for payload in payloads])
                kind = headers.get("content-type", "")
                raise wire.failure(call, status, whole, content_type=kind, host=host.url)
            async for payload in payloads:
                if group := decoder.feed(payload):
                    yield group
    if group := decoder.close():
        yield group


@contextlib.asynccontextmanager
async def _connected(host: Host, patience: Patience) -> AsyncIterator[Ends]:
    reader, writer = await _opened(host, patience)
    try:
        yield reader, writer
    finally:
        # At once, whatever is unsent: this is how Ollama learns that nobody reads.
        writer.transport.abort()


async def _opened(host: Host, patience: Patience) -> Ends:
    parts = urlsplit(host.url)
    tls = _tls(host) if parts.scheme == "https" else None
    try:
        async with asyncio.timeout(patience.connect_seconds or None):
            return await asyncio.open_connection(
                parts.hostname, parts.port, ssl=tls, limit=_HEAD_BYTES
            )
    except TimeoutError as exc:
        raise errors.too_slow_to_connect(host.url, patience.connect_seconds) from exc
    except ssl.SSLCertVerificationError as exc:
        raise errors.untrusted(host.url) from exc
    except ssl.SSLError as exc:
        raise errors.not_ollama(host.url, "without TLS") from exc
    except socket.gaierror as exc:
        raise errors.no_such_machine(host.url) from exc
    except OSError as exc:
        raise errors.unreachable(host.url) from exc


def _tls(host: Host) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=host.ca_file or None)
    if not host.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _request(host: Host, call: wire.Call) -> bytes:
    parts = urlsplit(host.url)
    content = call.content()
    headers = {
        "Host": parts.netloc,
        "User-Agent": "ollama-lab",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **host.headers,
    }
    if host.basic_auth is not None:
        credentials = base64.b64encode(":".join(host.basic_auth).encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{call.method} {parts.path}{call.path} HTTP/1.1\r\n{head}\r\n".encode() + content


async def _head(
    reader: asyncio.StreamReader, host: Host, patience: Patience
) -> tuple[int, dict[str, str]]:
    """Read the status and the headers, which come with the first token and not before."""
    try:
        async with asyncio.timeout(patience.first_byte_seconds or None):
            status = _CONTINUE
            while status == _CONTINUE:
                status = _status(await reader.readuntil(b"\r\n"), host)
                headers = await _headers(reader)
    except TimeoutError as exc:
        raise errors.silent(host.url, patience.first_byte_seconds) from exc
    except asyncio.LimitOverrunError as exc:
        raise errors.not_ollama(host.url, "no HTTP") from exc
    except (asyncio.IncompleteReadError, OSError) as exc:
        raise errors.closed_unanswered(host.url) from exc
    if location := headers.get("location"):
        raise errors.redirected(host.url, location)
    return status, headers


def _status(line: bytes, host: Host) -> int:
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit():
        raise errors.not_ollama(host.url, "no HTTP")
    return int(code)


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers = {}
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


async def _body(
    ends: Ends, headers: Mapping[str, str], host: Host, patience: Patience, rhythm: Rhythm
) -> AsyncGenerator[bytes]:
    """Yield the body as it comes, paced where it comes slowly."""
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    length = headers.get("content-length", "")
    body = Chunked() if is_chunked else Plain(int(length) if length.isdecimal() else None)
    reader, writer = ends
    while not body.is_complete:
        data = await _read(reader, host, patience)
        if not data:
            break
        if payload := body.feed(data):
            yield payload
            if not body.is_complete:
                await _rest(writer, rhythm.pause(payload, time.monotonic()))
    if not body.is_complete and body.needs_end:
        raise errors.cut_off(host.url)


async def _read(reader: asyncio.StreamReader, host: Host, patience: Patience) -> bytes:
    try:
        async with asyncio.timeout(patience.idle_seconds or None):
            return await reader.read(_READ_BYTES)
    except TimeoutError as exc:
        raise errors.silent(host.url, patience.idle_seconds) from exc
    except OSError as exc:
        raise errors.cut_off(host.url) from exc


async def _rest(writer: asyncio.StreamWriter, seconds: float) -> None:
    """Sleep without listening: what arrives meanwhile waits in the socket and wakes nobody."""
    if not seconds:
        return
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # (a stream's transport reads, too)
    try:
        await asyncio.sleep(seconds)
    finally:
        if not writer.transport.is_closing():
            writer.transport.resume_reading()  # type: ignore[attr-defined]  # (the same)
