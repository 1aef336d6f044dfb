"""Bytes to and from one server, over `requests`; knows no Ollama.

`requests` blocks until the first header comes, which with Ollama is the first token, minutes
away while a model loads. And it hands out bytes one HTTP chunk at a time without telling
whether the next one is there. So a hook at http.client's response class waits for readable
bytes with `tick` calls in between, and streams are read straight from the response's buffered
socket: whatever is there in one read, and no wake-up for every token.
"""

from __future__ import annotations

import contextlib
import http.client
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.wait import wait_for_read

from ollama_lab import errors

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from ollama_lab.hosts import Host

    Tick = Callable[[float], None]

TICK_SECONDS = 0.1
#: Larger than any buffer below, so that one read empties it and `wait_for_read` tells the truth.
_READ_BYTES = 1 << 18
#: A stream is never slept on in its first moments nor while lines come faster than this.
_HEAD_SECONDS = 0.02
_BURST_LINES_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a wait may be, in seconds; 0 waits for ever (but for the connection)."""

    connect_seconds: float = 3.0
    first_byte_seconds: float = 0.0
    idle_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300  # noqa: PLR2004 (HTTP)


class Transport:
    """One server's bytes.

    Parameters
    ----------
    host : Host
        Where, with which headers and certificates.
    patience : Patience
        How long a wait may be.
    """

    def __init__(self, host: Host, patience: Patience) -> None:
        self.host = host
        self.patience = patience
        self._session = session(host)

    def close(self) -> None:
        """Close what is kept open between requests."""
        self._session.close()

    def fetch(self, method: str, path: str, data: Any = None, *, tick: Tick | None = None) -> Reply:
        """Send one request and read its whole answer.

        Parameters
        ----------
        data : bytes or file, optional
            The body.

        Raises
        ------
        Unreachable, TimedOut, StreamBroken
            No connection; silence for too long; an answer that broke off.
        """
        with self._opened(method, path, data, tick) as (response, exchange):
            body = b"".join(exchange.read(pace=0))
            return Reply(response.status_code, response.headers.get("Content-Type", ""), body)

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        path: str,
        data: bytes,
        *,
        tick: Tick | None = None,
        pace: float = 0.0,
    ) -> Iterator[tuple[Reply | None, Iterator[bytes]]]:
        """Send one request; give a refusal whole, or the bytes of a success as they come.

        Leaving the block closes the socket, which is how a server learns that nobody reads.

        Parameters
        ----------
        tick : callable, optional
            Called about every 0.1 s while nothing comes, with the seconds since the request.
        pace : float, optional
            Seconds to sleep between reads of a stream that comes slowly; 0 reads at once.
        """
        with self._opened(method, path, data, tick) as (response, exchange):
            if response.ok:
                yield None, exchange.read(pace=pace)
            else:
                body = b"".join(exchange.read(pace=0))
                kind = response.headers.get("Content-Type", "")
                yield Reply(response.status_code, kind, body), iter(())

    @contextlib.contextmanager
    def _opened(
        self, method: str, path: str, data: Any, tick: Tick | None
    ) -> Iterator[tuple[requests.Response, _Exchange]]:
        exchange = _Exchange(self.host.url, self.patience, tick)
        response = None
        try:
            with exchange.current():
                response = self._session.request(
                    method,
                    self.host.url + path,
                    data=data,
                    stream=True,
                    # A redirect would carry the prompt, or a key, to another machine.
                    allow_redirects=False,
                    timeout=(self.patience.connect_seconds, None),
                    headers={"Content-Type": "application/json"} if data else None,
                )
            yield response, exchange
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as exc:
            raise self._unreachable(exc) from exc
        except requests.RequestException as exc:
            raise errors.not_ollama(self.host.url, str(exc)) from exc
        finally:
            if response is not None:
                response.close()

    def _unreachable(self, exc: Exception) -> errors.OllamaLabError:
        words = str(exc)
        if "ConnectTimeout" in type(exc).__name__ or "ConnectTimeout" in words:
            return errors.unreachable(
                self.host.url, f"no connection within {self.patience.connect_seconds:g} s"
            )
        if "NameResolution" in words or "getaddrinfo" in words:
            name = urlsplit(self.host.url).hostname
            return errors.unreachable(self.host.url, f"no machine is called '{name}'")
        if "SSL" in words or "CERTIFICATE" in words.upper():
            return errors.Unreachable(
                f"{self.host.url} shows a certificate that is not trusted here.",
                hint="Name its authority with the setting ca_file.",
            )
        if "RemoteDisconnected" in words or "reset" in words.lower():
            return errors.StreamBroken(
                f"{self.host.url} closed the connection before it answered.",
                hint="Run it again; if it fails again, look at the server's log.",
            )
        return errors.unreachable(self.host.url)


def session(host: Host) -> requests.Session:
    """Make the session of a host: its headers, its certificates, proxies only for far hosts."""
    made = requests.Session()
    # Proxies of the environment cannot know loopback, private and single-label hosts.
    made.trust_env = not host.is_near
    made.headers.update({"Accept-Encoding": "identity", "User-Agent": "ollama-lab"})
    made.headers.update(host.headers)
    made.auth = host.basic_auth or _keep_headers
    made.verify = host.ca_file or host.verify_tls
    adapter = _Adapter()
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand where `requests` would else look for a password in ~/.netrc."""
    return request


