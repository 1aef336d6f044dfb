"""Single messages are deleted in the panel, with what follows them, and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.ui


def test_a_message_goes_with_what_follows_and_comes_back(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    for text in ("Answer one.", "Answer two.", "Answer three."):
        lab_ollama.say(text, once=True)
    chat.open("deletion")
    chat.ask("Question one?")
    chat.ask("Question two?")

    chat.button("Delete this message").nth(1).click()
    expect(chat.region).to_contain_text("Deleted: 2 messages")
    expect(chat.prompts).to_have_count(1)
    expect(chat.composer).to_be_focused()
    assert chat.violations() == []
    chat.button("Undo").click()
    expect(chat.prompts).to_have_count(2)
    expect(chat.answers.nth(1)).to_contain_text("Answer two.")
    chat.button("Delete this answer").nth(0).click()
    expect(chat.region).to_contain_text("Deleted: 3 messages")
    chat.ask("Question three?")

    expect(chat.region).not_to_contain_text("Deleted:")
    sent = [one["content"] for one in lab_ollama.calls("/api/chat")[-1].body["messages"]]
    assert sent == ["Question one?", "Question three?"]


def test_a_deleted_version_leaves_the_other_one(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.say("Answer one.", once=True)
    lab_ollama.say("Answer two.", once=True)
    chat.open("versions")
    chat.ask("Which answer is this?")
    chat.button("Answer again").click()
    expect(chat.answers).to_contain_text("2 of 2")
    expect(chat.button("Send")).to_be_visible()

    chat.button("Delete this answer").click()
    expect(chat.answers).to_contain_text("Answer one.")
    expect(chat.answers).not_to_contain_text("of 2")
    chat.button("Undo").click()

    expect(chat.answers).to_contain_text("Answer two.")
    expect(chat.answers).to_contain_text("2 of 2")


def test_a_private_chat_forgets_a_message_and_brings_it_back(chat: ChatPanel) -> None:
    chat.open("private-deletion")
    chat.button("Chats").click()
    chat.button("New private chat").click()
    chat.ask("A secret?")

    chat.button("Delete this message").click()
    expect(chat.prompts).to_have_count(0)
    chat.button("Undo").click()

    expect(chat.prompts).to_contain_text("A secret?")
    expect(chat.answers).to_have_count(1)
