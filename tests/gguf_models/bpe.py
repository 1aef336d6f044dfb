"""Byte-level BPE, small: enough to give a test model a real GPT-2 tokenizer."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Pair = tuple[str, str]
_WORDS = re.compile(
    r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+", re.UNICODE
)


def _byte_alphabet() -> dict[int, str]:
    """Return GPT-2's reversible table from bytes to printable characters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        table.setdefault(byte, chr(256 + len(table) - len(printable)))
    return table


CHARACTER_OF_BYTE = _byte_alphabet()
BYTE_OF_CHARACTER = {character: byte for byte, character in CHARACTER_OF_BYTE.items()}


def spell(data: bytes) -> str:
    """Write bytes as a tokenizer's vocabulary does."""
    return "".join(CHARACTER_OF_BYTE[byte] for byte in data)


def train(
    texts: Iterable[str], vocabulary_size: int, specials: Sequence[str]
) -> tuple[list[str], list[Pair]]:
    """Return tokens (specials, then the 256 bytes, then what was merged) and merges."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(spell(word.encode()) for word in _WORDS.findall(text))
    words = _Words(counts)
    tokens = [*specials, *(CHARACTER_OF_BYTE[byte] for byte in range(256))]
    merges: list[Pair] = []
    while len(tokens) < vocabulary_size and (pair := words.best_pair()):
        merges.append(pair)
        tokens.append("".join(pair))
        words.merge(pair)
    return tokens, merges


class _Words:
    """The words of the corpus as lists of tokens, and how often each pair occurs."""

    def __init__(self, counts: Counter[str]) -> None:
        self._words = [list(word) for word in counts]
        self._counts = list(counts.values())
        self._pairs: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self._words)):
            self._count(index, 1)

    def best_pair(self) -> Pair | None:
        pair, count = max(self._pairs.items(), key=lambda item: (item[1], item[0]))
        return pair if count > 1 else None

    def merge(self, pair: Pair) -> None:
        for index in list(self._where[pair]):
            self._count(index, -1)
            self._words[index] = _merged(self._words[index], pair)
            self._count(index, 1)
        self._pairs = Counter({pair: count for pair, count in self._pairs.items() if count > 0})

    def _count(self, index: int, sign: int) -> None:
        word = self._words[index]
        for pair in itertools.pairwise(word):
            self._pairs[pair] += sign * self._counts[index]
            (self._where[pair].add if sign > 0 else self._where[pair].discard)(index)


def _merged(word: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for token in word:
        if merged and (merged[-1], token) == pair:
            merged[-1] += token
        else:
            merged.append(token)
    return merged
