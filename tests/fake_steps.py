"""What a scripted answer is made of: one small value for each thing a server may do.

A script is a list of steps. It says only where it departs from the normal: status line, headers,
the last line with its counts and the end of the body come by themselves.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, one line on the wire."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the thinking, one line on the wire."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Complete tool calls, one line on the wire: ``{"name": ..., "arguments": {...}}`` each."""

    calls: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Done:
    """The last line of an answer; `fields` are added to it, a None takes one away."""

    reason: str = "stop"
    fields: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """One HTTP chunk: bytes as they are, anything else as one line of JSON."""

    data: Any


@dataclass(frozen=True, slots=True)
class Burst:
    """Many lines encoded before, a chunk and a write each, as fast as the socket takes them."""

    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Drip:
    """Bytes in chunks of `every`, so that lines and characters are split."""

    data: bytes
    every: int = 1
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HugeLine:
    """One line whose text alone has this many bytes."""

    size_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that are no JSON where a line should be."""

    data: bytes = b"\x00\xff<garbage>\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """From here on this many lines a second; 0 means as fast as the socket takes them."""

    rate: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing for this long; None means until the client hangs up."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """An answer that never ends: pieces at this rate until the client hangs up."""

    rate: float = 200.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection without the end of the body, as a killed server does."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Close the connection with a TCP reset."""


@dataclass(frozen=True, slots=True)
class EndWithoutDone:
    """End the body properly, but without its last line (Ollama's guard against repeats)."""


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A last line that is an error; as the first step this is what servers before 0.12.6 do."""

    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """A whole answer that is no stream: text and bytes as they are, anything else as JSON."""

    code: int
    body: Any = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Step = (
    Text
    | Thinking
    | ToolCalls
    | Done
    | Send
    | Burst
    | Drip
    | HugeLine
    | Garbage
    | Pace
    | Wait
    | Never
    | Cut
    | Reset
    | EndWithoutDone
    | ErrorLine
    | Status
)

# What Go's encoder escapes although JSON does not ask for it. U+0085 is not among them.
_GO_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def go_json(value: Any) -> bytes:
    r"""Encode as Ollama does; a lone surrogate stands as an escape, as a broken proxy would send it.

    >>> go_json({"a": "<b>\x85é"})
    b'{"a":"\\u003cb\\u003e\xc2\x85\xc3\xa9"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)
    return _LONE_SURROGATES.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text).encode()


def http_chunk(data: bytes) -> bytes:
    """Frame bytes as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def pieces(text: str) -> list[str]:
    """Cut a text into token-like pieces that join to the same text.

    >>> pieces("Hello big\\n world")
    ['Hello', ' big', '\\n world']
    """
    return re.findall(r"\s*\S+|\s+$", text)
