"""A real browser, with a home of its own, for tests and measurements."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import environment
import gates
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched(folder: Path) -> Iterator[Browser]:
    """Run a browser whose home is made in a folder."""
    home = environment.make_home(folder)
    found = next(path for path in map(shutil.which, gates.BROWSERS) if path)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found, args=_FLAGS, env=dict(environment.clean(os.environ, home))
        )
        yield running
        running.close()
