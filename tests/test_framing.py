"""Where a body ends: of a length, to the end of the connection, chunked."""

from __future__ import annotations

import random

import pytest
from fake_steps import http_chunk

from ollama_lab.errors import StreamBroken
from ollama_lab.framing import Chunked, Plain

PIECES = [b"{}\n", b"x" * 5000, b"\r\n\r\n", b"0\r\n\r\n", bytes(range(256)), b"\n"]
BODY = b"".join(map(http_chunk, PIECES)) + b"0\r\n\r\n"


def fed(body: Chunked | Plain, parts: list[bytes]) -> bytes:
    return b"".join(body.feed(part) for part in parts)


def cuts(data: bytes, seed: int) -> list[bytes]:
    """Cut bytes at random places, the same for the same seed."""
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 60)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize("seed", range(40))
def test_a_chunked_body_may_be_cut_anywhere(seed: int) -> None:
    body = Chunked()

    assert fed(body, cuts(BODY, seed)) == b"".join(PIECES)
    assert body.is_complete


def test_a_chunked_body_may_come_byte_by_byte() -> None:
    body = Chunked()

    assert fed(body, [bytes([byte]) for byte in BODY]) == b"".join(PIECES)
    assert body.is_complete


def test_a_chunked_body_is_incomplete_without_its_last_chunk() -> None:
    body = Chunked()

    fed(body, [BODY[: -len(b"0\r\n\r\n")]])

    assert body.needs_end
    assert not body.is_complete


def test_extensions_and_trailers_are_passed_over() -> None:
    body = Chunked()

    assert fed(body, [b'3;name="v"\r\nabc\r\n3 \r\ndef\r\n0;x\r\nX-Sum: 1\r\n\r\n']) == b"abcdef"
    assert body.is_complete


@pytest.mark.parametrize(
    "size", [b"", b"zz", b"-5", b"+5", b"0x5", b"1_0", b"\xd9\xa3", b"f" * 17, b"<html>"]
)
def test_a_size_that_is_none_is_named(size: bytes) -> None:
    with pytest.raises(StreamBroken, match="broke the rules of HTTP") as caught:
        Chunked().feed(size + b"\r\nabcde\r\n")

    assert caught.value.hint == "Is there a proxy between?"


def test_a_size_without_an_end_is_not_kept_for_ever() -> None:
    body = Chunked()

    with pytest.raises(StreamBroken, match="broke the rules of HTTP"):
        fed(body, [b"1" * 1000] * 10)


def test_a_body_of_a_length_ends_there() -> None:
    body = Plain(5)

    assert fed(body, [b"abc", b"defgh"]) == b"abcde"
    assert body.is_complete
    assert body.needs_end


def test_a_body_of_a_length_is_incomplete_before() -> None:
    body = Plain(5)

    body.feed(b"abcd")

    assert not body.is_complete


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    body = Plain(None)

    assert fed(body, [b"abc", b"def"]) == b"abcdef"
    assert not body.is_complete
    assert not body.needs_end
