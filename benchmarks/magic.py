"""Measure ``%%ollama`` in a real kernel, beside a bare socket and what people write by hand.

    python benchmarks/magic.py            # prints the table and writes results-magic.md
    python benchmarks/magic.py --check    # exits 1 when a ratio, a count or a size misses its target

The work: one answer of 2,000 tokens and 9 kB from the scripted server, as a burst and paced at
200 tokens a second.
"""

from __future__ import annotations

import argparse
import os
import sys

import testbed
from contest import BURST, MODELS, contest
from contestants import CONTESTANTS
from loading import measure_loading
from magic_table import tell
from probe import bare_socket


def main() -> int:
    """Measure, print, write; 1 when a checked target is missed."""
    options = argparse.ArgumentParser(description="Measure %%ollama in a real kernel.")
    options.add_argument(
        "--check", action="store_true", help="exit 1 on a missed ratio, count or size"
    )
    options.add_argument("--times", type=int, default=7, help="bursts a contestant (7)")
    options.add_argument("--only", action="append", help="a contestant whose name holds this")
    given = options.parse_args()
    wanted = given.only or [""]
    chosen = [one for one in CONTESTANTS if any(word in one.name for word in wanted)]
    load_before = os.getloadavg()[0]
    with testbed.scripted_ollama(MODELS) as url, testbed.clean_home() as env:
        bare_socket(url, BURST)  # the server encodes its answer once
        scores = [contest(one, url, env, given.times) for one in chosen]
        loading = measure_loading(env) if any(one.is_ours for one in chosen) else None
    report = tell(scores, loading, load_before=load_before)
    report.write(testbed.HERE / "results-magic.md")
    missed = report.failures()
    if missed:
        print(f"Missed: {'; '.join(missed)}.", file=sys.stderr)
    return 1 if given.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