# ---------------------------------------------------------------- the hook


_EXCHANGE: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _Answer(http.client.HTTPResponse):
    """Http.client's response, which waits for its first byte where it can be told and stopped."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._exchange = _EXCHANGE.get()
        if self._exchange is not None:
            self._exchange.attach(sock, self)

    def begin(self) -> None:
        if self._exchange is not None:
            self._exchange.wait_for_first_byte()
        super().begin()


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _TlsConnection(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _Exchange:
    """One request on the wire: waits, reads, closes."""

    def __init__(self, url: str, patience: Patience, tick: Tick | None) -> None:
        self._url = url
        self._patience = patience
        self._tick = tick
        self._sent_at = time.monotonic()
        self._sock: socket.socket | None = None
        self._answer: http.client.HTTPResponse | None = None

    def attach(self, sock: socket.socket, answer: http.client.HTTPResponse) -> None:
        """Take note of the socket the answer will come from."""
        self._sock, self._answer = sock, answer
        self._sent_at = time.monotonic()

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Let the next response of this thread be this exchange's."""
        token = _EXCHANGE.set(self)
        try:
            yield
        finally:
            _EXCHANGE.reset(token)

    def wait_for_first_byte(self) -> None:
        self._wait(self._patience.first_byte_seconds)

    def read(self, *, pace: float) -> Iterator[bytes]:
        """Yield the body as it comes, chunked or not, paced where it comes slowly."""
        answer = self._answer
        if answer is None or answer.fp is None:  # no body, or all of it was read with the head
            return
        body = _Chunked() if answer.chunked else _Plain(answer.length)
        rhythm = _Rhythm(pace)
        is_here = self._came_with_head(answer)
        while not body.is_complete:
            if not (is_here or self._is_decrypted()):
                self._wait(self._patience.idle_seconds)
            is_here = False
            if not (data := self._receive(answer)):
                break
            if payload := body.feed(data):
                yield payload
                rhythm.rest(payload)
        if not body.is_complete and body.needs_end:
            raise errors.cut_off(self._url)

    def _receive(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.fp.read1(_READ_BYTES)
        except OSError as exc:
            raise errors.cut_off(self._url) from exc

    def _came_with_head(self, answer: http.client.HTTPResponse) -> bool:
        """Whether the read that brought the head brought bytes of the body: no select sees them."""
        if self._sock is None:
            return False
        self._sock.settimeout(0)
        try:
            return bool(answer.fp.peek(1))
        except OSError:  # TLS has its own word for "nothing yet"
            return False
        finally:
            self._sock.settimeout(None)

    def _is_decrypted(self) -> bool:
        """Whether TLS holds decrypted bytes that no select can see."""
        pending = getattr(self._sock, "pending", None)
        return bool(pending and pending())

    def _wait(self, longest: float) -> None:
        """Wait for a readable socket, told by ticks, for at most ``longest`` seconds."""
        began = time.monotonic()
        while self._sock is not None and not wait_for_read(self._sock, TICK_SECONDS):
            now = time.monotonic()
            if longest and now - began > longest:
                raise errors.TimedOut(
                    f"{self._url} has sent nothing for {longest:g} s.",
                    hint="It may be overloaded; settings: first_byte_seconds, idle_seconds.",
                )
            if self._tick is not None:
                self._tick(now - self._sent_at)


class _Rhythm:
    """When to sleep between reads: never in a burst, else to ``pace`` wake-ups."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._begin = self._woke = time.monotonic()
        self._lines = 0

    def rest(self, payload: bytes) -> None:
        if not self._pace:
            return
        now = time.monotonic()
        self._lines += payload.count(b"\n")
        since = now - self._woke
        if now - self._begin < _HEAD_SECONDS:
            return
        if self._lines > _BURST_LINES_PER_SECOND * max(since, _HEAD_SECONDS):
            if since > _HEAD_SECONDS:
                self._woke, self._lines = now, 0
            return
        if since < self._pace:
            time.sleep(self._pace - since)
        self._woke, self._lines = time.monotonic(), 0


class _Plain:
    """A body of a stated length, or one that ends with the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.needs_end = length is not None

    @property
    def is_complete(self) -> bool:
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data


class _Chunked:
    """The chunked coding of RFC 9112, section 7.1, on whatever bytes a read brings."""

    needs_end = True

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = b""
        self._left = 0
        self._owes_newline = False

    def feed(self, data: bytes) -> bytes:
        """Return the payload of the next bytes."""
        data = self._rest + data if self._rest else data
        pieces, at, size = [], 0, len(data)
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._owes_newline = not self._left
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            line, at = data[at:end], end + 2
            if self._owes_newline:
                self._owes_newline = False
                continue
            self._left = _chunk_size(line)
            if not self._left:
                self.is_complete = True
                break
        self._rest = data[at:]
        return b"".join(pieces)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as exc:
        raise errors.StreamBroken(
            f"The server broke the rules of HTTP in mid-answer: {line[:20]!r}.",
            hint="Is there a proxy between?",
        ) from exc
