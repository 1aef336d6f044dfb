"""A model registry on a socket that misbehaves on demand.

Blobs are redirected to a second host name of the same server, as real registries do. How a blob
is sent is a list of `Sending`, one per request; the last one stays.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.ollama.image."
DEADLINE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Sending:
    """How one request for a blob is answered.

    `is_silent` sends nothing at all until the server is closed; `cut_after` ends the connection after so many bytes; `stall_after` sends nothing more then
    until the server is closed; `pace_seconds` passes between pieces of 64 kB.
    """

    status: int = 0
    is_silent: bool = False
    cut_after: int | None = None
    stall_after: int | None = None
    pace_seconds: float = 0.0
    has_ranges: bool = True
    wrong_range: bool = False
    extra: bytes = b""


@dataclass(slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str] = field(repr=False)

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class FakeRegistry:
    """Run a registry on a free port of 127.0.0.1; use it in a ``with`` statement."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.manifest_status = 200
        self.manifest_is_silent = False
        self.sendings: dict[str, list[Sending]] = {}
        self.seen: list[Seen] = []
        self.stalled = threading.Event()
        self.closing = threading.Event()
        self.hung_up = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join(DEADLINE_SECONDS)
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add_blob(self, data: bytes) -> dict[str, Any]:
        """Keep a blob and return what a manifest says about it."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return {"digest": digest, "size": len(data)}

    def add_model(self, name: str, layers: list[dict[str, Any]]) -> str:
        """Publish a model made of entries of `add_blob`; the first one is the weights."""
        kinds = ["model", "license", "params", "system"]
        config = self.add_blob(b'{"model_format":"gguf","model_family":"llama"}')
        typed = [
            {"mediaType": LAYER + kind, **layer} for kind, layer in zip(kinds, layers, strict=False)
        ]
        self.publish(
            name,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, **config},
                "layers": typed,
            },
        )
        return f"{self.host}/library/{name}"

    def publish(self, name: str, manifest: Any) -> str:
        """Publish a manifest as it is, right or wrong."""
        self.manifests[name] = json.dumps(manifest).encode()
        return f"{self.host}/library/{name}"

    def send(self, digest: str, *sendings: Sending) -> None:
        """Say how the next requests for a blob are answered, from now on."""
        self.sendings[digest] = list(sendings)

    def ranges(self, digest: str) -> list[str | None]:
        """Return the ``Range`` of every request for a blob, in order."""
        return [seen.range for seen in self.seen if seen.path == f"/cdn/{digest}"]

    def next_sending(self, digest: str) -> Sending:
        planned = self.sendings.get(digest) or [Sending()]
        return planned.pop(0) if len(planned) > 1 else planned[0]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left; everything else is a bug of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
            """Say nothing."""

        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            registry.seen.append(Seen(self.path, headers))
            if found := re.fullmatch(r"/v2/library/([^/]+)/manifests/latest", self.path):
                self.send_manifest(found[1])
            elif found := re.fullmatch(r"/v2/library/[^/]+/blobs/(sha256:\w+)", self.path):
                self.redirect(found[1])
            else:
                self.send_blob(self.path.removeprefix("/cdn/"))

        def send_manifest(self, name: str) -> None:
            raw = registry.manifests.get(name)
            if registry.manifest_is_silent:
                registry.stalled.set()
                self.wait_for_the_end()
                return
            status = registry.manifest_status if raw is not None else 404
            self.send_whole(status, raw if raw is not None else b'{"errors":[]}')

        def redirect(self, digest: str) -> None:
            self.send_response(307)
            # Another name of the same machine: credentials and cookies must not follow.
            self.send_header("Location", f"http://localhost:{registry.port}/cdn/{digest}")
            self.send_header("Set-Cookie", "session=secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send_whole(self, status: int, raw: bytes) -> None:
            self.send_response(status)
            self.send_header("Set-Cookie", "session=secret")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def send_blob(self, digest: str) -> None:
            how = registry.next_sending(digest)
            data = registry.blobs[digest] + how.extra
            if how.is_silent:
                registry.stalled.set()
                self.wait_for_the_end()
                return
            if how.status:
                self.send_whole(how.status, b"no such luck")
                return
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(asked[1]) if asked and how.has_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                said = 0 if how.wrong_range else start
                self.send_header("Content-Range", f"bytes {said}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.send_pieces(data[start:], how)

        def send_pieces(self, data: bytes, how: Sending) -> None:
            end = min(
                stop for stop in (how.cut_after, how.stall_after, len(data)) if stop is not None
            )
            try:
                for place in range(0, end, 1 << 16):
                    self.wfile.write(data[place : min(end, place + (1 << 16))])
                    registry.closing.wait(how.pace_seconds)
            except OSError:
                registry.hung_up.set()
                self.close_connection = True
                return
            if how.stall_after is not None:
                registry.stalled.set()
                self.wait_for_the_end()
            self.close_connection = self.close_connection or how.cut_after is not None

        def wait_for_the_end(self) -> None:
            self.close_connection = True
            self.connection.settimeout(0.05)
            while not registry.closing.is_set():
                try:
                    if not self.connection.recv(1):
                        registry.hung_up.set()
                        return
                except TimeoutError:
                    continue
                except OSError:
                    registry.hung_up.set()
                    return

    return Handler
