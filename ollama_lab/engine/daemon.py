"""The engine as a process: in the background for as long as somebody uses it, or in a terminal.

Tornado and the engine proper are imported inside the functions: `serve` has words for a machine
that lacks them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
from typing import TYPE_CHECKING

from ollama_lab.engine.launcher import installed_version
from ollama_lab.engine.requirements import problems
from ollama_lab.engine.runtime import Place, Record, private_temporary_directory
from ollama_lab.engine.store import Store, default_store
from ollama_lab.errors import BadUsage, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tornado.web import RequestHandler

PORT = 11434
LINGER_SECONDS = 60.0

log = logging.getLogger(__name__)


def run(place: Place) -> int:
    """Serve in the background until nobody needs the engine; return the exit status.

    The caller holds the lock that says that this process is the engine.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_run(place))
    except Exception:
        log.exception("the engine ended")
        return 1
    return 0


def serve(
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    models: Path | None = None,
) -> None:
    """Serve in the foreground until Ctrl-C, with log lines for a person.

    Parameters
    ----------
    host : str
        Address to listen on; one that other machines reach needs a token.
    port : int
        0 takes any free one, which the log then names.
    token : str, optional
        What clients send as ``Authorization: Bearer TOKEN``; none is asked for by default.
    models : Path, optional
        Where pulled models are kept; by default where the background engine keeps them.

    Raises
    ------
    BadUsage
        An open address without a token, or an address that cannot be had.
    Unreachable
        Something the engine needs is missing on this machine.
    """
    if not token and not _is_loopback(host):
        raise BadUsage(
            f"Without a token everybody who reaches {host or 'every address'} could use this engine.",
            hint="Add --token SECRET, or listen on 127.0.0.1.",
        )
    for problem in problems():
        raise Unreachable(problem.what, hint=problem.remedy)
    with _terminal_log():
        asyncio.run(_serve(host, port, token, models))


async def _run(place: Place) -> None:
    from ollama_lab.engine.app import Engine
    from ollama_lab.engine.users import Users, rules

    users = Users(_linger_seconds())
    token = secrets.token_urlsafe(32)
    version = installed_version()
    engine = Engine(_writable(default_store()), token=token, handlers=rules(users, version))
    with _signals(users.end):
        try:
            port = await engine.start()
            place.write(Record(f"http://127.0.0.1:{port}", token, os.getpid(), version))
            await users.wait()
        finally:
            # First, so that nobody who looks now takes this engine for one that stays.
            place.forget()
            await engine.close()


async def _serve(host: str, port: int, token: str | None, models: Path | None) -> None:
    from ollama_lab.engine.app import Engine

    store = default_store()
    if models is not None:
        store = Store(models, [root for root in store.roots if root != models])
    engine = Engine(store, token=token, log_request=_log_request)
    ended = asyncio.Event()
    with _signals(ended.set):
        try:
            port = await engine.start(port, host)
        except OSError as exc:
            raise _cannot_listen(host, port, exc) from exc
        shown = f"[{host}]" if ":" in host else host
        count = len(store.list())
        models_there = "1 model" if count == 1 else f"{count} models"
        log.info("Listening on http://%s:%d with %s.", shown, port, models_there)
        log.info("Models are kept in %s. Stop with Ctrl-C.", store.root)
        try:
            await ended.wait()
        finally:
            log.info("Stopping.")
            await engine.close()


def _log_request(handler: RequestHandler) -> None:
    request = handler.request
    # A path is a stranger's text: it must not move the cursor of this terminal.
    path = "".join(letter if letter.isprintable() else "?" for letter in request.path)
    milliseconds = 1000 * request.request_time()
    log.info("%s %s %d, %.0f ms", request.method, path, handler.get_status(), milliseconds)


def _cannot_listen(host: str, port: int, exc: OSError) -> BadUsage:
    if exc.errno == errno.EADDRINUSE:
        return BadUsage(
            f"Port {port} of {host} is taken, perhaps by an Ollama.",
            hint=f"Take another one with: ollama-lab serve --port {port + 1}",
        )
    why = exc.strerror or str(exc)
    return BadUsage(f"{host}:{port} cannot be listened on: {why}.", hint="Try 127.0.0.1.")


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name counts when all it stands for do.

    >>> [_is_loopback(host) for host in ("127.0.0.1", "::1", "0.0.0.0", "")]
    [True, True, False, False]
    """
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None)  # noqa: S104 (what "" would listen on)
    except socket.gaierror as exc:
        raise BadUsage(f"{host} is no address of this machine.", hint="Try 127.0.0.1.") from exc
    return all(ipaddress.ip_address(str(one[4][0]).split("%")[0]).is_loopback for one in found)


def _linger_seconds() -> float:
    said = os.environ.get("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "")
    try:
        return max(0.0, float(said)) if said else LINGER_SECONDS
    except ValueError:
        log.warning("OLLAMA_LAB_ENGINE_LINGER_SECONDS is %r, not a number; 60 is used", said)
        return LINGER_SECONDS


def _writable(store: Store) -> Store:
    """Move our own store among the temporary files where the home is read-only."""
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        if os.access(store.root, os.W_OK):
            return store
    except OSError as exc:
        log.warning("%s cannot be written: %s", store.root, exc)
    root = private_temporary_directory() / "models"
    log.warning("models are kept in %s until it is cleared", root)
    return Store(root, store.roots)


@contextlib.contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` on the first SIGINT or SIGTERM; the second one acts as it always does."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGINT, signal.SIGTERM)

    def once() -> None:
        for name in names:
            loop.remove_signal_handler(name)
        end()

    if sys.platform == "win32":  # its loops have no signal handlers; Ctrl-C cancels the task
        yield
        return
    for name in names:
        loop.add_signal_handler(name, once)
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)


@contextlib.contextmanager
def _terminal_log() -> Iterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
