"""The composer by keyboard: completions of what can be attached, commands, the way to the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.ui

_TWO_BLOCKS = "First:\n\n```python\nx = 1\n```\n\nThen:\n\n```python\nx = 2\n```\n"


def test_the_keyboard_goes_from_code_block_to_code_block(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say(_TWO_BLOCKS)
    chat.open_alone()
    chat.ask("Show me two blocks")
    bars = chat.region.get_by_role("group", name="Code block")
    expect(bars).to_have_count(2)
    first, last = (bars.nth(n).get_by_role("button", name="Copy code") for n in (0, 1))
    chat.composer.focus()

    chat.composer.press("Control+Alt+PageUp")
    expect(last).to_be_focused()
    last.press("Control+Alt+PageUp")
    expect(first).to_be_focused()
    chat.run("ollama-lab:previous-code-block")
    expect(last).to_be_focused()
    chat.run("ollama-lab:next-code-block")
    expect(first).to_be_focused()

    first.press("Control+Alt+PageDown")
    expect(last).to_be_focused()


def test_the_command_palette_leads_to_a_code_block(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.say(_TWO_BLOCKS)
    chat.open_alone()
    chat.ask("Show me two blocks")
    bars = chat.region.get_by_role("group", name="Code block")
    expect(bars).to_have_count(2)

    chat.run("apputils:activate-command-palette")
    chat.page.locator("#modal-command-palette input").fill("previous code block of the ollama")
    expect(chat.page.get_by_role("menuitem", name="Previous Code Block")).to_be_visible()
    chat.page.keyboard.press("Enter")

    expect(bars.last.get_by_role("button", name="Copy code")).to_be_focused()
