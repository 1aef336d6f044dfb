"""Which server a prompt goes to, and why that one.

The first found wins: a flag, ``%ollama host``, the setting, ``OLLAMA_HOST``, localhost:11434
where it answers, the embedded engine. Chosen once per process; asked again only after
``forget``.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ollama_lab.errors import BadUsage, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.engine.launcher import Running
    from ollama_lab.settings import OllamaLab

PORT = 11434
PROBE_SECONDS = 0.3
_LOCAL = f"http://127.0.0.1:{PORT}"
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Host:
    """One server: ``url`` has no trailing slash and no password in it.

    ``why`` says in a few words what chose it. ``headers`` hold keys and are never shown.
    """

    url: str
    why: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: str = ""
    verify_tls: bool = True
    is_embedded: bool = False

    @property
    def is_near(self) -> bool:
        """Whether environment proxies must not be asked: they cannot know such a host."""
        return is_near(urlsplit(self.url).hostname or "")


def parse(text: str) -> tuple[str, tuple[str, str] | None]:
    """Read a host by the rules of Ollama's own ``OLLAMA_HOST``.

    Unspecified addresses, which servers listen on, are dialled as loopback. A user and password
    in the URL come back apart (percent-decoded), so that no message shows them.

    Raises
    ------
    BadUsage
        Not an http or https address.

    Examples
    --------
    >>> for text in ("", "0.0.0.0", ":5000", "ollama", "http://ollama", "https://x/p/", "[::]"):
    ...     print(repr(text), parse(text)[0])
    '' http://127.0.0.1:11434
    '0.0.0.0' http://127.0.0.1:11434
    ':5000' http://127.0.0.1:5000
    'ollama' http://ollama:11434
    'http://ollama' http://ollama:80
    'https://x/p/' https://x:443/p
    '[::]' http://[::1]:11434
    >>> parse("::1")[0], parse(' "host:99999" ')[0], parse("ollama.com")[0]
    ('http://[::1]:11434', 'http://host:11434', 'https://ollama.com:443')
    >>> parse("http://me:p%40ss@box:1")
    ('http://box:1', ('me', 'p@ss'))
    """
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    elif scheme.lower() not in ("http", "https"):
        raise BadUsage(f"'{scheme}://' is no address of Ollama.", hint="Write http:// or https://")
    address, slash, path = rest.partition("/")
    if address == "ollama.com" and not separator:
        scheme = "https"
    port = {"https": 443, "http": 80}[scheme.lower()] if separator else PORT
    if scheme == "https" and not separator:
        port = 443
    user, at, address = address.rpartition("@")
    name, port = _name_and_port(address, port)
    url = f"{scheme.lower()}://{name}:{port}{(slash + path).rstrip('/')}"
    return url, _credentials(user) if at else None


def _name_and_port(address: str, port: int) -> tuple[str, int]:
    if address.count(":") > 1 and not address.startswith("["):
        name, given = address, ""
    else:
        name, _, given = address.rpartition(":") if _PORT.search(address) else (address, "", "")
    if given.isdecimal() and int(given) <= _HIGHEST_PORT:
        port = int(given)
    name = name.strip("[]").lower()
    if not _NAME.fullmatch(name):
        raise BadUsage(f"'{name}' is no host name.", hint="Write a host as in http://ollama:11434")
    return _dialled(name), port


_PORT = re.compile(r":[^:\]]*$")
_NAME = re.compile(r"[\w.%:\-]*")


def _dialled(name: str) -> str:
    """Swap what a server listens on for what a client dials."""
    try:
        ip = ipaddress.ip_address(name or "0.0.0.0")  # noqa: S104 (recognized, not listened on)
    except ValueError:
        return name
    if ip.is_unspecified:
        return "[::1]" if ip.version == 6 else "127.0.0.1"  # noqa: PLR2004 (IPv6)
    return f"[{ip}]" if ip.version == 6 else str(ip)  # noqa: PLR2004 (IPv6)


def _credentials(user: str) -> tuple[str, str]:
    name, _, password = user.partition(":")
    return unquote(name), unquote(password)


def is_near(name: str) -> bool:
    """Whether a host name is loopback, private or single-label.

    >>> [is_near(n) for n in ("localhost", "10.0.0.7", "ollama", "gpu.local", "example.org")]
    [True, True, True, True, False]
    """
    try:
        ip = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." not in name or name.endswith((".local", ".internal", ".localhost"))
    return ip.is_loopback or ip.is_private or ip.is_link_local


class Hosts:
    """Chooses the server for one process and remembers the choice; threads may share it.

    Parameters
    ----------
    settings : OllamaLab
        Read at each choice, so that ``%ollama host`` takes effect at once.
    local : str, optional
        The address that is tried where none is set.
    """

    def __init__(self, settings: OllamaLab, *, local: str = _LOCAL) -> None:
        self._settings = settings
        self._local = local
        self._chosen: Host | None = None
        self._engine: Running | None = None
        self._lock = threading.RLock()

    def resolve(self, flag: str = "") -> Host:
        """Return the server to talk to.

        Parameters
        ----------
        flag : str, optional
            What ``--host`` said; used for this call and not remembered.

        Raises
        ------
        Unreachable
            No host is set, none answers on localhost, and there is no engine; the message names
            the ways on.
        """
        if flag:
            url, auth = parse(flag)
            # Never the key: it belongs to the host of the setting or OLLAMA_HOST.
            return Host(url, "--host", basic_auth=auth)
        with self._lock:
            if self._engine is not None and not self._engine.is_alive:
                self.close()  # it was killed: another one is started, or found
            if self._chosen is None:
                self._chosen = self._choose()
                if not self._chosen.is_embedded:
                    self._give_back()
            return self._chosen

    def must_look(self, flag: str = "") -> bool:
        """Whether nobody said where the server is: finding it, or starting the engine, takes time."""
        is_told = flag or self._settings.host or os.environ.get("OLLAMA_HOST", "").strip("\"' ")
        return self._chosen is None and not is_told

    @property
    def chosen(self) -> Host | None:
        """The server chosen before; nothing is looked for."""
        return self._chosen

    def forget(self) -> None:
        """Choose anew at the next call: the host changed, or its connection was refused."""
        with self._lock:
            self._chosen = None

    def close(self) -> None:
        """Give the embedded engine back, if this process uses it."""
        with self._lock:
            self._chosen = None
            self._give_back()

    def _give_back(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _choose(self) -> Host:
        settings = self._settings
        if settings.host:
            return self._set(settings.host, settings.sources.get("host", "the setting host"))
        if os.environ.get("OLLAMA_HOST", "").strip("\"' "):
            return self._set(os.environ["OLLAMA_HOST"], "OLLAMA_HOST")
        if settings.allow_probe and answers(self._local):
            return Host(self._local, "it answers on this machine")
        return self._embedded()

    def _set(self, text: str, why: str) -> Host:
        try:
            url, auth = parse(text)
        except BadUsage as exc:
            words = exc.message.removesuffix(".")
            raise BadUsage(f"{words} ({why}).", hint=exc.hint) from exc
        settings = self._settings
        headers = dict(settings.headers)
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        return Host(
            url,
            why,
            headers=headers,
            basic_auth=auth,
            ca_file=settings.ca_file,
            verify_tls=settings.verify_tls,
        )

    def _embedded(self) -> Host:
        if not self._settings.allow_engine or not engine_installed():
            raise _nowhere(may_have_engine=self._settings.allow_engine)
        from ollama_lab.engine import launcher

        running = launcher.connect()
        self._give_back()  # after the new lease, so that an engine that lives does not end between
        self._engine = running
        headers = {"Authorization": f"Bearer {self._engine.token}"}
        why = "no Ollama answers, so the embedded engine does"
        return Host(self._engine.url, why, headers=headers, is_embedded=True)


def engine_installed() -> bool:
    """Whether the packages of the embedded engine are there; nothing is imported."""
    return all(importlib.util.find_spec(name) for name in ("xllamacpp", "tornado"))


def answers(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether an Ollama answers at an http address within some seconds."""
    import http.client  # three milliseconds that %load_ext need not spend

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", f"{parts.path}/api/version")
        reply = json.loads(connection.getresponse().read(1000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(reply, dict) and "version" in reply


def _nowhere(*, may_have_engine: bool) -> Unreachable:
    ways = "Start Ollama, or say where it is with: %ollama host URL"
    if may_have_engine:
        ways = 'Start Ollama, set OLLAMA_HOST, or run: pip install "ollama-lab[engine]"'
    return Unreachable(
        f"No Ollama answers at localhost:{PORT}, and no other host is set.", hint=ways
    )
