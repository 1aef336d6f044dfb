"""The magic's figures beside their targets."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from contest import BURSTS, TOKENS
from report import Report, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contest import Score
    from loading import Loading


#: What a burst may take over a bare socket's.
RATIO = 2


def tell(scores: Sequence[Score], loading: Loading | None, *, load_before: float) -> Report:
    """Make the table."""
    report = Report(
        "The magic",
        f"One answer of {TOKENS:,} tokens and 9 kB from the scripted server: as a burst, and paced at "
        "200 tokens a second. Medians where nothing else is said. CPU is the kernel process's; bytes are all frames of all iopub "
        "messages of the cell, signatures included.",
        ["bare socket", *(score.contestant.name for score in scores)],
        load_before,
    )
    _tell_times(report, scores)
    _tell_sizes(report, scores)
    _tell_stops_and_failures(report, scores)
    if loading is not None:
        _tell_loading(report, loading, scores)
    return report


def _tell_times(report: Report, scores: Sequence[Score]) -> None:
    bare_first = number(statistics.median(first for s in scores for _, first in s.floor), "ms")
    bare_total = number(statistics.median(s.floor_ms for s in scores), "ms")
    _row(
        report,
        "first token, sent → visible",
        "≤ 3 ms",
        scores,
        _middle("first", "sent_to_visible_ms"),
        limit=3,
        unit="ms",
        bare=bare_first,
    )
    _row(
        report,
        "burst, total",
        "",
        scores,
        _middle("burst", "total_ms"),
        unit="ms",
        bare=bare_total,
    )
    _row(
        report,
        f"burst, total over the bare socket's (fastest of {BURSTS} each)",
        f"≤ {RATIO}",
        scores,
        lambda s: s.burst_ratio,
        limit=RATIO,
        bare="1.0",
        is_checked=True,
    )
    _row(
        report,
        "burst, total over the bare socket's (medians)",
        "",
        scores,
        lambda s: s.median_ratio,
        bare="1.0",
    )
    for runs, limit in (("burst", 15), ("paced", 80)):
        _row(
            report,
            f"kernel CPU per 1,000 tokens, {runs}",
            f"≤ {limit} ms",
            scores,
            _middle(runs, "cpu_ms", 1000 / TOKENS),
            limit=limit,
            unit="ms",
        )


def _tell_sizes(report: Report, scores: Sequence[Score]) -> None:
    for runs in ("burst", "paced"):
        _row(
            report,
            f"iopub messages, {runs}",
            "≤ 200",
            scores,
            _middle(runs, "messages"),
            limit=200,
            digits=0,
            is_checked=True,
        )
    for runs in ("burst", "paced"):
        _row(
            report,
            f"iopub bytes, {runs}",
            "≤ 75 kB plain, 130 kB live Markdown",
            scores,
            _middle(runs, "size_bytes", 1 / 1000),
            limits=[75 if "text" in s.contestant.name else 130 for s in scores],
            unit="kB",
            is_checked=True,
        )
    _row(
        report,
        "live bytes a second, at 1,000 tokens a second",
        "≤ 10 kB/s",
        scores,
        _middle("fast", "live_bytes_per_second", 1 / 1000),
        limit=10,
        unit="kB/s",
    )


def _tell_stops_and_failures(report: Report, scores: Sequence[Score]) -> None:
    for measure_name, limit, figure in (
        ("interrupt → kernel idle", 50, "to_idle_ms"),
        ("interrupt → Ollama released", 20, "to_released_ms"),
    ):
        for when, runs in (("", "stopped"), (", before the first byte", "stopped_early")):
            _row(
                report,
                measure_name + when,
                f"≤ {limit} ms",
                scores,
                _middle(runs, figure),
                limit=limit,
                unit="ms",
            )
    kept = [all(run.text_is_kept for run in score.stopped) for score in scores]
    report.add(
        "interrupted: text kept",
        "yes",
        ["-", *("yes" if one else "no" for one in kept)],
        passes=_all_ours(scores, kept),
        is_checked=True,
    )
    for name, runs in (("model missing", "failed"), ("error in mid-answer", "broken")):
        replies = [getattr(score, runs)[0].status for score in scores]
        report.add(
            f"failed cell, {name}: reply",
            "error",
            ["-", *replies],
            passes=_all_ours(scores, [reply == "error" for reply in replies]),
            is_checked=True,
        )
    _row(
        report,
        "failed cell, model missing: bytes more than an empty cell",
        "≤ 2 kB",
        scores,
        lambda s: (s.failed[0].size_bytes - s.empty_bytes) / 1000,
        limit=2,
        unit="kB",
        is_checked=True,
    )
    _row(
        report,
        "an empty cell's bytes",
        "",
        scores,
        lambda s: s.empty_bytes / 1000,
        unit="kB",
    )


def _tell_loading(report: Report, loading: Loading, scores: Sequence[Score]) -> None:
    def ours(text: str) -> list[str]:
        return ["-", *(text if score.contestant.is_ours else "-" for score in scores)]

    report.add(
        "`%load_ext ollama_lab`, CPU",
        "≤ 50 ms",
        ours(number(loading.cpu_ms, "ms")),
        passes=loading.cpu_ms <= 50,
    )
    report.add(
        "`%load_ext ollama_lab`, heavy modules",
        "none",
        ours(", ".join(loading.forbidden) or f"none of {loading.modules} new"),
        passes=not loading.forbidden,
        is_checked=True,
    )


def _middle(runs: str, figure: str, scale: float = 1.0) -> Callable[[Score], float | None]:
    """Make the function that takes one figure's median out of a score."""

    def of(score: Score) -> float | None:
        value = score.median(runs, figure)
        return None if value is None else value * scale

    return of


def _row(
    report: Report,
    name: str,
    target: str,
    scores: Sequence[Score],
    figure: Callable[[Score], float | None],
    *,
    limit: float | None = None,
    limits: Sequence[float] | None = None,
    unit: str = "",
    digits: int = 1,
    bare: str = "-",
    is_checked: bool = False,
) -> None:
    """Add a row of figures; those of ours are held to the limit."""
    values = [figure(score) for score in scores]
    bounds: Sequence[float | None] = limits or [limit] * len(scores)
    met = [
        value is not None and bound is not None and value <= bound
        for value, bound in zip(values, bounds, strict=True)
    ]
    report.add(
        name,
        target,
        [bare, *(number(value, unit, digits=digits) for value in values)],
        passes=_all_ours(scores, met) if target else None,
        is_checked=is_checked,
    )


def _all_ours(scores: Sequence[Score], met: Iterable[bool]) -> bool | None:
    ours = [one for score, one in zip(scores, met, strict=True) if score.contestant.is_ours]
    return all(ours) if ours else None
