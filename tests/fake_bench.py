"""Answers steered by the model's name, for benchmarks whose client lets one choose nothing else.

``bench-n2000-r200-d150-k30`` is 2,000 tokens at 200 a second, the first after 150 ms, 30 tokens of
thinking in front; ``-xmid`` cuts the connection half-way, ``-xerr`` puts an error line there and
``-xhang`` stalls there for ever. Every answer begins with ZQSTART and ends with ZQEND, which is how
a reader knows that the first and the last token became visible.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fake_steps import Burst, Cut, ErrorLine, Pace, Text, Thinking, Wait, go_json
from fake_wire import answer_line

if TYPE_CHECKING:
    from fake_steps import Step

_NAME = re.compile(r"bench((?:-[a-z]+[0-9]*)+)$")
_SYLLABLES = "ta re mo lin ku ser pa dor ni vel ga tion ex um qi".split()  # noqa: SIM905 (reads better)
# Where in every 97 tokens a piece of Markdown stands.
_MARKDOWN = {
    20: ".\n\n## ",
    40: ":\n\n- ",
    44: "\n- ",
    48: "\n- ",
    60: "\n\n```python\n",
    72: "\n```\n\n",
}


@dataclass(frozen=True, slots=True)
class Knobs:
    """What a benchmark model's name asks for."""

    tokens: int = 2000
    rate: int = 0
    delay_ms: int = 0
    thinking: int = 0
    end: str = ""


def is_bench_model(name: str) -> bool:
    """Whether a name steers its own answer."""
    return _NAME.match(name.partition(":")[0]) is not None


def knobs(name: str) -> Knobs:
    """Read a benchmark model's name.

    >>> knobs("bench-n50-r20-xerr:latest")
    Knobs(tokens=50, rate=20, delay_ms=0, thinking=0, end='err')
    """
    match = _NAME.match(name.partition(":")[0])
    parts = match[1].strip("-").split("-") if match else []
    number = {part[0]: int(part[1:]) for part in parts if part[1:].isdigit()}
    end = next((part[1:] for part in parts if part[0] == "x"), "")
    return Knobs(
        tokens=number.get("n", 2000),
        rate=number.get("r", 0),
        delay_ms=number.get("d", 0),
        thinking=number.get("k", 0),
        end=end,
    )


@lru_cache(maxsize=8)
def words(count: int, seed: int = 7) -> tuple[str, ...]:
    """Give the same tokens every time, about 4.5 characters each, with Markdown in them."""
    chance = random.Random(seed)
    out = ["ZQSTART"]
    for position in range(1, count - 1):
        place = position % 97
        if place in _MARKDOWN:
            out.append(_MARKDOWN[place])
        elif place % 11 == 0:
            out.append(", ")
        elif place % 3:
            out.append(f" {chance.choice(_SYLLABLES)}{chance.choice(_SYLLABLES)}")
        else:
            out.append(chance.choice(_SYLLABLES))
    return (*out, " ZQEND")[: max(count, 1)]


@lru_cache(maxsize=32)
def _token_lines(path: str, name: str, count: int) -> tuple[bytes, ...]:
    """Encode once: in a burst the sender must not be what is measured."""
    return tuple(go_json(answer_line(path, name, Text(word))) + b"\n" for word in words(count))


def bench_steps(path: str, name: str, *, streams: bool) -> list[Step]:
    """Write the script a benchmark model's name asks for."""
    ask = knobs(name)
    thoughts: list[Step] = [Thinking(" so")] * ask.thinking
    if streams and not ask.rate and not ask.end:
        lines = _token_lines(path, name, ask.tokens)
        return [Wait(ask.delay_ms / 1000), *thoughts, Burst(lines)]
    tokens: list[Step] = [Text(word) for word in words(ask.tokens)]
    endings: dict[str, Step] = {
        "mid": Cut(),
        "err": ErrorLine("model runner has unexpectedly stopped"),
        "hang": Wait(),
    }
    if ask.end in endings:
        tokens = [*tokens[: len(tokens) // 2], endings[ask.end]]
    return [Wait(ask.delay_ms / 1000), Pace(ask.rate), *thoughts, *tokens]
