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
import re
import ssl
import time
import warnings
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.wait import wait_for_read

from ollama_lab import errors
from ollama_lab.framing import Chunked, Plain
from ollama_lab.rhythm import Rhythm

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from ollama_lab.hosts import Host

    Tick = Callable[[float], None]

TICK_SECONDS = 0.1
_NO_CONNECTION = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.HTTPError,
)
#: Larger than any buffer below, so that one read empties it and `wait_for_read` tells the truth.
_READ_BYTES = 1 << 18


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
            if response.ok:  # (redirects never come this far)
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
                    allow_redirects=False,
                    # Said here, or the environment's REQUESTS_CA_BUNDLE would win over ca_file.
                    verify=self._session.verify,
                    timeout=(self.patience.connect_seconds, None),
                    headers={"Content-Type": "application/json"} if data else None,
                )
            if location := response.headers.get("Location"):
                raise errors.redirected(self.host.url, location)
            yield response, exchange
        except _NO_CONNECTION as exc:
            raise self._unreachable(exc) from exc
        except requests.RequestException as exc:
            raise errors.Unreachable(
                f"{self.host.url} cannot be asked: {exc}",
                hint="Check the address with: %ollama host URL",
            ) from exc
        finally:
            if response is not None:
                response.close()

    def _unreachable(self, exc: Exception) -> errors.OllamaLabError:
        """Word what `requests` and `urllib3` tell in the names of nested exceptions."""
        url, words = self.host.url, f"{type(exc).__name__} {exc}"
        if isinstance(exc, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
            return errors.behind_proxy(url)
        if "ConnectTimeout" in words or "timed out" in words:  # (the handshake of TLS, too)
            return errors.too_slow_to_connect(url, self.patience.connect_seconds)
        if any(sign in words for sign in ("NameResolution", "getaddrinfo", "Failed to parse")):
            return errors.no_such_machine(url)
        return _no_answer(url, words) or errors.unreachable(url)


def _no_answer(url: str, words: str) -> errors.OllamaLabError | None:
    """Word what went wrong on a connection that was made."""
    if "WRONG_VERSION" in words or "record layer" in words:
        return errors.not_ollama(url, "without TLS")
    if "SSL" in words or "CERTIFICATE" in words.upper():
        return errors.untrusted(url)
    if "RemoteDisconnected" in words or "reset" in words.lower():
        return errors.closed_unanswered(url)
    if "BadStatusLine" in words or "LineTooLong" in words:
        return errors.not_ollama(url, "no HTTP")
    return None


def session(host: Host) -> requests.Session:
    """Make the session of a host: its headers, its certificates, proxies only for far hosts."""
    made = _Session()
    # Proxies of the environment cannot know loopback, private and single-label hosts.
    made.trust_env = not host.is_near
    made.headers.update({"Accept-Encoding": "identity", "User-Agent": "ollama-lab"})
    made.headers.update(host.headers)
    made.auth = host.basic_auth or _keep_headers
    made.verify = _certificates(host)
    adapter = _Adapter()
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave redirects alone: `requests` would read their whole body to prepare the next."""
        del resp


def _certificates(host: Host) -> str | bool:
    if host.ca_file and not Path(host.ca_file).exists():
        raise errors.BadUsage(
            f"ca_file is '{host.ca_file}', and no such file is here.",
            hint="It holds the certificates, in PEM, that the host is checked with.",
        )
    if not host.verify_tls:
        # It was asked for, and a warning for every prompt helps nobody; other hosts keep theirs.
        name = re.escape(urlsplit(host.url).hostname or "")
        message = f"Unverified HTTPS request is being made to host '{name}'"
        warnings.filterwarnings("ignore", message, urllib3.exceptions.InsecureRequestWarning)
    return host.verify_tls and (host.ca_file or True)


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


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _hook(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> urllib3.ProxyManager:
        """Return the pools behind a proxy: the same at each call."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(*args, **kwargs)
        _hook(manager)
        return manager


def _hook(manager: urllib3.PoolManager) -> None:
    """Let a manager make connections that answer with `_Answer`."""
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _hooked(pool) for scheme, pool in pools.items()}


def _hooked(pool: type[urllib3.HTTPConnectionPool]) -> type[urllib3.HTTPConnectionPool]:
    if getattr(pool.ConnectionCls, "response_class", None) is _Answer:
        return pool
    connection = type("_Connection", (pool.ConnectionCls,), {"response_class": _Answer})
    return type("_Pool", (pool,), {"ConnectionCls": connection})


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
        """Wait, told by ticks, until the head begins to come."""
        self._wait(self._patience.first_byte_seconds)

    def read(self, *, pace: float) -> Iterator[bytes]:
        """Yield the body as it comes, chunked or not, paced where it comes slowly."""
        answer = self._answer
        if answer is None:
            raise errors.cut_off(self._url)
        if answer.fp is None:  # no body, or all of it was read with the head
            return
        body = Chunked() if answer.chunked else Plain(answer.length)
        rhythm = Rhythm(pace, time.monotonic())
        # The read that brought the head may have brought bytes of the body: no select sees them.
        is_here = self._is_buffered(answer)
        while not body.is_complete:
            if not is_here:
                self._wait(self._patience.idle_seconds)
            is_here = False
            if not (data := self._receive(answer)):
                break
            if payload := body.feed(data):
                yield payload
                if not body.is_complete and (rest := rhythm.pause(payload, time.monotonic())):
                    time.sleep(rest)
        if not body.is_complete and body.needs_end:
            raise errors.cut_off(self._url)

    def _receive(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.fp.read1(_READ_BYTES)
        except OSError as exc:
            raise errors.cut_off(self._url) from exc

    def _wait(self, longest: float) -> None:
        """Wait for a byte or the end, told by ticks, for at most ``longest`` seconds."""
        began = time.monotonic()
        while not self._is_readable():
            now = time.monotonic()
            if longest and now - began > longest:
                raise errors.silent(self._url, longest)
            if self._tick is not None:
                self._tick(now - self._sent_at)

    def _is_readable(self) -> bool:
        """Wait a tick's time; whether a read would then return at once."""
        sock, answer = self._sock, self._answer
        if sock is None or answer is None:
            return True
        if not isinstance(sock, ssl.SSLSocket):
            return wait_for_read(sock, TICK_SECONDS)
        # A readable socket may bring TLS's own records only: only a read tells. One more read
        # first, since what TLS has decrypted no select can see.
        return self._is_buffered(answer) or (
            wait_for_read(sock, TICK_SECONDS) and self._is_buffered(answer)
        )

    def _is_buffered(self, answer: http.client.HTTPResponse) -> bool:
        """Read what is there without waiting; whether there is something, or TLS's end."""
        sock = self._sock
        if sock is None:
            return False
        sock.settimeout(0)
        try:
            return bool(answer.fp.peek(1)) or isinstance(sock, ssl.SSLSocket)
        except ssl.SSLWantReadError:  # TLS's word for "nothing yet"
            return False
        except OSError:
            return True  # the read that follows says what is wrong
        finally:
            sock.settimeout(None)
