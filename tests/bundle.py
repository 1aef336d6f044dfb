"""What of the built front end a browser loads, and how large it is."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import gates

if TYPE_CHECKING:
    from pathlib import Path

    from live_lab import Lab
    from playwright.sync_api import Browser, Response

_STATIC = gates.BUNDLE / "static"
_OURS = "/extensions/ollama-lab/static/"
_RESTORED = "() => window.jupyterapp && window.jupyterapp.restored.then(() => true)"


def scripts() -> list[Path]:
    """Give the files of the scripts."""
    return sorted(_STATIC.glob("*.js"))


def whole_bytes() -> int:
    """Give the size of all scripts."""
    return sum(path.stat().st_size for path in scripts())


def packed_bytes() -> int:
    """Give the size of all scripts, each compressed by itself."""
    return sum(len(gzip.compress(path.read_bytes())) for path in scripts())


def first_load(lab: Lab, browser: Browser) -> dict[str, int]:
    """Give the scripts that a page loads before anybody opens the chat, and their sizes on disk."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    sizes: dict[str, int] = {}

    def note(response: Response) -> None:
        if _OURS in response.url:
            # What is written on the wire may be compressed, so the file itself is asked.
            path = urlsplit(response.url).path.partition(_OURS)[2]
            sizes[path] = (_STATIC / path).stat().st_size

    page.on("response", note)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_function(_RESTORED)
    page.wait_for_load_state("networkidle")
    context.close()
    return sizes
