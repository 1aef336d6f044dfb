"""The chat's models and downloads, and what it says where none can answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from exported_chat import exported
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama

pytestmark = pytest.mark.ui


def test_a_model_is_pulled_and_deleted_after_a_question(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    chat.open("pull")
    chat.region.locator(".jp-OllamaLabChat-model").click()
    listed = chat.region.get_by_role("list", name="Models on this server")

    chat.region.get_by_role("textbox", name="Pull a model").fill("qwen3:0.6b")
    chat.button("Pull").click()
    expect(listed).to_contain_text("qwen3:0.6b")
    chat.button("Delete qwen3:0.6b from the server").click()
    chat.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(listed).not_to_contain_text("qwen3:0.6b")
    assert "qwen3:0.6b" not in lab_ollama.models


def test_a_name_that_cannot_be_pulled_is_told(chat: ChatPanel) -> None:
    chat.open("pull-unknown")
    chat.region.locator(".jp-OllamaLabChat-model").click()

    chat.region.get_by_role("textbox", name="Pull a model").fill("no-such-model")
    chat.button("Pull").click()

    expect(chat.region).to_contain_text("no-such-model")
    expect(chat.button("Dismiss")).to_be_visible()


def test_a_model_is_loaded_and_unloaded(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.model("tiny-see").loaded_until = None  # another test may have asked it
    chat.open("load")
    chat.region.locator(".jp-OllamaLabChat-model").click()

    chat.button("Load tiny-see:latest into memory").click()
    chat.button("Unload tiny-see:latest from memory").click()

    expect(chat.button("Load tiny-see:latest into memory")).to_be_visible()
    assert not lab_ollama.model("tiny-see").is_loaded


def test_without_a_server_the_panel_says_what_to_do(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.stop()
    try:
        chat.open("no-server")
        expect(chat.region).to_contain_text("Nothing answers at")
        chat.take_picture("no-server")
        found = chat.violations()
    finally:
        lab_ollama.start()

    chat.button("Try again").click()

    expect(chat.region).to_contain_text("Ask tiny")
    assert found == []


def test_without_a_model_the_panel_pulls_one(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    kept = dict(lab_ollama.models)
    chat.open("no-model")
    lab_ollama.models.clear()
    try:
        # The Jupyter server keeps the list for a few seconds.
        chat.wait_until(lambda: chat.call("health")["state"] == "no_model")
        chat.region.locator(".jp-OllamaLabChat-model").click()
        chat.button("Back to the chat").click()
        expect(chat.region).to_contain_text("has no model")
        chat.take_picture("no-model")
        chat.region.get_by_role("textbox", name="Pull a model").fill("qwen3:0.6b")
        chat.button("Pull").click()
        expect(chat.region).to_contain_text("Ask qwen3:0.6b")
    finally:
        lab_ollama.models.clear()
        lab_ollama.models.update(kept)


def test_a_long_chat_is_open_before_all_of_it_is_drawn(chat: ChatPanel) -> None:
    chat.open("long")
    stored = chat.call("conversations/import", {"content": _long(200)})

    chat.button("Chats").click()
    began = time.monotonic()
    chat.region.get_by_role("button", name=stored["title"]).first.click()
    expect(chat.region.get_by_text("Answer 199.", exact=True)).to_be_visible()
    print(f"200 messages: {time.monotonic() - began:.2f} s from the click to the last one")

    assert chat.answers.count() + chat.prompts.count() == 200
    assert chat.region.locator(".jp-OllamaLabChat-answer").count() < 50


def _long(count: int) -> str:
    words = "Some words of an answer. " * 80
    return exported("Two hundred messages", [f"{words}\n\nAnswer {n}." for n in range(count)])
