"""What a page of JupyterLab loads of the front end before anybody opens the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bundle
import pytest

if TYPE_CHECKING:
    from live_lab import Lab
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.ui, pytest.mark.frontend]

#: Bytes of scripts, as they are on disk.
_BUDGET = 60_000


def test_the_first_load_is_small(lab: Lab, browser: Browser) -> None:
    sizes = bundle.first_load(lab, browser)

    assert sizes, "the extension was not loaded"
    assert sum(sizes.values()) <= _BUDGET, sizes
