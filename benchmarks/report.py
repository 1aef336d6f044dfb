"""A table of measures beside their targets, with the conditions it was made under."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGES = ("ollama-lab", "ipython", "ipykernel", "jupyter-client", "pyzmq", "requests", "ollama")


@dataclass
class Row:
    """One measure: a value a column, and whether ours may be held to it on a busy machine.

    `passes` is None where nothing was measured or no target is set.
    """

    measure: str
    target: str
    values: Sequence[str]
    passes: bool | None = None
    is_checked: bool = False


@dataclass
class Report:
    """Rows under a title; prints itself as Markdown.

    `versions` names what was used beside Python's packages.
    """

    title: str
    about: str
    columns: Sequence[str]
    load_before: float
    rows: list[Row] = field(default_factory=list)
    versions: str = ""

    def add(
        self,
        measure: str,
        target: str,
        values: Sequence[str],
        *,
        passes: bool | None = None,
        is_checked: bool = False,
    ) -> None:
        """Put one row in."""
        self.rows.append(Row(measure, target, values, passes, is_checked))

    def failures(self) -> list[str]:
        """Name the ratios, counts and bytes that miss their targets."""
        return [row.measure for row in self.rows if row.is_checked and row.passes is False]

    def markdown(self) -> str:
        """Write everything as a page."""
        head = ["measure", "target", *self.columns, "met"]
        lines = [_line(head), _line(["---"] * len(head))]
        lines += [_line([row.measure, row.target, *row.values, _word(row)]) for row in self.rows]
        return "\n".join(
            [f"# {self.title}", "", self.about, "", *lines, "", self._conditions(), ""]
        )

    def write(self, path: Path) -> None:
        """Print the page and keep it."""
        print(self.markdown())
        path.write_text(self.markdown(), encoding="utf-8")

    def _conditions(self) -> str:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        used = [f"{name} {_version(name)}" for name in PACKAGES]
        versions = ", ".join([*used, *filter(None, [self.versions])])
        return (
            f"{now}; {os.cpu_count()} cores, {_memory_gb():.0f} GB; load average "
            f"{self.load_before:.1f} before and {os.getloadavg()[0]:.1f} after; {platform.system()} "
            f"{platform.release()}, Python {platform.python_version()}; {versions}.\n\n"
            "Absolute times hold for an idle machine; on a busy one compare the columns of one run."
        )


def number(value: float | None, unit: str = "", *, digits: int = 1) -> str:
    """Write a figure; a dash where there is none.

    >>> number(1234.56, "ms"), number(None)
    ('1,234.6 ms', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.{digits}f} {unit}".strip()


def _word(row: Row) -> str:
    return {None: "", True: "yes", False: "**no**"}[row.passes]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
