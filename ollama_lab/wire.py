"""Ollama's HTTP API as values: what to send and what comes back. No I/O here.

A `Call` is one request, ready for any transport. Bytes that come back go through
`LineDecoder` (streams) or `body` (single objects) and become values: `Chunk`, `Stats`,
`PullProgress`, or an error of `ollama_lab.errors` (`refusals` reads what Ollama says then).

Protocol facts are those of Ollama 0.33 (github.com/ollama/ollama, docs/api.md) and of its
older releases back to 0.9.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab import errors
from ollama_lab.refusals import failure as failure  # noqa: PLC0414 (part of this module's face)
from ollama_lab.refusals import failure_in_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Json = dict[str, Any]

#: First release that knows ``truncate``: an over-long prompt is an error instead of a silent cut.
TRUNCATE_SINCE = (0, 12, 6)
#: First releases that know ``think`` as a boolean, as a level, and the level ``max``.
THINK_SINCE, LEVELS_SINCE, MAX_SINCE = (0, 9, 0), (0, 11, 0), (0, 22, 0)
#: How much a model is to think, for those that know levels.
LEVELS = ("low", "medium", "high", "max")
_UNNUMBERED_BUILD = (0, 0, 0)
_NEWEST = (1 << 16, 0, 0)
_SECONDS_PER_NANOSECOND = 1e-9
#: Below this many tokens a rate says nothing: Ollama's clock leaves out the first token.
_FEWEST_FOR_A_RATE = 5


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready for any transport.

    ``model`` and ``context_tokens`` repeat what the body says: error sentences need them.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    model: str = ""
    context_tokens: int = 0

    def content(self) -> bytes:
        """Encode the body; empty where the call has none. Lone surrogates become U+FFFD."""
        if self.body is None:
            return b""
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        # By way of UTF-16, where half a character is one unit and becomes one replacement.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _post(path: str, model: str, **fields: Any) -> Call:
    body = {key: value for key, value in fields.items() if value is not None}
    options = body.get("options") or {}
    return Call("POST", path, {"model": model, **body}, model, int(options.get("num_ctx") or 0))


def version() -> Call:
    """Ask which release answers."""
    return Call("GET", "/api/version")


def tags() -> Call:
    """Ask for the models on the server's disk."""
    return Call("GET", "/api/tags")


def ps() -> Call:
    """Ask for the models in memory; one that is still loading is not among them."""
    return Call("GET", "/api/ps")


def show(model: str) -> Call:
    """Ask for one model's details."""
    return _post("/api/show", model)


def chat(
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    format: str | Mapping[str, Any] | None = None,  # noqa: A002 (Ollama's own name)
    think: bool | str | None = None,
    options: Mapping[str, Any] | None = None,
    keep_alive: float | str | None = None,
    truncate: bool | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
) -> Call:
    """Ask for the next message of a conversation, always as a stream.

    Only a stream notices at once that its reader has left; ``shift`` is never sent because
    another value than the runner's reloads the model.
    """
    return _post(
        "/api/chat",
        model,
        messages=list(messages),
        tools=list(tools) if tools else None,
        format=format,
        think=think,
        options=dict(options) if options else None,
        keep_alive=keep_alive,
        truncate=truncate,
        logprobs=logprobs,
        top_logprobs=top_logprobs,
        stream=True,
    )


def generate(
    model: str,
    prompt: str,
    *,
    suffix: str | None = None,
    system: str | None = None,
    images: Sequence[str] | None = None,
    format: str | Mapping[str, Any] | None = None,  # noqa: A002 (Ollama's own name)
    think: bool | str | None = None,
    raw: bool | None = None,
    options: Mapping[str, Any] | None = None,
    keep_alive: float | str | None = None,
    truncate: bool | None = None,
) -> Call:
    """Ask for a completion without a conversation: raw prompts and fill-in-the-middle."""
    return _post(
        "/api/generate",
        model,
        prompt=prompt,
        suffix=suffix,
        system=system,
        images=list(images) if images else None,
        format=format,
        think=think,
        raw=raw,
        options=dict(options) if options else None,
        keep_alive=keep_alive,
        truncate=truncate,
        stream=True,
    )


