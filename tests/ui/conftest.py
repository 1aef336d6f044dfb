"""A running JupyterLab and a browser's page that writes down whatever acts in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chat_panel import ChatPanel
from fake_ollama import FakeOllama
from live_browser import launched
from live_lab import Lab
from playwright.sync_api import expect
from watched_page import Canary, WatchedPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# The browser shares its processors with everything else: a page that has to draw first, on a busy
# machine, passes the 5 s of Playwright.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def lab_ollama() -> Iterator[FakeOllama]:
    """Run the scripted Ollama that kernels of `lab` find; `forget` it where it matters."""
    with FakeOllama() as server:
        yield server


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, lab_ollama: FakeOllama) -> Iterator[Lab]:
    """Run one JupyterLab for all tests in a browser."""
    with Lab(tmp_path_factory.mktemp("lab"), {"OLLAMA_HOST": lab_ollama.url}) as running:
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run one browser, with a home of its own."""
    with launched(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def canary() -> Iterator[Canary]:
    """Listen on a port that nothing may ever ask; of its own, as some tests let attacks act."""
    with Canary() as listening:
        yield listening


@pytest.fixture
def page(lab: Lab, browser: Browser, canary: Canary) -> Iterator[WatchedPage]:
    """Open a fresh page; it writes down scripts, dialogs and requests that are not JupyterLab's."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-US")
    try:
        yield WatchedPage(context.new_page(), lab, canary)
    finally:
        context.close()


@pytest.fixture
def chat(page: WatchedPage, lab: Lab, lab_ollama: FakeOllama) -> Iterator[ChatPanel]:
    """Give the chat of a fresh page; the scripted Ollama has forgotten what went before."""
    lab_ollama.forget()
    yield ChatPanel(page, lab)
    lab_ollama.forget()
