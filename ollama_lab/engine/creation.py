"""``/api/create`` and ``/api/blobs``: models made here, from files sent here."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tornado.web import stream_request_body

from ollama_lab.engine import body as bodies
from ollama_lab.engine.base import Base
from ollama_lab.engine.build import build, plan
from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.progress import Progress
from ollama_lab.engine.store import digest_hex

if TYPE_CHECKING:
    from ollama_lab.engine.progress import IsStopped, Report

_LARGEST_UPLOAD = 1 << 42


class Create(Progress):
    """``POST /api/create``."""

    async def post(self) -> None:
        """Make a model from a GGUF or from another model."""
        await self.answer(self._respond())

    async def _respond(self) -> None:
        given = bodies.read(self.request.body, "CreateRequest")
        self.is_under_way = True
        store = self.engine.store
        wanted = plan(store, given)

        def work(report: Report, _is_stopped: IsStopped) -> None:
            build(store, wanted, report)

        await self.report(work, is_streamed=given.get("stream", True))


@stream_request_body
class Blob(Base):
    """``/api/blobs/DIGEST``: whether a file is here (HEAD), and sending one (POST)."""

    _file: IO[bytes] | None = None
    _failure: EngineError | None = None

    def prepare(self) -> None:
        """Get ready for the bytes; those of a file that is here already are not kept."""
        super().prepare()
        self._sum = hashlib.sha256()
        if self._finished or self.request.method != "POST":
            return
        self.request.connection.set_max_body_size(_LARGEST_UPLOAD)  # type: ignore[union-attr]  # (an HTTP/1 connection has it)
        try:
            if self.engine.store.blob(self.path_args[0]) is None:
                folder = self.engine.store.own_blob(self.path_args[0]).parent
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 (open as long as bytes come)
                    dir=folder, prefix=".incoming-", delete=False
                )
        except EngineError as error:
            self._failure = error
        except OSError as error:
            self._failure = EngineError(error.strerror or str(error))

    def data_received(self, chunk: bytes) -> None:
        """Take some of the bytes."""
        if self._file and not self._failure:
            try:
                self._file.write(chunk)
            except OSError as error:  # a full disk: said when all bytes have come
                self._failure = EngineError(error.strerror or str(error))
            self._sum.update(chunk)

    def head(self, digest: str) -> None:
        """Answer 200 or 404, without a body."""
        try:
            found = self.engine.store.blob(digest)
        except EngineError as error:
            self.reply({"error": error.message}, error.status)
        else:
            if found:
                self.reply_empty(200)
            else:
                self.reply({"error": f"blob {digest} not found"}, 404)

    async def post(self, digest: str) -> None:
        """Keep the file if it is what its digest says."""
        await self.answer(self._keep(digest))

    async def _keep(self, digest: str) -> None:
        if self._failure:
            self._discard()
            raise self._failure
        if self._file is None:
            self.reply_empty(200)
            return
        self._move(self._file, digest)
        self.reply_empty(201)

    def _move(self, file: IO[bytes], digest: str) -> None:
        got, wanted = self._sum.hexdigest(), digest_hex(digest)
        if got != wanted:
            self._discard()
            raise EngineError(
                f'digest mismatch, expected "sha256:{wanted}", got "sha256:{got}"', 400
            )
        file.close()
        Path(file.name).replace(self.engine.store.own_blob(digest))
        self._file = None

    def on_connection_close(self) -> None:
        """Throw away half a file."""
        super().on_connection_close()
        self._discard()

    def _discard(self) -> None:
        if self._file:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None
