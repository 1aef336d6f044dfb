from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from ollama_lab.engine import gguf
from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine


@pytest.fixture
def model() -> Path:
    from gguf_models import shelf

    return shelf.path("tiny")


def test_the_header_says_what_the_model_is(model: Path) -> None:
    header = gguf.read(model)

    assert header.architecture == "llama"
    assert header.of_architecture("context_length") == 2048
    assert header.parameter_count == 122_944
    assert header.quantization == "unknown"
    assert header.vocabulary_size == 382
    assert "<|im_start|>" in header.chat_template


def test_long_arrays_are_counted_and_not_read(model: Path) -> None:
    assert gguf.read(model).values["tokenizer.ggml.tokens"] == gguf.LongArray(382)


def test_long_arrays_are_read_where_they_are_wanted(model: Path) -> None:
    tokens = gguf.read(model, longest_array=1000).values["tokenizer.ggml.tokens"]

    assert tokens[0] == "<|endoftext|>"
    assert len(tokens) == 382


def test_a_float_has_the_few_digits_it_stands_for(model: Path) -> None:
    assert gguf.read(model).of_architecture("attention.layer_norm_rms_epsilon") == 1e-5


def test_tensors_have_name_shape_and_type(model: Path) -> None:
    first = next(one for one in gguf.read(model).tensors if one.name == "blk.0.attn_k.weight")

    assert (first.shape, first.type) == ((64, 32), "F32")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "supplied file was not in GGUF format", id="empty"),
        pytest.param(b"PK\x03\x04" + bytes(64), "supplied file was not in GGUF format", id="zip"),
        pytest.param(b"GGUF" + bytes(40), "GGUF version 0 is not supported", id="version"),
        pytest.param(b"GGUF\x03\0\0\0", "the GGUF header is broken", id="cut"),
        pytest.param(
            b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40), "implausible counts", id="many-keys"
        ),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "a string is too long", id="long-key"
        ),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**50),
            "it ends too early",
            id="endless-array",
        ),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 99),
            "value type 99",
            id="unknown-type",
        ),
    ],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)

    with pytest.raises(EngineError, match=words):
        gguf.read(path)


@pytest.mark.parametrize("seed", range(40))
def test_any_damage_is_an_error_in_words_or_none(model: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(model.read_bytes()[:20_000])
    for _ in range(5):
        data[chance.randrange(4, len(data))] = chance.randrange(256)
    path = tmp_path / "model.gguf"
    path.write_bytes(data)

    try:
        header = gguf.read(path)
    except EngineError as error:
        assert error.message  # noqa: PT017 (either outcome is right; a crash is not)
    else:
        assert header.tensors is not None
