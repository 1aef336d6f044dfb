"""Puts one contestant through everything that is measured."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probe import Measured, bare_socket, measure

from live_kernel import Kernel  # isort: skip (testbed makes the tests importable)

if TYPE_CHECKING:
    from collections.abc import Callable

    from contestants import Contestant

TOKENS = 2000
BURST, PACED, FAST = f"bench-n{TOKENS}", f"bench-n{TOKENS}-r200", f"bench-n{TOKENS}-r1000"
COLD, SHORT, WAITING = "bench-n20", "bench-n20-r200-d50", "bench-n20-d5000"
BROKEN, MISSING = "bench-n200-xerr", "missing"
#: What the server must list: a client may look before it asks.
MODELS = (BURST, PACED, FAST, COLD, SHORT, WAITING, BROKEN)
LIMIT_SECONDS = 120
#: Bursts of ours: a fixed number, so that nothing stops when the figure pleases.
BURSTS = 30


@dataclass
class Score:
    """Everything measured of one contestant."""

    contestant: Contestant
    first: list[Measured] = field(default_factory=list)
    burst: list[Measured] = field(default_factory=list)
    floor: list[tuple[float, float]] = field(default_factory=list)
    paced: list[Measured] = field(default_factory=list)
    fast: list[Measured] = field(default_factory=list)
    stopped: list[Measured] = field(default_factory=list)
    stopped_early: list[Measured] = field(default_factory=list)
    failed: list[Measured] = field(default_factory=list)
    broken: list[Measured] = field(default_factory=list)
    empty_bytes: int = 0

    def median(self, runs: str, figure: str) -> float | None:
        """Take the middle of one figure of some runs, such as ``burst``."""
        values = [
            value for run in getattr(self, runs) if (value := getattr(run, figure)) is not None
        ]
        return statistics.median(values) if values else None

    @property
    def floor_ms(self) -> float:
        """The bare socket's total in the same minutes."""
        return statistics.median(total for total, _ in self.floor)

    @property
    def median_ratio(self) -> float | None:
        """The medians' ratio of the same runs."""
        total = self.median("burst", "total_ms")
        return None if total is None else total / self.floor_ms

    @property
    def burst_ratio(self) -> float:
        """The burst's total over the bare socket's, the fastest of each: a busy machine only adds.

        The medians' ratio stands beside it in the table.
        """
        return min(run.total_ms for run in self.burst) / min(total for total, _ in self.floor)


def contest(contestant: Contestant, url: str, env: dict[str, str], times: int) -> Score:
    """Put one contestant through everything in a fresh kernel."""
    score = Score(contestant)
    with Kernel({**env, "OLLAMA_HOST": url}) as kernel:
        ready = kernel.run(contestant.setup)
        if ready.status != "ok":
            raise RuntimeError(f"{contestant.name}: {ready.evalue}")

        def run(model: str, **how: float) -> Measured:
            return measure(kernel, contestant, url, model, timeout=LIMIT_SECONDS, **how)

        run(COLD)  # the first run imports and connects; it is not measured
        score.first = [run(SHORT) for _ in range(times + 2)]
        _race(score, url, run, BURSTS if contestant.is_ours else times)
        score.paced = [run(PACED)]
        score.fast = [run(FAST)]
        score.stopped = [run(PACED, interrupt_after=0.6 + 0.15 * turn) for turn in range(3)]
        score.stopped_early = [run(WAITING, interrupt_after=0.6)]
        score.failed = [run(MISSING)]
        score.broken = [run(BROKEN)]
        score.empty_bytes = kernel.run("pass").size_bytes
    _must_be_ok(score)
    return score


def _race(score: Score, url: str, run: Callable[[str], Measured], times: int) -> None:
    """Run bursts, each beside a bare socket's."""
    for _ in range(times):
        score.floor.append(bare_socket(url, BURST))
        score.burst.append(run(BURST))


def _must_be_ok(score: Score) -> None:
    """Refuse to report figures of cells that failed: nothing is as cheap as an error."""
    runs = [*score.first, *score.burst, *score.paced, *score.fast]
    bad = {run.problem or run.status for run in runs if run.status != "ok" or not run.is_whole}
    if bad:
        raise RuntimeError(f"{score.contestant.name} did not answer: {'; '.join(sorted(bad))}")
