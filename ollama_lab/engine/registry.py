"""A model registry over HTTP: manifests and byte ranges of blobs, nothing about files."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.store import MANIFEST_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ollama_lab.engine.names import Name

CONNECT_SECONDS = 15.0
_CHUNK_BYTES = 1 << 16
# The largest published manifest is a few kilobytes; a registry that sends more is none.
_MANIFEST_BYTES = 4 << 20
_ERROR_BYTES = 500
_MOST_REDIRECTS = 5
_PARTIAL, _OK, _RANGE_REFUSED = 206, 200, 416
_UNAUTHORIZED, _NOT_FOUND, _FIRST_ERROR = 401, 404, 400
_LOOK_SECONDS = 0.1
_LOOPBACK = "localhost,127.0.0.1,::1"


class Cancelled(Exception):
    """Whoever asked for the download does not want it any more; what came is kept."""


class Interrupted(Exception):
    """The connection ended, stalled or was refused; trying again may help."""


class Registry:
    """One registry, for one pull: one connection at a time.

    Parameters
    ----------
    name : Name
        The model.
    is_plain : bool
        Speak http instead of https.
    cancelled : callable
        Asked ten times a second; once it says True, what is being received ends.
    stall_seconds : float
        How long a connection may be silent.
    """

    def __init__(
        self,
        name: Name,
        *,
        is_plain: bool,
        cancelled: Callable[[], bool],
        stall_seconds: float,
    ) -> None:
        scheme = "http" if is_plain else "https"
        self._url = f"{scheme}://{name.host}/v2/{name.namespace}/{name.model}"
        self._tag = name.tag
        self.cancelled = cancelled
        self._timeout = (CONNECT_SECONDS, stall_seconds)
        self._session = _Session(self._keep)
        self._socket: socket.socket | None = None
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        # Decision of the house: proxies are never asked for this machine, whatever they say.
        others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        self._proxies = {"no_proxy": f"{others},{_LOOPBACK}".strip(",")}

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()
        self._session.close()

    def _keep(self, connection: socket.socket) -> None:
        self._socket = connection

    def _watch(self) -> None:
        """End a wait for a silent registry: nothing else can before the time-out."""
        while not self._done.wait(_LOOK_SECONDS):
            if self.cancelled() and self._socket is not None:
                with suppress(OSError):  # closed already
                    self._socket.shutdown(socket.SHUT_RDWR)

    def manifest(self) -> bytes:
        """Return the model's manifest as it came.

        Raises
        ------
        EngineError
            In Ollama's words: the registry has no such model, is not there, or says no.
        Cancelled
            Nobody wants it any more.
        """
        url = f"{self._url}/manifests/{self._tag}"
        try:
            with self.get(url, {"Accept": MANIFEST_TYPE}) as answer:
                if answer.status_code >= _FIRST_ERROR:
                    raise EngineError(f"pull model manifest: {_refusal(answer)}")
                raw = _read(answer, _MANIFEST_BYTES + 1)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            if self.cancelled():
                raise Cancelled from exc
            why = _network_words(url, exc)
            raise EngineError(f"pull model manifest: {why}") from exc
        if len(raw) > _MANIFEST_BYTES:
            raise EngineError("pull model manifest: the registry's answer is too long for one")
        return raw

    def blob(self, digest: str, start: int) -> AbstractContextManager[Blob]:
        """Ask for a blob from a byte on, to be used in a ``with`` statement.

        Raises
        ------
        Interrupted
            No answer came, or one that may be another next time.
        EngineError
            The registry does not have it or says no.
        """
        return Blob(self, f"{self._url}/blobs/{digest}", start)

    def get(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Send a request and return the answer, its body unread."""
        return self._session.get(
            url,
            # Ranges count bytes of what is sent, so it must be sent as it is.
            headers={"Accept-Encoding": "identity", **headers},
            stream=True,
            timeout=self._timeout,
            proxies=self._proxies,
        )


