"""Bad days in the browser: text that was on the screen stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Cut, Never, Pace, Text
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


def test_an_answer_that_ollama_cuts_keeps_its_text_and_is_tried_again(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("The first half."), Cut()], once=True)
    lab_ollama.say("The whole of it.")
    chat.open_alone()

    chat.send("Tell me")
    expect(chat.button("Try again")).to_be_visible()
    expect(chat.answers).to_contain_text("The first half.")
    chat.button("Try again").click()

    expect(chat.answers).to_contain_text("The whole of it.")
    expect(chat.answers).to_contain_text("2 of 2")


def test_an_ollama_that_is_gone_is_told_and_asked_again_when_it_is_back(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    chat.open_alone()
    chat.ask("Are you there?")
    lab_ollama.stop()
    try:
        chat.send("And now?")
        expect(chat.button("Try again")).to_be_visible()
        expect(chat.region).to_contain_text("Nothing answers at")
    finally:
        lab_ollama.start()
    lab_ollama.say("Here I am again.")

    chat.button("Try again").click()

    expect(chat.answers.last).to_contain_text("Here I am again.")
    expect(chat.prompts).to_have_count(2)
