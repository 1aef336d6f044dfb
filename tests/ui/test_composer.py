"""The composer by keyboard: completions of what can be attached, commands, the way to the code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from fake_ollama import Text, Wait
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama
    from live_lab import Lab

pytestmark = pytest.mark.ui

_TWO_BLOCKS = "First:\n\n```python\nx = 1\n```\n\nThen:\n\n```python\nx = 2\n```\n"
_HOSTILE_NAME = "<img src=x onerror=fire(1)>.txt"
_TOO_WIDE = """panel => [...panel.querySelectorAll('[role=option], textarea')]
    .filter(part => part.getBoundingClientRect().right > panel.getBoundingClientRect().left + 201)
    .map(part => part.outerHTML.slice(0, 80))"""


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


def test_a_mention_attaches_files_notebooks_and_cells_by_keyboard(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama
) -> None:
    (lab.root / "my data").mkdir(exist_ok=True)
    (lab.root / "my data" / "rows.csv").write_text("city,count\nKiel,3\n")
    (lab.root / _HOSTILE_NAME).write_text("nothing")
    chat.open("mentions", ["price = 12", "print(price)"])

    chat.composer.press_sequentially("Look at @my")
    expect(chat.options.filter(has_text="my data")).to_have_attribute("aria-selected", "true")
    chat.composer.press("Tab")
    expect(chat.composer).to_have_value('Look at @"my data/')
    expect(chat.options).to_have_text(["my data/rows.csvfile"])
    chat.composer.press("Enter")
    expect(chat.chips).to_have_text([re.compile(r"rows\.csv")])
    expect(chat.composer).to_have_value("Look at ")
    chat.composer.press_sequentially("@12")
    expect(chat.options).to_have_text(["cell 1 of mentions.ipynbprice = 12"])
    chat.composer.press("Enter")
    chat.composer.press_sequentially("@mentions")
    expect(chat.options.first).to_contain_text("open notebook")
    chat.composer.press("Enter")
    expect(chat.chips).to_have_count(3)
    chat.composer.press_sequentially("@<img")
    expect(chat.options).to_have_text([f"{_HOSTILE_NAME}file"])
    chat.composer.fill("Well?")
    expect(chat.options).to_have_count(0)
    chat.composer.press("Enter")

    chat.wait_until(lambda: bool(lab_ollama.calls("/api/chat")))
    sent = json.dumps(lab_ollama.calls("/api/chat")[-1].body)
    assert "Kiel,3" in sent
    assert r"price = 12\n\nprint(price)" in sent
    assert chat.page.evaluate("window.fired") == []


def test_the_list_of_completions_is_told_to_a_screen_reader(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once"), Wait(60)])
    _open(chat)
    chat.region.evaluate("panel => { panel.style.minWidth = panel.style.maxWidth = '200px'; }")
    chat.send("A long one")
    expect(chat.answers).to_contain_text("Once")
    box = chat.region.get_by_role("combobox", name="Message")
    expect(box).to_have_attribute("aria-expanded", "false")

    chat.composer.press_sequentially("/")
    expect(box).to_have_attribute("aria-expanded", "true")
    first = chat.active_option
    chat.composer.press("ArrowDown")
    second = chat.active_option
    chat.composer.press("ArrowUp")
    chat.composer.press("ArrowUp")
    last = chat.active_option
    wide = chat.region.evaluate(_TOO_WIDE)
    found = chat.violations()
    expect(box).to_have_attribute("aria-expanded", "true")
    chat.take_picture("completions-narrow")
    chat.composer.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(chat.button("Stop")).to_be_visible()
    chat.composer.press("Escape")
    expect(chat.button("Stop")).to_have_count(0)

    assert ["/new" in first, "/private" in second, "/parameters" in last] == [True] * 3
    assert found == []
    assert wide == []


def test_commands_are_completed_and_carried_out(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    _open(chat)
    chat.ask("Hello")

    chat.command("/sys", "/system ")
    expect(chat.composer).to_have_value("/system ")
    chat.composer.press_sequentially("Be a pirate.")
    expect(chat.options).to_contain_text(["/system Be a pirate."])
    chat.composer.press("Enter")
    expect(chat.region).to_contain_text("The system prompt of this chat is set.")
    chat.command("/model tiny-th", "/model tiny-think:latest")
    chat.ask("Who are you?")
    with chat.page.expect_download() as waiting:
        chat.command("/export m", "/export markdown")
    lab_ollama.script("*", [Text("Once"), Wait(60)])
    chat.send("A long one")
    expect(chat.answers.last).to_contain_text("Once")
    chat.command("/st", "/stop")
    expect(chat.answers.last).to_contain_text("stopped")
    chat.command("/new", "/new")
    expect(chat.prompts).to_have_count(0)
    chat.send("/usr/bin/python is what?")
    expect(chat.prompts).to_contain_text("/usr/bin/python")

    asked = lab_ollama.calls("/api/chat")[1]
    assert asked.model == "tiny-think:latest"
    assert asked.body["messages"][0] == {"role": "system", "content": "Be a pirate."}
    assert waiting.value.suggested_filename.endswith(".md")


def test_up_brings_back_what_was_asked_while_no_list_is_open(chat: ChatPanel) -> None:
    _open(chat)
    chat.ask("What is @this about")

    chat.composer.press("ArrowUp")

    expect(chat.composer).to_have_value("What is @this about")
    expect(chat.options).to_have_count(0)


def _open(chat: ChatPanel) -> None:
    """Open the chat beside a notebook: a launcher takes the focus late, and a list closes with it."""
    chat.open("completions")
