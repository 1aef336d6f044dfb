"""The chat end to end: a real browser, JupyterLab and Notebook, the embedded engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from chat_panel import ChatPanel, words
from live_lab import Lab, Place
from playwright.sync_api import expect
from watched_page import WatchedPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator
    from watched_page import Canary

pytestmark = [pytest.mark.ui, pytest.mark.frontend, pytest.mark.engine]

_STARTED = "() => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 0"


@pytest.fixture(scope="module")
def engine_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run a server that finds no Ollama; its engine has the demo model and an endless one."""
    # Imported here, so that this file can be collected where the engine's package is missing.
    from gguf_models import shelf

    folder = tmp_path_factory.mktemp("engine")
    models = folder / "models"
    shelf.store(models, "slow")
    env = {
        "OLLAMA_LAB_ALLOW_PROBE": "False",
        "OLLAMA_LAB_ENGINE_LINGER_SECONDS": "0",
        "OLLAMA_LAB_ENGINE_MODELS": str(models),
        "OLLAMA_LAB_MODEL": "demo",
    }
    with Lab(folder, env) as running:
        yield running


@pytest.fixture(params=[pytest.param(place, id=place.name) for place in Place])
def engine_chat(
    request: pytest.FixtureRequest, engine_lab: Lab, browser: Browser, canary: Canary
) -> Iterator[ChatPanel]:
    """Open the chat beside a notebook."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, locale="en-US")
    watched = WatchedPage(context.new_page(), engine_lab, canary)
    watched.page.goto(engine_lab.notebook("engine", ["x = 1"], request.param))
    watched.page.wait_for_function(_STARTED)
    watched.page.keyboard.press("Control+Alt+o")
    panel = ChatPanel(watched, engine_lab)
    panel.composer.wait_for()
    yield panel
    context.close()


def test_the_demo_model_answers_and_a_second_turn_has_the_first_in_its_window(
    engine_chat: ChatPanel,
) -> None:
    first = engine_chat.ask("What is a kernel?")
    second = engine_chat.ask("And what is a container?")

    expect(first).to_contain_text("A kernel is the process that runs the code of a notebook")
    expect(engine_chat.answers).to_have_count(2)
    assert _window_percent(second) > _window_percent(first) > 0


def test_stop_leaves_the_engine_free_for_the_next_question(engine_chat: ChatPanel) -> None:
    _choose(engine_chat, "slow")
    written = engine_chat.answers.locator(".jp-OllamaLabChat-answer", has_text=re.compile(r"\w"))

    engine_chat.send("What never ends?")
    expect(written).to_have_count(1)
    engine_chat.button("Stop").click()
    expect(engine_chat.answers).to_contain_text("stopped")

    # The engine answers one question at a time.
    engine_chat.send("What else?")
    expect(written).to_have_count(2)
    engine_chat.button("Stop").click()
    expect(engine_chat.button("Send")).to_be_visible()


def _choose(chat: ChatPanel, model: str) -> None:
    chat.region.locator(".jp-OllamaLabChat-model").click()
    chat.region.locator(".jp-OllamaLabChat-choice", has_text=model).click()
    chat.composer.wait_for()


def _window_percent(answer: Locator) -> int:
    found = re.search(r"window (\d+) %", words(answer))
    assert found, words(answer)
    return int(found[1])
