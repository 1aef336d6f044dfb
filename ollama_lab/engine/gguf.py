"""What the header of a GGUF file says, read with the standard library only.

Long arrays (vocabularies) are counted, not read, so a file with 150,000 tokens costs a few tens
of milliseconds.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Value types of the format (ggml's docs/gguf.md).
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_FLOAT32, _STRING, _ARRAY = 6, 8, 9
_U32, _U64 = _SCALARS[4], _SCALARS[10]
_FLOAT32_DIGITS = range(6, 10)

# llama_ftype, by the names people know; Ollama says "unknown" for plain F32.
_FILE_TYPES = (
    {1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K"}
    | {11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S"}
    | {17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS"}
    | {23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S"}
    | {29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4"}
)
_TENSOR_TYPES = (
    {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1"}
    | {10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 30: "BF16"}
    | {16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S"}
    | {22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64"}
    | {29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"}
)

# Bounds that no real file reaches; beyond them the header is noise.
_MOST_KEYS, _MOST_TENSORS, _MOST_DIMENSIONS, _LONGEST_STRING = 1 << 20, 1 << 24, 8, 1 << 27
_DEEPEST_ARRAY = 2


@dataclass(frozen=True, slots=True)
class LongArray:
    """Stands for an array that was not read: only its length is known."""

    length: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's entry in the header; ``shape`` as stored, fastest dimension first."""

    name: str
    shape: tuple[int, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Header:
    """All keys and tensor entries of a GGUF file."""

    values: Mapping[str, Any]
    tensors: tuple[Tensor, ...]

    @property
    def architecture(self) -> str:
        """The model family, such as ``llama``."""
        return str(self.values.get("general.architecture", "unknown"))

    def of_architecture(self, key: str, default: Any = None) -> Any:
        """Value of ``<architecture>.<key>``."""
        return self.values.get(f"{self.architecture}.{key}", default)

    @property
    def parameter_count(self) -> int:
        """Number of weights."""
        return sum(prod(tensor.shape) for tensor in self.tensors)

    @property
    def quantization(self) -> str:
        """Such as ``Q4_K_M``; ``unknown`` where Ollama has no name for it."""
        return _FILE_TYPES.get(self.values.get("general.file_type", -1), "unknown")

    @property
    def chat_template(self) -> str:
        """The Jinja template inside the file, or ``""``."""
        return str(self.values.get("tokenizer.chat_template") or "")

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens, 0 when the file has no tokenizer."""
        tokens = self.values.get("tokenizer.ggml.tokens", ())
        return tokens.length if isinstance(tokens, LongArray) else len(tokens)


def read(path: Path, *, longest_array: int = 5) -> Header:
    """Read the header of a GGUF file.

    Parameters
    ----------
    path : Path
        The file.
    longest_array : int
        Arrays with more items become a `LongArray`; Ollama's ``show`` leaves out those above 5.

    Raises
    ------
    EngineError
        Status 400: no GGUF file, an unknown version, or a broken header.
    """
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise EngineError("supplied file was not in GGUF format", 400)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _Reader(data, longest_array).header()
            except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
                raise _broken(str(error)) from None


def _broken(why: str) -> EngineError:
    return EngineError(f"the GGUF header is broken ({why}); download the file again", 400)


class _Reader:
    """Walks over the bytes of a header."""

    def __init__(self, data: mmap.mmap, longest_array: int) -> None:
        self._data = data
        self._longest_array = longest_array
        self._at = 4

    def header(self) -> Header:
        version = self._scalar(_U32)
        if version not in (2, 3):
            raise EngineError(f"GGUF version {version} is not supported; versions 2 and 3 are", 400)
        tensors, keys = self._scalar(_U64), self._scalar(_U64)
        if keys > _MOST_KEYS or tensors > _MOST_TENSORS:
            raise _broken("implausible counts")
        values = {}
        for _ in range(keys):
            key = self._string()
            values[key] = self._value(self._scalar(_U32))
        return Header(values, tuple(self._tensor() for _ in range(tensors)))

    def _scalar(self, form: struct.Struct) -> Any:
        (value,) = form.unpack_from(self._data, self._at)
        self._at += form.size
        return value

    def _skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise _broken("it ends too early")

    def _string(self) -> str:
        size = self._scalar(_U64)
        if size > _LONGEST_STRING:
            raise _broken("a string is too long")
        start = self._at
        self._skip(size)
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(depth)
        if kind not in _SCALARS:
            raise _broken(f"value type {kind}")
        value = self._scalar(_SCALARS[kind])
        return _shortest(value) if kind == _FLOAT32 else value

    def _array(self, depth: int) -> Any:
        kind, length = self._scalar(_U32), self._scalar(_U64)
        if depth >= _DEEPEST_ARRAY:
            raise _broken("arrays are nested too deep")
        if length <= self._longest_array:
            return [self._value(kind, depth + 1) for _ in range(length)]
        if kind in _SCALARS:
            self._skip(length * _SCALARS[kind].size)
        else:
            self._skip_items(kind, length, depth)
        return LongArray(length)

    def _skip_items(self, kind: int, length: int, depth: int) -> None:
        if kind != _STRING:
            for _ in range(length):
                self._value(kind, depth + 1)
            return
        # A vocabulary: half a million turns of this loop, so nothing else stands in it.
        at, data, size_at = self._at, self._data, _U64.unpack_from
        for _ in range(length):
            at += _U64.size + size_at(data, at)[0]
        self._at = at
        self._skip(0)

    def _tensor(self) -> Tensor:
        name, dimensions = self._string(), self._scalar(_U32)
        if dimensions > _MOST_DIMENSIONS:
            raise _broken("a tensor has too many dimensions")
        shape = tuple(self._scalar(_U64) for _ in range(dimensions))
        kind, _offset = self._scalar(_U32), self._scalar(_U64)
        return Tensor(name, shape, _TENSOR_TYPES.get(kind, str(kind)))


def _shortest(value: float) -> float:
    """Give a 32-bit float the few digits it stands for, as Go writes it.

    >>> _shortest(9.999999747378752e-06)
    1e-05
    """
    for digits in _FLOAT32_DIGITS:
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", value):
                return short
        except OverflowError:
            continue
    return value


def human_count(number: int) -> str:
    """Write a number of weights as Ollama does.

    >>> human_count(122944), human_count(28_720_000), human_count(7_000_000_000)
    ('123K', '28.72M', '7.0B')
    """
    for unit, size, digits in (("B", 10**9, 1), ("M", 10**6, 2), ("K", 10**3, 0)):
        if number >= size:
            return f"{number / size:.{digits}f}{unit}"
    return str(number)
