"""A lease: one open connection that tells the engine that somebody uses it.

When the process that holds it ends, in whatever way, the operating system closes the connection,
and the engine notices. Sockets only: this is imported by every kernel that uses the engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ollama_lab.engine.runtime import Record

PATH = "/ollama-lab/lease"
STATUS_PATH = "/ollama-lab/status"
STOP_PATH = "/ollama-lab/stop"
_HTTP_OK = 200
# The engine is on loopback and answers these from memory; only a stopped process takes longer.
_ANSWER_SECONDS = 5.0


class Lease:
    """An open connection to the engine; ends with `close` or with the process.

    Parameters
    ----------
    connection : socket.socket
        The engine has granted the lease on it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        # A lease that nobody refers to any more is over, and quietly so.
        weakref.finalize(self, connection.close)
        _open.add(self)

    @property
    def is_open(self) -> bool:
        """Whether the engine still holds its end."""
        try:
            # The engine never writes on a lease, so anything but "nothing yet" is its end.
            self._connection.setblocking(False)
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End the lease; in a forked child, let go of the parent's without ending it."""
        self._connection.close()


_open: weakref.WeakSet[Lease] = weakref.WeakSet()


def _let_go() -> None:
    """Drop the parent's leases in a forked child: it may outlive the parent for hours."""
    for lease in list(_open):
        lease.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def take(record: Record) -> Lease | None:
    """Ask a running engine for a lease; None when it is gone, ending, or not what it says."""
    connection = _ask(record, "GET", PATH)
    if connection is None:
        return None
    try:
        is_granted = _read_head(connection) == _HTTP_OK
    except BaseException:  # an interrupt must not leave the connection open
        connection.close()
        raise
    if is_granted:
        return Lease(connection)
    connection.close()
    return None


def call(record: Record, method: str, path: str) -> dict[str, Any] | None:
    """Send one request to a running engine and return its JSON; None unless it says 200."""
    connection = _ask(record, method, path)
    if connection is None:
        return None
    with connection:
        if _read_head(connection) != _HTTP_OK:
            return None
        body = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                body += piece
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _ask(record: Record, method: str, path: str) -> socket.socket | None:
    address = urlsplit(record.url)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {record.token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    try:
        connection = socket.create_connection(
            (address.hostname or "127.0.0.1", address.port or 0), _ANSWER_SECONDS
        )
    except OSError:
        return None
    try:
        connection.sendall(head.encode("ascii"))
    except OSError:
        connection.close()
        return None
    except BaseException:  # an interrupt must not leave the connection open
        connection.close()
        raise
    return connection


def _read_head(connection: socket.socket) -> int:
    """Read to the end of the headers, byte by byte to leave the body alone; return the status."""
    head = b""
    try:
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return 0
            head += byte
    except OSError:
        return 0
    words = head.split(b"\r\n", 1)[0].split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
