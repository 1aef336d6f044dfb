"""Where a body of HTTP ends, told from its bytes. No I/O.

``is_complete`` says that the end came; ``needs_end`` that a connection which ends before it broke
off.
"""

from __future__ import annotations

import re

from ollama_lab import errors


class Plain:
    """A body of a stated length, or one that ends with the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.needs_end = length is not None

    @property
    def is_complete(self) -> bool:
        """Whether all of a stated length came."""
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        """Return the payload of the next bytes."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data


class Chunked:
    """The chunked coding of RFC 9112, section 7.1, on whatever bytes a read brings."""

    needs_end = True

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = b""
        self._left = 0
        self._owes_newline = False

    def feed(self, data: bytes) -> bytes:
        """Return the payload of the next bytes; what follows the last chunk is no payload."""
        if self.is_complete:
            return b""
        data = self._rest + data if self._rest else data
        pieces, at, size = [], 0, len(data)
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._owes_newline = not self._left
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                _check_length(data[at:])
                break
            line, at = data[at:end], end + 2
            if self._owes_newline:
                self._owes_newline = False
                continue
            self._left = _chunk_size(line)
            if not self._left:
                self.is_complete = True
                break
        self._rest = data[at:]
        return b"".join(pieces)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not _HEXADECIMAL.fullmatch(digits):
        raise _broken(line)
    return int(digits, 16)


#: As many digits as a 64-bit size has; Python would take signs and underscores, too.
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LONGEST_LINE_BYTES = 1 << 12


def _check_length(line: bytes) -> None:
    """Refuse a line without an end, which would be kept for ever."""
    if len(line) > _LONGEST_LINE_BYTES:
        raise _broken(line)


def _broken(line: bytes) -> errors.StreamBroken:
    return errors.StreamBroken(
        f"The server broke the rules of HTTP in mid-answer: {line[:20]!r}.",
        hint="Is there a proxy between?",
    )
