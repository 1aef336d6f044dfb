"""A server on a socket whose every byte the test says: for HTTP itself, for TLS, for a proxy."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from waiting import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = bytes | Callable[["Peer", socket.socket], None]

TLS = Path(__file__).parent / "tls"
#: The authority that signed the certificate of every peer that speaks TLS.
AUTHORITY = TLS / "authority.pem"


class Peer:
    """Reads one request a connection, then does its steps, then closes.

    Parameters
    ----------
    *steps : bytes or callable
        Bytes are sent, each with a write of its own; a callable such as `stay` gets the peer and
        the connection.
    is_tls : bool
        Whether it speaks TLS, with a certificate for 127.0.0.1, localhost and far.example.org.
    is_rude : bool
        Whether it does its steps without a request.

    Attributes
    ----------
    requests : list of bytes
        What came, oldest first: head and body.
    hung_up : threading.Event
        Set by `stay` when the client left.
    go_on : threading.Event
        What the step `hold` waits for.
    """

    def __init__(self, *steps: Step, is_tls: bool = False, is_rude: bool = False) -> None:
        self._steps = steps
        self._is_rude = is_rude
        self._context = _tls_context() if is_tls else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if is_tls else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[bytes] = []
        self.hung_up = threading.Event()
        self.go_on = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.go_on.set()
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)

    @property
    def first_line(self) -> str:
        """The last request's first line."""
        return self.requests[-1].partition(b"\r\n")[0].decode()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        try:
            # A client that does not trust us, or leaves, is what some tests are about; ValueError
            # is TLS's word for a connection that was shut down meanwhile.
            with contextlib.suppress(OSError, ValueError):
                if self._context is not None:
                    plain = connection
                    connection = self._context.wrap_socket(plain, server_side=True)
                    self._open.discard(plain)
                    self._open.add(connection)
                self._answer(connection)
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer(self, connection: socket.socket) -> None:
        if not self._is_rude:
            self.requests.append(_request(connection))
        for step in self._steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            else:
                step(self, connection)
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()


def stay(peer: Peer, connection: socket.socket) -> None:
    """Step: say nothing more, until the client leaves."""
    with contextlib.suppress(OSError):
        while connection.recv(1 << 16):
            pass
    peer.hung_up.set()


def hold(peer: Peer, connection: socket.socket) -> None:
    """Step: say nothing until the test sets `go_on`."""
    assert peer.go_on.wait(DEADLINE_SECONDS)


def reset(peer: Peer, connection: socket.socket) -> None:
    """Step: end the connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tunnel(port: int) -> Callable[[Peer, socket.socket], None]:
    """Make a step of a proxy: agree, then pass bytes to and from a port of this machine."""

    def step(peer: Peer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as inner:
            ends = {connection: inner, inner: connection}
            while ready := select.select(list(ends), [], [], DEADLINE_SECONDS)[0]:
                for end in ready:
                    if not (data := end.recv(1 << 16)):
                        return
                    ends[end].sendall(data)

    return step


def head(*lines: str, status: str = "200 OK") -> bytes:
    """Write the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def whole(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """Write a whole answer of JSON with its length."""
    kind = "Content-Type: application/json"
    return head(kind, f"Content-Length: {len(body)}", *lines, status=status) + body


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    return context


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(1 << 16)):
        data += more
    start, _, rest = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in start.split(b"\r\n")[1:])
    missing = int(fields.get(b"content-length", b"0")) - len(rest)
    while missing > 0 and (more := connection.recv(1 << 16)):
        data, missing = data + more, missing - len(more)
    return data
