"""Measure what an installation adds: packages, the wheel's size, the size on disk.

    python benchmarks/footprint.py          # prints the table and writes results-footprint.md
    python benchmarks/footprint.py --check  # exits 1 when a count or a size misses its target

Packages are those a resolver adds to an environment that has jupyterlab, ipywidgets and requests.
Needs a package index; without one only the wheel is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import testbed
from report import Report, number

BASE = ("jupyterlab", "ipywidgets", "requests")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def build_wheel(folder: Path) -> Path:
    """Build the wheel as a release would."""
    root = testbed.HERE.parent
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:] or done.stdout[-2000:])
    [wheel] = folder.glob("*.whl")
    return wheel


def resolved(*wanted: str) -> dict[str, str] | None:
    """Give name and version of everything these would install; None without an index."""
    command = [
        *PIP,
        "install",
        "--dry-run",
        "--ignore-installed",
        "--quiet",
        "--report",
        "-",
        *wanted,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"The packages were not counted: {done.stderr[-300:]}", file=sys.stderr)
        return None
    found = [entry["metadata"] for entry in json.loads(done.stdout)["install"]]
    return {entry["name"]: entry["version"] for entry in found}


def installed_bytes(target: Path, *what: str) -> int:
    """Install without dependencies into a folder, compiled as pip does, and weigh it."""
    command = [*PIP, "install", "--quiet", "--no-deps", "--target", str(target), *what]
    subprocess.run(command, check=True)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def measure(folder: Path, load_before: float) -> Report:
    """Build, resolve, install, and make the table."""
    wheel = build_wheel(folder / "dist")
    report = Report("Footprint", "Without the engine.", ["ollama-lab"], load_before)
    size = wheel.stat().st_size / 1e6
    report.add("wheel", "≤ 3 MB", [number(size, "MB", digits=2)], passes=size <= 3, is_checked=True)
    base, ours = resolved(*BASE), resolved(*BASE, str(wheel))
    if base is None or ours is None:
        return report
    added = {
        name: version for name, version in ours.items() if name not in base and name != "ollama-lab"
    }
    told = f"{len(added)} ({', '.join(sorted(added))})" if added else "0"
    report.add(
        f"packages beside {', '.join(BASE)} ({len(base)} in all)",
        "≤ 3",
        [told],
        passes=len(added) <= 3,
        is_checked=True,
    )
    names = [f"{name}=={version}" for name, version in added.items()]
    disk = installed_bytes(folder / "installed", str(wheel), *names) / 1e6
    report.add(
        "installed, with those packages and compiled files",
        "≤ 6 MB",
        [number(disk, "MB", digits=2)],
        passes=disk <= 6,
        is_checked=True,
    )
    return report


def main() -> int:
    """Measure, print, write; 1 when a checked target is missed."""
    options = argparse.ArgumentParser(description="Measure what an installation adds.")
    options.add_argument("--check", action="store_true", help="exit 1 on a missed count or size")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="footprint-") as folder:
        report = measure(Path(folder), os.getloadavg()[0])
    report.write(testbed.HERE / "results-footprint.md")
    missed = report.failures()
    if missed:
        print(f"Missed: {'; '.join(missed)}.", file=sys.stderr)
    return 1 if given.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
