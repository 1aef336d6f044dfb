"""Byte-level BPE, small and free of dependencies: what GGUF calls a ``gpt2`` tokenizer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Pair = tuple[str, str]

# GPT-2's split, for ASCII: an optional blank and a run of letters, of digits or of other
# visible characters; white space stands alone, minus the last blank in front of a word.
_SPLIT = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
_BYTES = 256


def _byte_alphabet() -> dict[int, str]:
    """Return GPT-2's table: every byte as a character that can be seen."""
    visible = [*range(33, 127), *range(161, 173), *range(174, _BYTES)]
    table = {byte: chr(byte) for byte in visible}
    others = [byte for byte in range(_BYTES) if byte not in table]
    return table | {byte: chr(_BYTES + place) for place, byte in enumerate(others)}


ALPHABET = _byte_alphabet()
_BACK = {letter: byte for byte, letter in ALPHABET.items()}


class Tokenizer:
    """Text to token ids and back.

    Parameters
    ----------
    tokens : sequence of str
        Special ones first, then the bytes, then what the merges make.
    merges : sequence of pairs
        In the order in which they apply.
    specials : sequence of str
        Tokens that are never split.
    """

    def __init__(
        self, tokens: Sequence[str], merges: Sequence[Pair], specials: Sequence[str]
    ) -> None:
        self.tokens = list(tokens)
        self.merges = list(merges)
        self.specials = list(specials)
        self._ids = {token: place for place, token in enumerate(tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._known: dict[str, list[int]] = {}
        self._special = re.compile("(" + "|".join(map(re.escape, specials)) + ")")

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; special tokens are recognized in it."""
        ids: list[int] = []
        for part in self._special.split(text):
            if part in self.specials:
                ids.append(self._ids[part])
            else:
                ids += [one for word in _words(part) for one in self._word(word)]
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of some ids."""
        raw = bytearray()
        for one in ids:
            token = self.tokens[one]
            special = token in self.specials
            raw += token.encode() if special else bytes(_BACK[letter] for letter in token)
        return raw.decode("utf-8", "replace")

    def _word(self, word: str) -> list[int]:
        if word not in self._known:
            self._known[word] = [self._ids[part] for part in self._merged(word)]
        return self._known[word]

    def _merged(self, word: str) -> list[str]:
        parts = list(word)
        while len(parts) > 1:
            rank, place = min(
                (self._ranks.get(pair, len(self._ranks)), place)
                for place, pair in enumerate(pairwise(parts))
            )
            if rank == len(self._ranks):
                break
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts


def train(texts: Iterable[str], size: int, specials: Sequence[str]) -> Tokenizer:
    """Learn a tokenizer with at most `size` tokens, always the same for the same texts."""
    counts = Counter(word for text in texts for word in _words(text))
    words = [list(word) for word in counts]
    often = list(counts.values())
    pairs: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, word in enumerate(words):
        _count(pairwise(word), often[place], place, pairs, places)
    tokens = [*specials, *(ALPHABET[byte] for byte in range(_BYTES))]
    merges: list[Pair] = []
    while len(tokens) < size and pairs:
        best, times = max(pairs.items(), key=lambda item: (item[1], item[0]))
        if times < 2:  # noqa: PLR2004 (what occurs once is not worth a token)
            break
        merges.append(best)
        tokens.append("".join(best))
        for place in list(places[best]):
            for pair in pairwise(words[place]):
                pairs[pair] -= often[place]
                places[pair].discard(place)
            words[place] = _join(words[place], best)
            _count(pairwise(words[place]), often[place], place, pairs, places)
        pairs = +pairs
    return Tokenizer(tokens, merges, specials)


def _count(
    found: Iterable[Pair],
    times: int,
    place: int,
    pairs: Counter[Pair],
    places: defaultdict[Pair, set[int]],
) -> None:
    for pair in found:
        pairs[pair] += times
        places[pair].add(place)


def _join(word: list[str], pair: Pair) -> list[str]:
    joined: list[str] = []
    place = 0
    while place < len(word):
        both = tuple(word[place : place + 2]) == pair
        joined.append("".join(pair) if both else word[place])
        place += 2 if both else 1
    return joined


def _words(text: str) -> list[str]:
    found = _SPLIT.findall(text)
    return ["".join(ALPHABET[byte] for byte in word.encode()) for word in found]