def load(model: str, *, options: Mapping[str, Any], keep_alive: float | str | None = None) -> Call:
    """Bring a model into memory, with the options later calls will have."""
    return _post("/api/chat", model, messages=[], options=dict(options), keep_alive=keep_alive)


def unload(model: str) -> Call:
    """Take a model out of memory once its running answers have ended."""
    return _post("/api/chat", model, messages=[], keep_alive=0)


def embed(
    model: str,
    texts: Sequence[str],
    *,
    truncate: bool | None = None,
    dimensions: int | None = None,
    options: Mapping[str, Any] | None = None,
    keep_alive: float | str | None = None,
) -> Call:
    """Ask for one vector a text.

    Raises
    ------
    BadUsage
        A text is empty: one empty string fails the whole list.
    """
    if empty := [str(i) for i, text in enumerate(texts) if not text]:
        raise errors.BadUsage(
            f"The text at position {', '.join(empty[:5])} is empty.",
            hint="Leave empty texts out: one of them fails the whole list.",
        )
    return _post(
        "/api/embed",
        model,
        input=list(texts),
        truncate=truncate,
        dimensions=dimensions,
        options=dict(options) if options else None,
        keep_alive=keep_alive,
    )


def pull(model: str, *, insecure: bool | None = None) -> Call:
    """Ask the server to download a model."""
    return _post("/api/pull", model, insecure=insecure, stream=True)


def create(
    model: str,
    *,
    from_model: str | None = None,
    files: Mapping[str, str] | None = None,
    template: str | None = None,
    system: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    messages: Sequence[Mapping[str, Any]] | None = None,
    license: str | Sequence[str] | None = None,  # noqa: A002 (Ollama's own name)
) -> Call:
    """Ask the server to make a model from another one or from uploaded GGUF files.

    Parameters
    ----------
    files : mapping of str to str, optional
        File name to digest (``"sha256:..."``) of a blob uploaded before.
    """
    given = {"from": from_model} if from_model is not None else {}
    return _post(
        "/api/create",
        model,
        **given,
        files=dict(files) if files else None,
        template=template,
        system=system,
        parameters=dict(parameters) if parameters else None,
        messages=list(messages) if messages else None,
        license=license,
        stream=True,
    )


def copy(source: str, destination: str) -> Call:
    """Ask for a second name for a model."""
    return Call("POST", "/api/copy", {"source": source, "destination": destination}, source)


def delete(model: str) -> Call:
    """Ask the server to remove a model; unload it first, or it stays in memory without a name."""
    return Call("DELETE", "/api/delete", {"model": model}, model)


def blob_head(digest: str) -> Call:
    """Ask whether the server has this blob: 200 or 404, no body."""
    return Call("HEAD", f"/api/blobs/{digest}")


def blob_upload(digest: str) -> Call:
    """Upload a blob; the transport sends the file as the body."""
    return Call("POST", f"/api/blobs/{digest}")


def release(version: str) -> tuple[int, ...]:
    """Turn a server's version into something that compares; home builds count as the newest.

    >>> release("0.33.0-rc2"), release("v0.9.0"), release("0.0.0") > (99,)
    ((0, 33, 0), (0, 9, 0), True)
    """
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    numbers = tuple(map(int, found.groups())) if found else _UNNUMBERED_BUILD
    return numbers if numbers != _UNNUMBERED_BUILD else _NEWEST


def think_for(think: bool | str | None, server: tuple[int, ...]) -> bool | str | None:  # noqa: FBT001 (Ollama's own value)
    """Say ``think`` in words that a server of this release understands.

    >>> think_for("max", (0, 33, 0)), think_for("max", (0, 12, 0)), think_for("low", (0, 9, 0))
    ('max', 'high', True)
    """
    if think is None or server < THINK_SINCE:
        return None
    if isinstance(think, str) and server < LEVELS_SINCE:
        return True
    return "high" if think == "max" and server < MAX_SINCE else think


