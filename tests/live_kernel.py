"""A real ipykernel process, looked at from outside over plain ZeroMQ sockets.

No client library stands between: bytes are the bytes on the wire, times are when they came.
Tests and benchmarks share it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session
from live_messages import Message, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POLL_MS = 20
_LONGEST_START_SECONDS = 90.0
_DELIMITER = b"<IDS|MSG>"


class Kernel:
    """A kernel; a context manager that starts it and takes it down with its process group.

    Parameters
    ----------
    env : mapping of str to str
        Its whole environment.
    python : str
        The interpreter; it needs ipykernel.
    """

    def __init__(self, env: Mapping[str, str], *, python: str = sys.executable) -> None:
        self._env = dict(env)
        self._python = python
        self._closers: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process, which leads its own group as under Jupyter."""
        return self._process.pid

    def interrupt(self) -> None:
        """Interrupt as Jupyter does: SIGINT to the process group."""
        os.killpg(self.pid, signal.SIGINT)

    def run(
        self,
        code: str,
        *,
        timeout: float = 60.0,
        interrupt_after: float | None = None,
        interrupt_when: Callable[[Message], bool] | None = None,
        answers: Sequence[str] = (),
        linger: float = 0.0,
        cell_id: str = "",
    ) -> Result:
        """Execute a cell and collect what came of it.

        Parameters
        ----------
        interrupt_after : float, optional
            Interrupt this many seconds after the request left.
        interrupt_when : callable, optional
            Interrupt at the first iopub message for which it is true.
        answers : sequence of str
            What a person types when the cell asks, one after the other.
        linger : float
            Go on listening this many seconds after the kernel is idle.
        cell_id : str
            The front end's name for the cell, as JupyterLab sends it.
        """
        request = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": bool(answers),
            "stop_on_error": True,
        }
        listener = _Listener(self, list(answers), interrupt_after, interrupt_when)
        result = Result(time.monotonic_ns())
        metadata = {"cellId": cell_id} if cell_id else {}
        sent = self._session.send(self._shell, "execute_request", request, metadata=metadata)
        listener.listen(result, sent["header"]["msg_id"], timeout)
        if linger:
            listener.linger(result, sent["header"]["msg_id"], linger)
        return result

    def complete(self, code: str, cursor: int | None = None, *, timeout: float = 20.0) -> list[str]:
        """Ask what may stand at the cursor, by default the end of the code."""
        at = len(code) if cursor is None else cursor
        sent = self._session.send(self._shell, "complete_request", {"code": code, "cursor_pos": at})
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self._shell.poll(left * 1000):
                _, parent, content = _parsed(self._shell.recv_multipart())
                if parent == sent["header"]["msg_id"]:
                    return list(content["matches"])
        raise AssertionError(f"no completion came within {timeout} s")

    def close(self) -> None:
        """End the process and whatever it left in its group. May be called twice."""
        while self._closers:
            self._closers.pop()()

    def _start(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="kernel-")
        self._closers.append(folder.cleanup)
        name = str(Path(folder.name) / "connection.json")
        _, info = write_connection_file(name, key=secrets.token_hex(16).encode())
        self._log = Path(folder.name) / "kernel.log"
        command = [self._python, "-m", "ipykernel_launcher", "-f", name]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--HistoryManager.enabled=False"],
                cwd=folder.name,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._closers.append(self._end_process)
        self._connect(info)
        self._wait_until_ready()

    def _connect(self, info: dict[str, Any]) -> None:
        key = str(info["key"]).encode()
        self._session = Session(key=key, signature_scheme=info["signature_scheme"])
        context: zmq.Context[Any] = zmq.Context()
        self._closers.append(context.term)

        def connect(kind: int, port: str, identity: bytes = b"") -> Any:
            socket = context.socket(kind)
            socket.linger = 0
            self._closers.append(socket.close)
            if kind == zmq.SUB:
                socket.rcvhwm = 0
                socket.subscribe(b"")
            else:
                socket.identity = identity
            socket.connect(f"tcp://127.0.0.1:{info[port]}")
            return socket

        # A question on stdin goes to the identity that sent the cell.
        self._shell = connect(zmq.DEALER, "shell_port", b"test")
        self._stdin = connect(zmq.DEALER, "stdin_port", b"test")
        self._iopub = connect(zmq.SUB, "iopub_port")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            self._session.send(self._shell, "kernel_info_request", {})
            # The reply says the kernel answers, an iopub message that we are subscribed.
            if self._shell.poll(500) and self._iopub.poll(500):
                while self._shell.poll(50):
                    self._shell.recv_multipart()
                while self._iopub.poll(50):
                    self._iopub.recv_multipart()
                return
        raise RuntimeError(f"The kernel did not start: {self._log.read_text()[-2000:]}")

    def _end_process(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGTERM)
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        except ProcessLookupError:
            self._process.wait()