class Blob:
    """The answer to one request for a blob: iterate `pieces` inside a ``with`` statement."""

    def __init__(self, registry: Registry, url: str, start: int) -> None:
        self._registry = registry
        self._url = url
        self._asked_from = start
        self.start = start

    def __enter__(self) -> Self:
        registry = self._registry
        headers = {"Range": f"bytes={self._asked_from}-"} if self._asked_from else {}
        try:
            self._answer = registry.get(self._url, headers)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            if registry.cancelled():
                raise Cancelled from exc
            raise Interrupted(_network_words(self._url, exc)) from exc
        try:
            self.start = _first_byte(self._answer, self._asked_from)
        except BaseException:
            self._answer.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes from `start` on.

        Raises
        ------
        Interrupted
            The connection ended early or was silent for too long.
        Cancelled
            It was closed because nobody wants it any more.
        """
        try:
            while piece := self._answer.raw.read(_CHUNK_BYTES, decode_content=False):
                if self._registry.cancelled():
                    raise Cancelled
                yield piece
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            if self._registry.cancelled():
                raise Cancelled from exc
            raise Interrupted(_network_words(self._url, exc)) from exc
        if self._registry.cancelled():
            raise Cancelled


class _Session(requests.Session):
    """Sends no credentials at all, wherever it is sent on to."""

    def __init__(self, keep: Callable[[socket.socket], None]) -> None:
        super().__init__()
        adapter: Any  # typed as a base class that has no pools
        for adapter in self.adapters.values():
            # Told of every socket, so that a wait can be ended from outside. Connections through
            # a proxy have pools of their own: those waits end with the time-out.
            adapter.poolmanager.pool_classes_by_scheme = {
                "http": _told(urllib3.HTTPConnectionPool, keep),
                "https": _told(urllib3.HTTPSConnectionPool, keep),
            }
        self.headers["User-Agent"] = "ollama-lab"
        self.max_redirects = _MOST_REDIRECTS
        self.auth = _nobody  # an auth of its own keeps requests from looking into ~/.netrc
        # Cookies ignore ports: without this a registry's would go to whatever it names.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """After a redirect: requests would look into ~/.netrc for the new host here."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Refuse to be sent from https to http."""
        target = super().get_redirect_target(resp)
        if target and resp.url.startswith("https:") and urlsplit(target).scheme == "http":
            raise EngineError("insecure protocol http: the registry redirects to it")
        return target


def _told(
    pool: type[urllib3.HTTPConnectionPool], keep: Callable[[socket.socket], None]
) -> type[urllib3.HTTPConnectionPool]:
    """Return a kind of connection pool that hands over each socket it opens."""
    base: Any = pool.ConnectionCls

    class Connection(base):  # type: ignore[misc]  # (one class for http, another for https)
        def connect(self) -> None:
            super().connect()
            keep(self.sock)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine, by its address alone.

    >>> is_loopback("127.0.0.1:5000"), is_loopback("localhost"), is_loopback("registry.ollama.ai")
    (True, True, False)
    """
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _first_byte(answer: requests.Response, asked: int) -> int:
    """Return where the bytes of an answer begin: what was asked for, or 0 without ranges."""
    status = answer.status_code
    if status == _OK:
        return 0
    if status == _PARTIAL:
        said = answer.headers.get("Content-Range", "")
        if said.startswith(f"bytes {asked}-"):
            return asked
        raise Interrupted(f"the registry sent {said or 'no range'} instead of bytes {asked}-")
    if status == _RANGE_REFUSED:
        # Its blob is shorter than its manifest says, or this answer comes from another copy.
        raise Interrupted("the registry has no bytes after that")
    if status in (_NOT_FOUND, _UNAUTHORIZED):
        raise EngineError(_refusal(answer))
    raise Interrupted(_refusal(answer))


def _refusal(answer: requests.Response) -> str:
    if answer.status_code == _NOT_FOUND:
        return "file does not exist"
    if answer.status_code == _UNAUTHORIZED:
        return "unauthorized: access denied"
    text = _read(answer, _ERROR_BYTES).decode("utf-8", "replace").strip()
    return f"{answer.status_code}: {text}"


def _read(answer: requests.Response, most_bytes: int) -> bytes:
    return bytes(answer.raw.read(most_bytes, decode_content=True))


def _network_words(url: str, exc: BaseException) -> str:
    """Say what went wrong below HTTP, in the words of Ollama's own transport."""
    address = urlsplit(url)
    causes = list(_causes(exc))

    def is_due_to(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    # The order matters: urllib3's error for a refused connection is a time-out as well.
    if is_due_to(urllib3.exceptions.NameResolutionError):
        return f'Get "{url}": dial tcp: lookup {address.hostname}: no such host'
    if is_due_to(ConnectionRefusedError):
        port = address.port or (80 if address.scheme == "http" else 443)
        return f'Get "{url}": dial tcp {address.hostname}:{port}: connect: connection refused'
    if is_due_to(urllib3.exceptions.TimeoutError, TimeoutError):
        return f'Get "{url}": no byte came in time'
    if is_due_to(urllib3.exceptions.IncompleteRead):
        return "unexpected EOF"
    return f'Get "{url}": {causes[-1]}'


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    # urllib3 puts the real error into `reason` or the arguments, requests wraps that once more.
    seen: set[int] = set()
    waiting: list[object] = [exc]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