# ---------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Stats:
    """Numbers of one finished answer; durations in seconds, absent ones 0."""

    total_seconds: float = 0.0
    load_seconds: float = 0.0
    prompt_eval_seconds: float = 0.0
    eval_seconds: float = 0.0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    def numbers(self) -> dict[str, float]:
        """Give them by their names, as they are kept with an answer."""
        return {name: round(value, 6) for name, value in asdict(self).items()}

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens a second while the answer was written; None for answers too short to tell."""
        if self.answer_tokens < _FEWEST_FOR_A_RATE or self.eval_seconds <= 0:
            return None
        return self.answer_tokens / self.eval_seconds

    @property
    def queue_seconds(self) -> float:
        """Seconds spent behind other requests on the same model: what no other field covers."""
        told = self.load_seconds + self.prompt_eval_seconds + self.eval_seconds
        return max(0.0, self.total_seconds - told)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called."""

    name: str
    arguments: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One or several merged pieces of an answer.

    ``done_reason`` is ``stop``, ``length``, ``load``, ``unload`` or empty. ``pieces`` counts the
    lines that were merged into this one: about the tokens.
    """

    content: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[Json, ...] = ()
    done: bool = False
    done_reason: str = ""
    stats: Stats | None = None
    model: str = ""
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class PullProgress:
    """Where a pull or create stands; sizes in bytes, 0 where the server said nothing.

    A layer is complete when the next status comes: its last line is often below its total.
    """

    status: str
    digest: str = ""
    total_bytes: int = 0
    done_bytes: int = 0

    @property
    def is_success(self) -> bool:
        """Whether this is the last line of a pull that worked; no other line means that."""
        return self.status == "success"


@dataclass(slots=True)
class LineDecoder:
    r"""Bytes in, JSON objects out.

    Lines end in ``b"\n"`` only: U+0085 and U+2028 occur unescaped inside answers, and every
    string-based line splitter cuts there.
    """

    _tail: list[bytes] = field(default_factory=list)
    _broken: errors.StreamBroken | None = None

    def feed(self, data: bytes) -> list[Json]:
        r"""Take the next bytes and return the objects that are now complete.

        Objects before a line that is none are returned; the next call, or `close`, raises.

        >>> decoder = LineDecoder()
        >>> decoder.feed(b'{"a": 1}\n{"b"'), decoder.feed(b": 2}\n")
        ([{'a': 1}], [{'b': 2}])
        """
        self._raise_if_broken()
        if b"\n" not in data:
            # Joined only when the line ends, so that a long line costs linear time.
            self._tail.append(data)
            return []
        *lines, rest = b"".join((*self._tail, data)).split(b"\n")
        self._tail = [rest] if rest else []
        return self._objects(lines)

    def close(self) -> list[Json]:
        """Return what stood behind the last newline: errors before the first line have none."""
        self._raise_if_broken()
        rest = b"".join(self._tail)
        self._tail = []
        return self._objects([rest])

    def _objects(self, lines: Iterable[bytes]) -> list[Json]:
        written = [line for line in lines if line and not line.isspace()]
        if len(written) > 1 and (together := _together(written)):
            return together
        objects: list[Json] = []
        try:
            objects.extend(map(_object, written))
        except errors.StreamBroken as exc:
            if not objects:
                raise
            self._broken = exc
        return objects

    def _raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken


def _together(lines: Sequence[bytes]) -> list[Json]:
    """Parse good lines as one array, in under half the time; empty where a line is not good."""
    try:
        values = json.loads((b"[" + b",".join(lines) + b"]").decode())
    except (ValueError, RecursionError):
        return []
    are_good = len(values) == len(lines) and all(type(value) is dict for value in values)
    return values if are_good else []


def _object(line: bytes) -> Json:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        shown = line[:60].decode("utf-8", "replace")
        raise errors.StreamBroken(
            f"The server sent something that is not Ollama's answer: {shown!r}.",
            hint="Check the host with: %ollama",
        )
    return value


def chunk(line: Mapping[str, Any], call: Call | None = None) -> Chunk:
    """Turn one object of a chat or generate stream into a `Chunk`.

    Raises
    ------
    OllamaLabError
        The line is an error report, which ends a stream of status 200.
    """
    if "error" in line:
        raise failure_in_stream(line, call)
    message = line.get("message") or {}
    done = bool(line.get("done"))
    return Chunk(
        content=message.get("content") or line.get("response") or "",
        thinking=message.get("thinking") or line.get("thinking") or "",
        # The last line of a native model carries all the calls; generate has them outside.
        tool_calls=_tool_calls(message.get("tool_calls") or line.get("tool_calls")),
        logprobs=tuple(line.get("logprobs") or ()),
        done=done,
        done_reason=line.get("done_reason") or "",
        stats=stats(line) if done else None,
        model=line.get("model") or "",
    )


def merged(lines: Iterable[Mapping[str, Any]], call: Call | None = None) -> Iterator[Chunk]:
    """Turn lines into chunks, runs of plain text into one chunk each.

    What carries more than text (thinking, tool calls, log probabilities, the last line, an
    error) keeps its place and its own chunk, so that no meaning is lost.
    """
    texts: list[str] = []
    for line in lines:
        if (text := _plain_text(line)) is not None:
            texts.append(text)
            continue
        if texts:
            yield Chunk("".join(texts), pieces=len(texts))
            texts = []
        yield chunk(line, call)
    if texts:
        yield Chunk("".join(texts), pieces=len(texts))


def _plain_text(line: Mapping[str, Any]) -> str | None:
    """Return the text of a line that holds nothing but text."""
    message = line.get("message")
    if line.get("done") is not False or message is None or "logprobs" in line or "error" in line:
        return None
    if "thinking" in message or "tool_calls" in message:
        return None
    text: str = message.get("content") or ""
    return text


def stats(line: Mapping[str, Any]) -> Stats:
    """Read the numbers of a last line; zeros are absent on the wire."""

    def seconds(key: str) -> float:
        return float(line.get(key) or 0) * _SECONDS_PER_NANOSECOND

    return Stats(
        total_seconds=seconds("total_duration"),
        load_seconds=seconds("load_duration"),
        prompt_eval_seconds=seconds("prompt_eval_duration"),
        eval_seconds=seconds("eval_duration"),
        prompt_tokens=int(line.get("prompt_eval_count") or 0),
        answer_tokens=int(line.get("eval_count") or 0),
    )


def progress(line: Mapping[str, Any], call: Call | None = None) -> PullProgress:
    """Turn one object of a pull, push or create stream into a `PullProgress`.

    Raises
    ------
    OllamaLabError
        The line is an error report: these come after the first line, under status 200.
    """
    if "error" in line:
        raise failure_in_stream(line, call)
    return PullProgress(
        status=str(line.get("status") or ""),
        digest=line.get("digest") or "",
        total_bytes=int(line.get("total") or 0),
        done_bytes=int(line.get("completed") or 0),
    )


def embeddings(reply: Mapping[str, Any]) -> list[list[float]]:
    """Return the vectors of an ``/api/embed`` reply, one a text, in the order of the texts."""
    return list(reply.get("embeddings") or ())


def _tool_calls(entries: Sequence[Mapping[str, Any]] | None) -> tuple[ToolCall, ...]:
    calls = []
    for entry in entries or ():
        function = entry.get("function") or {}
        arguments = function.get("arguments") or {}
        calls.append(ToolCall(function.get("name") or "", arguments, entry.get("id") or ""))
    return tuple(calls)
