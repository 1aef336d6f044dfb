"""The chat for everybody: what is read aloud, from the right, and in the system's own colors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Never, Text, Wait
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.ui

_MIXED = "שלום, זה קוד:\n\n```python\nprint(1)\n```\n"
_LISTEN = """panel => {
    const live = panel.querySelector('[aria-live="polite"]');
    window.heard = [];
    new MutationObserver(() => window.heard.push(live.textContent)).observe(live, {
        characterData: true, childList: true, subtree: true
    });
    return panel.querySelectorAll('[aria-live="polite"], [role="alert"]').length;
}"""
_MOVING = "panel => panel.getAnimations({ subtree: true }).length"


def test_one_live_region_says_events_and_not_tokens(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say("word " * 300, rate=400)
    chat.open("heard")
    regions = chat.region.evaluate(_LISTEN)

    chat.ask("Say many words")
    chat.page.wait_for_function("() => window.heard.at(-1)?.includes('complete')")

    assert regions == 1
    assert len(chat.page.evaluate("window.heard")) <= 3


def test_hebrew_is_read_from_the_right_and_code_is_not(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say(_MIXED)
    chat.open("hebrew")
    answer = chat.ask("שלום")

    expect(answer.locator(".jp-OllamaLabChat-answer")).to_have_css("direction", "rtl")
    expect(answer.locator("pre").first).to_have_css("direction", "ltr")
    expect(chat.prompts.locator("[dir=auto]").first).to_have_css("direction", "rtl")


def test_nothing_moves_for_who_wants_it_so(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.script("*", [Wait()])
    chat.page.emulate_media(reduced_motion="reduce")
    chat.open("still")

    chat.send("Wait")
    expect(chat.region.locator(".jp-OllamaLabChat-phase")).to_be_visible()

    assert chat.region.evaluate(_MOVING) == 0
    assert chat.violations() == []


def test_a_stopped_answer_leaves_the_focus_in_the_composer(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once"), Never(20)])
    chat.open("focus")
    chat.send("Tell")
    expect(chat.answers).to_contain_text("Once")

    streaming = chat.violations()
    chat.button("Stop").click()

    expect(chat.composer).to_be_focused()
    assert streaming == []