class _Listener:
    """Listens to all sockets for the length of one cell."""

    def __init__(
        self,
        kernel: Kernel,
        answers: list[str],
        interrupt_after: float | None,
        interrupt_when: Callable[[Message], bool] | None,
    ) -> None:
        self._kernel = kernel
        self._answers = answers
        self._interrupt_after = interrupt_after
        self._interrupt_when = interrupt_when

    def listen(self, result: Result, cell: str, timeout: float) -> None:
        kernel = self._kernel
        deadline = time.monotonic() + timeout
        poller = zmq.Poller()
        for socket in (kernel._iopub, kernel._shell, kernel._stdin):
            poller.register(socket, zmq.POLLIN)
        while not (result.status and result.idle_ns):
            if time.monotonic() > deadline:
                kernel.interrupt()
                raise AssertionError(f"the cell did not end within {timeout} s: {result.outputs!r}")
            self._interrupt_by_clock(result)
            ready = dict(poller.poll(_POLL_MS))
            if kernel._iopub in ready:
                self._hear(result, cell, kernel._iopub.recv_multipart())
            if kernel._shell in ready:
                self._reply(result, cell, kernel._shell.recv_multipart())
            if kernel._stdin in ready:
                self._type(kernel._stdin.recv_multipart())

    def linger(self, result: Result, cell: str, seconds: float) -> None:
        """Hear what threads publish after the cell's end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._kernel._iopub.poll(max(left * 1000, 1)):
                self._hear(result, cell, self._kernel._iopub.recv_multipart())

    def _interrupt_by_clock(self, result: Result) -> None:
        wanted = self._interrupt_after
        passed = (time.monotonic_ns() - result.started_ns) / 1e9
        if wanted is not None and passed >= wanted and not result.interrupted_ns:
            self._interrupt(result)

    def _interrupt(self, result: Result) -> None:
        result.interrupted_ns = time.monotonic_ns()
        self._kernel.interrupt()

    def _hear(self, result: Result, cell: str, frames: list[bytes]) -> None:
        now = time.monotonic_ns()
        kind, parent, content = _parsed(frames)
        if parent != cell:
            return
        message = Message(kind, content, sum(map(len, frames)), now)
        result.messages.append(message)
        if kind == "status" and content["execution_state"] == "idle":
            result.idle_ns = now
        if self._interrupt_when and not result.interrupted_ns and self._interrupt_when(message):
            self._interrupt(result)

    def _reply(self, result: Result, cell: str, frames: list[bytes]) -> None:
        _, parent, content = _parsed(frames)
        if parent == cell:
            result.reply = content
            result.status = content["status"]
            result.ename = content.get("ename", "")
            result.evalue = content.get("evalue", "")

    def _type(self, frames: list[bytes]) -> None:
        kind, _, _ = _parsed(frames)
        if kind == "input_request":
            answer = self._answers.pop(0) if self._answers else ""
            self._kernel._session.send(self._kernel._stdin, "input_reply", {"value": answer})


def _parsed(frames: list[bytes]) -> tuple[str, str, dict[str, Any]]:
    """Give type, parent's id and content of a message."""
    start = frames.index(_DELIMITER)
    header, parent = json.loads(frames[start + 2]), json.loads(frames[start + 3])
    return header["msg_type"], parent.get("msg_id", ""), json.loads(frames[start + 5])
