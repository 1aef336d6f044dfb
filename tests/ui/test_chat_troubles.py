"""Bad days in the browser: text that was on the screen stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Never, Pace, Text
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.ui


def test_a_tab_closed_in_mid_answer_stops_the_model(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Pace(20), Never(20)])
    chat.open_alone()
    chat.send("Tell me a long story")
    expect(chat.answers).to_contain_text("Once upon a time")

    chat.page.close()

    lab_ollama.calls("/api/chat")[-1].wait_for_hangup()
