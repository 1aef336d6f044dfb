"""What a page of JupyterLab loads of the front end before anybody opens the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import gates
import pytest

if TYPE_CHECKING:
    from live_lab import Lab
    from playwright.sync_api import Browser, Response

pytestmark = [pytest.mark.ui, pytest.mark.frontend]

_OURS = "/extensions/ollama-lab/static/"
_RESTORED = "() => window.jupyterapp && window.jupyterapp.restored.then(() => true)"
#: Bytes of scripts, as they are on disk.
_BUDGET = 60_000


def test_the_first_load_is_small(lab: Lab, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    sizes: dict[str, int] = {}

    def note(response: Response) -> None:
        if _OURS in response.url:
            # What is written on the wire may be compressed, so the file itself is asked.
            path = urlsplit(response.url).path.partition(_OURS)[2]
            sizes[path] = (gates.BUNDLE / "static" / path).stat().st_size

    page.on("response", note)

    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_function(_RESTORED)
    page.wait_for_load_state("networkidle")
    context.close()

    assert sizes, "the extension was not loaded"
    assert sum(sizes.values()) <= _BUDGET, sizes
