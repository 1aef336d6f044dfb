"""The pages of the chat beside the chat itself: models in detail, presets, the list of chats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chat_panel import ChatPanel
from live_lab import Lab
from playwright.sync_api import expect
from watched_page import WatchedPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_ollama import FakeOllama
    from playwright.sync_api import Browser
    from watched_page import Canary

pytestmark = pytest.mark.ui

THEMES = [pytest.param("JupyterLab Light", id="light"), pytest.param("JupyterLab Dark", id="dark")]


@pytest.fixture(autouse=True)
def no_chats(chat: ChatPanel) -> Iterator[None]:
    """Leave no chat behind."""
    yield
    if chat.composer.is_visible() or chat.button("Back to the chat").is_visible():
        _delete_all(chat)


@pytest.mark.parametrize("theme", THEMES)
def test_a_model_is_shown_in_detail(chat: ChatPanel, lab_ollama: FakeOllama, theme: str) -> None:
    model = lab_ollama.model("tiny-think")
    model.license = "MIT License\n\nCopyright (c) somebody"
    model.digest = "1" * 64  # what a model is, is asked for once a digest
    chat.open("details")
    chat.use_theme(theme)
    chat.region.locator(".jp-OllamaLabChat-model").click()

    chat.button("Details of tiny-think:latest").click()

    page = chat.region.get_by_role("region", name="tiny-think:latest")
    expect(page).to_contain_text("Architecture")
    expect(page).to_contain_text("MIT License")
    expect(page).not_to_contain_text("Copyright")
    expect(chat.button("Back to the models")).to_be_focused()
    page.get_by_text("Its template").click()
    expect(page).to_contain_text("{{ .Prompt }}")
    chat.take_picture(f"details-{theme[11:].lower()}")
    assert chat.violations() == []
    chat.button("Back to the models").click()
    expect(chat.button("Details of tiny-think:latest")).to_be_focused()


@pytest.mark.parametrize("theme", THEMES)
def test_a_preset_is_kept_and_applied_to_another_chat(
    chat: ChatPanel, lab_ollama: FakeOllama, theme: str
) -> None:
    chat.open("presets")
    chat.use_theme(theme)
    chat.button("Parameters").click()
    system = chat.region.get_by_role("textbox", name="System prompt")
    name = chat.region.get_by_role("textbox", name="Keep as preset")
    system.fill("Be a pirate.")
    chat.region.get_by_role("spinbutton", name="Temperature").fill("0.3")

    name.fill("pirate")
    chat.button("Save").click()
    expect(name).to_have_value("")
    name.fill("Pirate")
    chat.button("Save").click()
    expect(chat.region).to_contain_text("A preset 'Pirate' is there already.")
    chat.take_picture(f"presets-{theme[11:].lower()}")
    found = chat.violations()
    chat.button("New chat").click()
    chat.button("Parameters").click()
    expect(system).to_have_value("")
    chat.button("Apply").click()
    expect(system).to_have_value("Be a pirate.")
    chat.button("Delete the preset").click()
    expect(chat.button("Apply")).to_have_count(0)
    chat.button("Back to the chat").click()
    chat.ask("Hello")

    sent = lab_ollama.calls("/api/chat")[-1].body
    assert sent["messages"][0] == {"role": "system", "content": "Be a pirate."}
    assert sent["options"]["temperature"] == 0.3
    assert found == []


@pytest.mark.parametrize(
    ("kind", "suffix", "holds"),
    [
        pytest.param("Markdown", ".md", "Tell me of Nordwind", id="markdown"),
        pytest.param("Notebook", ".ipynb", '"nbformat"', id="notebook"),
        pytest.param("JSON", ".json", '"ollama-lab chats"', id="json"),
    ],
)
def test_a_chat_is_exported(chat: ChatPanel, kind: str, suffix: str, holds: str) -> None:
    chat.open("export")
    chat.ask("Tell me of Nordwind")
    chat.button("Chats").click()
    chat.region.get_by_role("button", name="Export Tell me of Nordwind").first.click()

    with chat.page.expect_download() as waiting:
        chat.region.get_by_role("group", name="Export as").get_by_role("button", name=kind).click()

    assert waiting.value.suggested_filename.endswith(suffix)
    assert holds in Path(waiting.value.path()).read_text(encoding="utf-8")


def test_an_exported_chat_is_imported(chat: ChatPanel, tmp_path: Path) -> None:
    chat.open("import")
    chat.ask("Tell me of Suedwind")
    listed = chat.call("conversations")["conversations"]
    export = chat.call(f"conversations/{listed[0]['id']}/export?format=json")["content"]
    file = tmp_path / "chats.json"
    file.write_text(export, encoding="utf-8")
    chat.button("Chats").click()

    chat.region.get_by_label("File with chats").set_input_files(file)

    expect(chat.prompts).to_contain_text("Tell me of Suedwind")
    assert chat.call("conversations")["total"] == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("no JSON {", "The file is not JSON that can be read.", id="garbage"),
        pytest.param("{}", "format is missing", id="no-export"),
        pytest.param(
            json.dumps({"format": "ollama-lab chats", "version": 99, "chats": []}),
            "The file was written by another version of ollama-lab.",
            id="newer",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(
    chat: ChatPanel, tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "chats.json"
    file.write_text(content, encoding="utf-8")
    chat.open("import-wrong")
    chat.button("Chats").click()

    chat.region.get_by_label("File with chats").set_input_files(file)

    expect(chat.region).to_contain_text(sentence)


def test_a_chat_is_renamed_found_deleted_and_brought_back(chat: ChatPanel) -> None:
    chat.open("rename")
    chat.ask("Tell me of Ostwind")
    chat.button("Chats").click()
    chat.button("Rename Tell me of Ostwind").click()
    title = chat.region.get_by_role("textbox", name="New title")
    title.fill("East")
    title.press("Enter")
    search = chat.region.get_by_role("searchbox", name="Search all chats")
    search.fill("xyzzy")
    expect(chat.region).to_contain_text("No chat holds these words.")
    search.fill("Ostwind")
    chat.button("Delete East").click()
    expect(chat.region).to_contain_text("Deleted: East")

    chat.button("Undo").click()

    expect(chat.prompts).to_contain_text("Tell me of Ostwind")


@pytest.mark.parametrize("theme", THEMES)
def test_several_chats_and_all_are_deleted_and_brought_back(chat: ChatPanel, theme: str) -> None:
    chat.open("several")
    chat.use_theme(theme)
    for title in ("One", "Two", "Three"):
        chat.call("conversations", {"title": title})
    chat.button("Chats").click()
    chat.button("Select").click()
    chat.region.get_by_role("checkbox", name="One").check()
    chat.region.get_by_role("checkbox", name="Three").check()
    chat.take_picture(f"chats-{theme[11:].lower()}")
    found = chat.violations()

    chat.button("Delete selected (2)").click()
    expect(chat.region).to_contain_text("Deleted: 2 chats")
    assert chat.call("conversations")["total"] == 1
    chat.button("Undo").click()
    expect(chat.button("Delete Three")).to_be_visible()
    _delete_all(chat)
    expect(chat.region).to_contain_text("No chats yet.")
    chat.button("Undo").click()

    expect(chat.button("Delete Two")).to_be_visible()
    assert chat.call("conversations")["total"] == 3
    expect(chat.region).to_contain_text("chats.sqlite")
    assert found == []


def test_a_private_chat_is_not_stored(chat: ChatPanel) -> None:
    chat.open("private")
    chat.button("Chats").click()
    chat.button("New private chat").click()
    expect(chat.region).to_contain_text("stored nowhere")

    chat.ask("A secret")

    assert chat.call("conversations")["total"] == 0


def test_a_model_that_is_gone_leads_to_the_others(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    chat.open("gone")
    chat.region.locator(".jp-OllamaLabChat-model").click()
    chat.region.get_by_role("button", name="tiny-think:latest 1.2B").click()
    kept = lab_ollama.models.pop("tiny-think:latest")
    try:
        chat.send("Are you there?")
        expect(chat.region).to_contain_text("Model 'tiny-think:latest' is not on this server.")
    finally:
        lab_ollama.models["tiny-think:latest"] = kept

    chat.button("Choose a model").click()

    expect(chat.region.get_by_role("list", name="Models on this server")).to_be_visible()


@pytest.mark.engine
def test_only_the_demo_model_says_so_and_offers_a_pull(
    browser: Browser, canary: Canary, tmp_path: Path
) -> None:
    with Lab(tmp_path, {"OLLAMA_LAB_ALLOW_PROBE": "False"}) as lab:
        page = browser.new_page(viewport={"width": 1100, "height": 900}, locale="en-US")
        chat = ChatPanel(WatchedPage(page, lab, canary), lab)
        chat.open("demo")

        expect(chat.region).to_contain_text("Only the demo model is here.", timeout=30_000)

        expect(chat.button("Pull")).to_be_visible()
        chat.take_picture("only-demo")
        page.close()


def _delete_all(chat: ChatPanel) -> None:
    """Delete all chats through the panel, where there are some."""
    if not chat.button("Delete all chats").is_visible():
        chat.button("Chats").click()
    if chat.call("conversations")["total"]:
        chat.button("Delete all chats").click()
        chat.page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
        expect(chat.button("Delete all chats")).to_be_disabled()
