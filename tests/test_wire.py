"""Every recorded answer, and those we wrote after older servers and proxies, decodes as it should."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
import wire_cases

from ollama_lab import errors, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wire_cases import Case

STREAMS = wire_cases.names("answer", "progress")


def call_of(case: Case) -> wire.Call:
    """Make the call that was recorded."""
    body = case.request if isinstance(case.request, dict) else None
    options = (body or {}).get("options") or {}
    model = (body or {}).get("model") or (body or {}).get("source") or ""
    return wire.Call(case.method, case.path, body, model, int(options.get("num_ctx") or 0))


def lines_of(pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    """Decode bytes that come in pieces."""
    decoder = wire.LineDecoder()
    lines = [line for piece in pieces for line in decoder.feed(piece)]
    return lines + decoder.close()


def good_lines(case: Case) -> list[dict[str, Any]]:
    """Decode a case up to a line that is none and up to an error."""
    lines, _ = decoded([case.body])
    return [line for line in lines if "error" not in line]


def chunks_of(case: Case) -> list[wire.Chunk]:
    """Decode an answer up to its error."""
    return [wire.chunk(line, call_of(case)) for line in good_lines(case)]


def read_to_the_end(case: Case) -> None:
    """Decode a stream; its error travels out."""
    for line in lines_of([case.body]):
        wire.chunk(line, call_of(case))


def cuts(body: bytes, seed: int) -> list[bytes]:
    """Cut bytes at random places, the same for the same seed."""
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randrange(1, 40)))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


@pytest.mark.parametrize("name", wire_cases.names("answer"))
def test_an_answer_has_the_right_words(name: str) -> None:
    case = wire_cases.load(name)

    chunks = chunks_of(case)

    assert "".join(chunk.content for chunk in chunks) == case.expected["content"]
    assert "".join(chunk.thinking for chunk in chunks) == case.expected["thinking"]
    assert sum(len(chunk.logprobs) for chunk in chunks) == case.expected["logprobs"]
    assert len(chunks) == case.expected["chunks"]


@pytest.mark.parametrize("name", wire_cases.names("answer"))
def test_an_answer_has_the_right_tool_calls(name: str) -> None:
    case = wire_cases.load(name)

    calls = [call for chunk in chunks_of(case) for call in chunk.tool_calls]

    got = [{"name": call.name, "arguments": dict(call.arguments), "id": call.id} for call in calls]
    assert got == case.expected["tool_calls"]
    # The order of the arguments is the model's.
    assert json.dumps(got) == json.dumps(case.expected["tool_calls"])


@pytest.mark.parametrize("name", wire_cases.names("answer"))
def test_an_answer_has_the_right_end(name: str) -> None:
    case = wire_cases.load(name)

    last = [wire.Chunk(), *chunks_of(case)][-1]

    stats = last.stats or wire.Stats()
    seconds = {
        "total": stats.total_seconds,
        "load": stats.load_seconds,
        "prompt_eval": stats.prompt_eval_seconds,
        "eval": stats.eval_seconds,
    }
    assert last.done == case.expected["is_done"]
    assert last.done_reason == case.expected["done_reason"]
    assert stats.prompt_tokens == case.expected["prompt_tokens"]
    assert stats.answer_tokens == case.expected["answer_tokens"]
    assert seconds == pytest.approx(case.expected["seconds"])


@pytest.mark.parametrize("field", ["content", "thinking"])
@pytest.mark.parametrize("name", wire_cases.names("answer"))
def test_merging_lines_keeps_every_word(name: str, field: str) -> None:
    one_by_one, merged = both_ways(wire_cases.load(name))

    assert "".join(getattr(c, field) for c in merged) == "".join(
        getattr(c, field) for c in one_by_one
    )


@pytest.mark.parametrize("name", wire_cases.names("answer"))
def test_merging_lines_loses_no_meaning(name: str) -> None:
    one_by_one, merged = both_ways(wire_cases.load(name))

    assert meanings(merged) == meanings(one_by_one)
    assert sum(chunk.pieces for chunk in merged) == len(one_by_one)


def both_ways(case: Case) -> tuple[list[wire.Chunk], list[wire.Chunk]]:
    """Decode an answer line by line, and with runs of plain text merged."""
    return chunks_of(case), list(wire.merged(good_lines(case), call_of(case)))


def meanings(chunks: Iterable[wire.Chunk]) -> list[Any]:
    """Give what chunks say beside their text, in order."""
    return [
        (chunk.tool_calls, chunk.logprobs, chunk.done, chunk.done_reason, chunk.stats)
        for chunk in chunks
        if chunk.tool_calls or chunk.logprobs or chunk.done
    ]


@pytest.mark.parametrize("name", wire_cases.names("progress"))
def test_progress_has_the_right_figures(name: str) -> None:
    case = wire_cases.load(name)
    lines = [line for line in lines_of([case.body]) if "error" not in line]

    steps = [wire.progress(line, call_of(case)) for line in lines]

    layers = {step.digest: [step.done_bytes, step.total_bytes] for step in steps if step.digest}
    statuses = [step.status for step in steps]
    distinct = [
        now for now, before in zip(statuses, ["", *statuses], strict=False) if now != before
    ]
    assert len(steps) == case.expected["lines"]
    assert distinct == case.expected["statuses"]
    assert layers == case.expected["layers"]
    assert steps[-1].is_success == case.expected["is_success"]


@pytest.mark.parametrize("name", wire_cases.names("failure"))
def test_a_refusal_becomes_the_right_error(name: str) -> None:
    case = wire_cases.load(name)
    assert case.status is not None

    error = wire.failure(call_of(case), case.status, case.body, content_type=case.content_type)

    assert_says(error, case)


@pytest.mark.parametrize("name", [n for n in STREAMS if "error" in wire_cases.load(n).expected])
def test_a_stream_that_goes_wrong_ends_in_the_right_error(name: str) -> None:
    case = wire_cases.load(name)

    with pytest.raises(errors.OllamaLabError) as caught:
        read_to_the_end(case)

    assert_says(caught.value, case)


def assert_says(error: errors.OllamaLabError, case: Case) -> None:
    """Check class, words and tone of an error."""
    text = str(error)
    assert type(error).__name__ == case.expected["error"], text
    for words in case.expected["says"]:
        assert words in text
    assert "\n" not in text
    assert len(text) < 600
    assert error.message[-1] in ".…"
    assert not [
        word for word in ("please", "failed to ", "None", "!.") if word in error.hint.lower()
    ]


@pytest.mark.parametrize("name", wire_cases.names("vectors"))
def test_vectors_come_in_order(name: str) -> None:
    case = wire_cases.load(name)

    [reply] = lines_of([case.body])

    assert wire.embeddings(reply) == case.expected["vectors"]


@pytest.mark.parametrize("name", wire_cases.names("object"))
def test_a_single_object_is_decoded(name: str) -> None:
    case = wire_cases.load(name)

    assert lines_of([case.body]) == [case.expected["object"]]


@pytest.mark.parametrize("name", wire_cases.names("empty", "nothing", "missing"))
def test_an_empty_body_is_no_line(name: str) -> None:
    assert lines_of([wire_cases.load(name).body]) == []


@pytest.mark.parametrize("name", [n for n in STREAMS if wire_cases.load(n).body])
@pytest.mark.parametrize("seed", range(5))
def test_any_cut_of_the_bytes_gives_the_same_lines(name: str, seed: int) -> None:
    body = wire_cases.load(name).body

    assert decoded(cuts(body, seed)) == decoded([body])


def decoded(pieces: Iterable[bytes]) -> tuple[list[dict[str, Any]], str]:
    """Give the lines of a body that comes in pieces, and the sentence of what broke it."""
    decoder, lines = wire.LineDecoder(), []
    try:
        for piece in pieces:
            lines += decoder.feed(piece)
        lines += decoder.close()
    except errors.StreamBroken as exc:
        return lines, str(exc)
    return lines, ""


@pytest.mark.parametrize("name", ["chat-stream-unicode", "own-u0085-u2028-raw", "own-crlf"])
def test_one_byte_at_a_time_gives_the_same_lines(name: str) -> None:
    body = wire_cases.load(name).body

    assert lines_of(body[at : at + 1] for at in range(len(body))) == lines_of([body])


def test_a_line_of_a_megabyte_is_one_chunk() -> None:
    line = {"message": {"content": "x" * 1_000_000}, "done": False}
    body = json.dumps(line).encode() + b"\n"

    [decoded] = lines_of(body[at : at + 4096] for at in range(0, len(body), 4096))

    assert len(wire.chunk(decoded).content) == 1_000_000


def test_a_line_in_many_pieces_takes_linear_time() -> None:
    decoder = wire.LineDecoder()

    pieces = [decoder.feed(piece) for piece in (b'{"a":"', *([b"x"] * 200_000), b'"}')]

    assert not any(pieces)
    assert len(decoder.feed(b"\n")[0]["a"]) == 200_000


def test_lines_before_a_broken_one_are_kept() -> None:
    decoder = wire.LineDecoder()

    kept = decoder.feed(b'{"a":1}\n<html>\n{"b":2}\n')

    assert kept == [{"a": 1}]
    with pytest.raises(errors.StreamBroken, match="<html>"):
        decoder.close()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":1},{"b":2}\n{"c":3}\n', id="two objects in a line"),
        pytest.param(b'[{"a":1}\n{"b":2}]\n', id="an array over two lines"),
        pytest.param(b'{"a":"x\ny"}\n{"b":2}\n', id="a newline in a string"),
        pytest.param(b'1\n{"b":2}\n', id="a number"),
        pytest.param(b"[" * 100_000 + b"\n", id="too deep"),
        pytest.param(b'{"a":"\xff"}\n{"b":2}\n', id="no UTF-8"),
    ],
)
def test_a_line_that_is_no_object_breaks_the_stream_though_others_follow(body: bytes) -> None:
    with pytest.raises(errors.StreamBroken):
        wire.LineDecoder().feed(body)


def test_a_capability_is_not_read_out_of_a_models_name() -> None:
    error = wire.failure(
        wire.show("qwen3-thinking"),
        400,
        b'{"error":"registry.ollama.ai/library/qwen3-thinking:latest does not support tools"}',
    )

    assert error.message == "Model 'qwen3-thinking' cannot call tools."


def test_a_call_body_takes_a_lone_surrogate() -> None:
    call = wire.generate("tiny", "half \ud83d a character")

    assert json.loads(call.content())["prompt"] == "half \ufffd a character"


def test_a_call_keeps_whole_characters() -> None:
    call = wire.generate("tiny", "whole 😀 é \x85")

    assert json.loads(call.content())["prompt"] == "whole 😀 é \x85"


def test_every_generation_is_streamed() -> None:
    calls = [
        wire.chat("tiny", []),
        wire.generate("tiny", "x"),
        wire.pull("tiny"),
        wire.create("tiny"),
    ]

    assert [(call.body or {})["stream"] for call in calls] == [True] * 4


def test_shift_is_never_sent() -> None:
    call = wire.chat("tiny", [], truncate=False, options={"num_ctx": 512}, keep_alive=0)

    assert set(call.body or {}) == {
        "model",
        "messages",
        "truncate",
        "options",
        "keep_alive",
        "stream",
    }


def test_keep_alive_zero_is_sent() -> None:
    assert (wire.unload("tiny").body or {})["keep_alive"] == 0


def test_a_short_answer_has_no_rate() -> None:
    stats = wire.Stats(answer_tokens=1, eval_seconds=0.000001)

    assert stats.tokens_per_second is None


def test_queue_time_is_what_no_other_field_covers() -> None:
    stats = wire.Stats(total_seconds=5, load_seconds=1, prompt_eval_seconds=1, eval_seconds=1)

    assert stats.queue_seconds == 2
