"""The sync client: Ollama's calls by the names of its official Python client.

Kernel, command line and Flask use it. Every method raises errors of `ollama_lab.errors`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, Self

from ollama_lab import errors, models, wire
from ollama_lab.transport import Patience, Transport

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from ollama_lab.hosts import Host
    from ollama_lab.transport import Reply, Tick

#: Named here because the class has a method called `list`, as the official client has.
Lines = list[wire.Json]
Vectors = list[list[float]]

#: How long the server's version is believed before it is asked for again.
_VERSION_SECONDS = 60.0
_HASH_BYTES = 1 << 20


class Client:
    """Talk to one Ollama server.

    Parameters
    ----------
    host : Host
        As `ollama_lab.hosts.Hosts` resolves it.
    patience : Patience, optional
        How long a wait may be.

    Examples
    --------
    >>> from ollama_lab.hosts import Host
    >>> with Client(Host("http://127.0.0.1:11434", "an example")) as client:
    ...     print(client.host.url)
    http://127.0.0.1:11434
    """

    def __init__(self, host: Host, patience: Patience | None = None) -> None:
        self.host = host
        self._transport = Transport(host, patience or Patience())
        self._tick: Tick | None = None
        self._version = ""
        self._version_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is kept open between calls."""
        self._transport.close()

    @contextlib.contextmanager
    def watched(self, tick: Tick | None) -> Iterator[None]:
        """Call ``tick`` in every wait for a single reply inside this block; see `chat`."""
        before, self._tick = self._tick, tick
        try:
            yield
        finally:
            self._tick = before

    # ------------------------------------------------------------ about the server

    def version(self) -> str:
        """Return the server's version, such as ``"0.33.0"``; asked for at most once a minute."""
        now = time.monotonic()
        if now - self._version_at > _VERSION_SECONDS:
            self._version = str(self._fetch(wire.version()).get("version") or "")
            self._version_at = now
        return self._version

    def list(self) -> list[models.Model]:
        """Return the models on the server's disk, the newest first."""
        return models.from_tags(self._fetch(wire.tags()))

    def ps(self) -> dict[str, models.Loaded]:
        """Return the models in memory by name; one that still loads is not among them.

        Servers that only imitate Ollama lack this call: they have nothing to say, so nothing is
        returned.
        """
        try:
            return models.from_ps(self._fetch(wire.ps()))
        except errors.Refused:
            return {}

    def show(self, model: str, listed: models.Model | None = None) -> models.Model:
        """Return what a model can do, its window and its own parameters.

        Raises
        ------
        ModelNotFound
            The server has no such model.
        """
        return models.from_show(model, self._fetch(wire.show(model)), listed)

    def details(self, model: str) -> dict[str, Any]:
        """Return the reply of ``/api/show`` as it is."""
        return self._fetch(wire.show(model))

    # ------------------------------------------------------------ answers

    def chat(
        self, call: wire.Call, *, tick: Tick | None = None, pace: float = 0.0
    ) -> Generator[wire.Chunk]:
        """Stream an answer; close the iterator to stop the server.

        Parameters
        ----------
        call : Call
            Made by `wire.chat` or `wire.generate`.
        tick : callable, optional
            Called about ten times a second while nothing comes, with the seconds since the
            request.
        pace : float, optional
            Seconds between reads of an answer that comes slowly; chunks merge meanwhile.

        Yields
        ------
        Chunk
            Runs of plain text merged; the last one has ``done`` and the numbers.

        Raises
        ------
        StreamBroken
            The answer ended without its last line: what was yielded is all there is.
        """
        is_done = False
        for lines in self._lines(call, tick=tick, pace=pace):
            for chunk in wire.merged(lines, call):
                is_done = is_done or chunk.done
                yield chunk
        if not is_done:
            raise errors.ended_early()

    generate = chat

    def load(
        self,
        model: str,
        *,
        options: Mapping[str, Any],
        keep_alive: float | str | None = None,
        tick: Tick | None = None,
    ) -> None:
        """Bring a model into memory with the options that later calls will have.

        Closing the connection during a load aborts it, so this waits as long as it takes.
        """
        self._fetch(wire.load(model, options=options, keep_alive=keep_alive), tick=tick)

    def unload(self, model: str) -> None:
        """Take a model out of memory as soon as its running answers have ended."""
        self._fetch(wire.unload(model))

    def embed(self, model: str, texts: Sequence[str], **options: Any) -> Vectors:
        """Return one vector a text.

        Parameters
        ----------
        texts : sequence of str
            None may be empty: one empty text fails the whole list.
        **options
            As `wire.embed` takes them.

        Raises
        ------
        BadUsage
            A text is empty.
        """
        return wire.embeddings(self._fetch(wire.embed(model, texts, **options)))

    # ------------------------------------------------------------ managing models

    def pull(self, model: str, *, insecure: bool = False) -> Generator[wire.PullProgress]:
        """Download a model to the server; close the iterator to stop, call again to resume.

        Yields
        ------
        PullProgress
            Bytes of the layer in flight; the last one is ``success``.

        Raises
        ------
        ModelNotFound
            The registry knows no model of this name.
        Unreachable
            The server cannot reach the registry, or went away; finished layers stay.
        """
        return self._progress(wire.pull(model, insecure=insecure or None))

    def create(self, model: str, **given: Any) -> Generator[wire.PullProgress]:
        """Make a model from another one or from uploaded files; see `wire.create`."""
        return self._progress(wire.create(model, **given))

    def copy(self, source: str, destination: str) -> None:
        """Give a model a second name."""
        self._fetch(wire.copy(source, destination))

    def delete(self, model: str) -> None:
        """Remove a model from the server's disk and memory."""
        # First out of memory: a deleted model cannot be unloaded by name any more.
        self.unload(model)
        self._fetch(wire.delete(model))

    def has_blob(self, digest: str) -> bool:
        """Whether the server has a blob, named ``"sha256:..."``."""
        call = wire.blob_head(digest)
        return self._transport.fetch(call.method, call.path).is_ok

    def create_blob(self, path: Path) -> str:
        """Upload a file unless the server has it, and return its digest."""
        with path.open("rb") as file:
            sha = hashlib.sha256()
            while block := file.read(_HASH_BYTES):
                sha.update(block)
            digest = f"sha256:{sha.hexdigest()}"
            if not self.has_blob(digest):
                file.seek(0)
                call = wire.blob_upload(digest)
                self._checked(call, self._transport.fetch(call.method, call.path, file))
        return digest

    # ------------------------------------------------------------ inside

    def _progress(self, call: wire.Call) -> Generator[wire.PullProgress]:
        is_done = False
        for lines in self._lines(call):
            for line in lines:
                step = wire.progress(line, call)
                is_done = step.is_success
                yield step
        if not is_done:
            raise errors.unfinished(self.host.url)

    def _lines(
        self, call: wire.Call, *, tick: Tick | None = None, pace: float = 0.0
    ) -> Iterator[Lines]:
        """Yield the lines of a stream in the groups they arrived in."""
        decoder = wire.LineDecoder()
        opened = self._transport.open(call.method, call.path, call.content(), tick=tick, pace=pace)
        with opened as (refusal, data):
            if refusal is not None:
                raise self._failure(call, refusal)
            for part in data:
                if lines := decoder.feed(part):
                    yield lines
            if lines := decoder.close():
                yield lines

    def _fetch(self, call: wire.Call, *, tick: Tick | None = None) -> wire.Json:
        data = call.content() or None
        tick = tick or self._tick
        reply = self._checked(call, self._transport.fetch(call.method, call.path, data, tick=tick))
        if not reply.body:
            return {}
        try:
            value = json.loads(reply.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            kind = reply.content_type.partition(";")[0] or "no content type"
            raise errors.not_ollama(self.host.url, kind)
        return value

    def _checked(self, call: wire.Call, reply: Reply) -> Reply:
        if not reply.is_ok:
            raise self._failure(call, reply)
        return reply

    def _failure(self, call: wire.Call, reply: Reply) -> errors.OllamaLabError:
        return wire.failure(
            call,
            reply.status,
            reply.body,
            content_type=reply.content_type,
            host=self.host.url,
        )
