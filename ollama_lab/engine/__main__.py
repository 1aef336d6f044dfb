"""The process of the embedded engine: ``python -m ollama_lab.engine DIRECTORY HOST``.

Started by the launcher, not by people; they type ``ollama-lab serve``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ollama_lab.engine.launcher import ANOTHER_RUNS
from ollama_lab.engine.locks import FileLock
from ollama_lab.engine.runtime import Place

# Somebody who only looks whether the lock is held holds it for an instant.
_LOCK_SECONDS = 1.0


def main() -> int:
    """Lock the place, leave the starter's family and run the engine until nobody needs it."""
    place = Place(Path(sys.argv[1]), sys.argv[2])
    lock = FileLock(place.running)
    if not lock.acquire(wait_seconds=_LOCK_SECONDS):
        return ANOTHER_RUNS
    _leave_family()
    # Only now: the import takes most of the start, and the starter need not wait for it.
    from ollama_lab.engine import daemon

    return daemon.run(place)


def _leave_family() -> None:
    """Become nobody's child.

    A kernel that ends takes its children along, and one that stays would have to collect this
    process when it ends. The lock goes over to the child, which shares the open file.
    """
    if not hasattr(os, "fork"):
        return
    if os.fork():
        os._exit(0)
    os.setsid()


if __name__ == "__main__":
    sys.exit(main())
