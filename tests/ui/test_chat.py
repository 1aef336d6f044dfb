"""The chat in the sidebar: a real JupyterLab, a real browser, the scripted Ollama."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attack_corpus
import pytest
from chat_panel import words
from fake_ollama import Never, Pace, Status, Text, Wait
from playwright.sync_api import expect

if TYPE_CHECKING:
    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama
    from watched_page import WatchedPage

pytestmark = pytest.mark.ui

_CODE = "Like this:\n\n```python\nprint(6 * 7)\n```\n"
_RICH = (
    "## Two ways\n\nThe **mean** of $x_1, …, x_n$ is\n\n$$\\bar x = \\frac{1}{n}\\sum_i x_i$$\n\n"
    "1. by hand\n2. with `numpy`\n\n```python\nimport numpy as np\n\nnp.mean([1, 2, 3])  # a comment that is rather long\n```\n\n"
    "| way | speed |\n|---|---|\n| by hand | slow |\n| numpy | fast |\n\nSee [the docs](https://numpy.org)."
)


def test_the_models_of_the_server_are_listed_with_what_they_can_do(chat: ChatPanel) -> None:
    chat.open("models")

    chat.region.locator(".jp-OllamaLabChat-model").click()

    listed = chat.region.get_by_role("list", name="Models on this server")
    expect(listed.get_by_role("listitem")).to_have_count(4)
    expect(listed.get_by_role("button", name="tiny-see")).to_have_count(4)
    expect(listed).to_contain_text("completion, vision")
    expect(listed.get_by_role("button", name="tiny-embed:latest 22M")).to_be_disabled()


def test_the_model_that_is_chosen_is_asked(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    chat.open("choice")

    chat.region.locator(".jp-OllamaLabChat-model").click()
    chat.region.get_by_role("button", name="tiny-think:latest 1.2B").click()
    chat.ask("Who are you?")

    assert lab_ollama.calls("/api/chat")[-1].model == "tiny-think:latest"


def test_an_answer_appears_in_parts(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.script("*", [Text("The first part.\n\n"), Wait(3), Text("The last part.")])
    chat.open("parts")

    chat.send("Say something in two parts")
    expect(chat.answers).to_contain_text("The first part.")

    assert "The last part." not in words(chat.answers)
    expect(chat.answers).to_contain_text("The last part.", timeout=20_000)
    expect(chat.button("Send")).to_be_visible()
    assert "tokens/s" in words(chat.answers)


def test_stop_hangs_up_and_keeps_what_came(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Pace(20), Never(20)])
    chat.open("stop")

    chat.send("Tell me a long story")
    expect(chat.answers).to_contain_text("Once upon a time")
    chat.button("Stop").click()

    expect(chat.answers).to_contain_text("stopped")
    expect(chat.composer).to_be_focused()
    lab_ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_escape_stops_before_the_first_token(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.script("*", [Wait()])
    chat.open("escape")

    chat.send("Think for ever")
    expect(chat.button("Stop")).to_be_visible()
    chat.wait_until(lambda: bool(lab_ollama.calls("/api/chat")))
    chat.composer.press("Escape")
    expect(chat.button("Send")).to_be_visible()

    lab_ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_a_reload_keeps_the_chat_and_the_draft(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.say("I will be here tomorrow.")
    chat.open_alone()
    chat.ask("Will you be here tomorrow?")
    chat.composer.fill("And the day after")

    chat.reload("And the day after")

    expect(chat.answers).to_contain_text("I will be here tomorrow.")
    expect(chat.prompts).to_contain_text("Will you be here tomorrow?")
    expect(chat.composer).to_have_value("And the day after")


def test_an_error_says_its_sentence_and_can_be_tried_again(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    sentence = "llama runner process has terminated: exit status 2"
    lab_ollama.script("/api/chat", [Status(500, {"error": sentence})])
    chat.open("error")

    chat.send("Break")
    expect(chat.answers).to_contain_text(sentence)
    chat.take_picture("error")
    lab_ollama.forget()
    lab_ollama.say("Better now.")
    chat.button("Try again").click()

    expect(chat.answers).to_contain_text("Better now.")


def test_an_answer_given_again_is_a_branch_to_page_back_from(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say("Answer one.", once=True)
    lab_ollama.say("Answer two.", once=True)
    chat.open("branches")
    chat.ask("Which answer is this?")

    chat.button("Answer again").click()
    expect(chat.answers).to_contain_text("Answer two.")
    expect(chat.answers).to_contain_text("2 of 2")
    chat.button("Earlier version").click()

    expect(chat.answers).to_contain_text("Answer one.")
    expect(chat.answers).to_contain_text("1 of 2")


def test_a_prompt_in_other_words_is_sent_again(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    chat.open("edit")
    chat.ask("What is a kernle?")

    chat.button("Edit and send again").click()
    chat.region.get_by_role("textbox", name="Message, worded anew").fill("What is a kernel?")
    chat.button("Send again").click()
    expect(chat.prompts).to_contain_text("What is a kernel?")
    expect(chat.button("Send")).to_be_visible()

    sent = lab_ollama.calls("/api/chat")[-1].body["messages"]
    assert [message["content"] for message in sent if message["role"] == "user"] == [
        "What is a kernel?"
    ]


def test_up_brings_back_what_was_sent(chat: ChatPanel) -> None:
    chat.open("up")
    chat.ask("The first question")
    chat.ask("The second question")

    chat.composer.press("ArrowUp")
    chat.composer.press("ArrowUp")

    expect(chat.composer).to_have_value("The first question")


def test_a_deleted_chat_comes_back(chat: ChatPanel) -> None:
    chat.open("undo")
    chat.ask("A chat that will be deleted")
    chat.button("Chats").click()

    chat.button("Delete A chat that will be deleted").click()
    expect(chat.button("Delete A chat that will be deleted")).to_have_count(0)
    chat.button("Undo").click()

    expect(chat.prompts).to_contain_text("A chat that will be deleted")


def test_code_goes_below_the_active_cell_and_does_not_run(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say(_CODE)
    chat.open("insert", ["first = 1", "last = 2"])
    chat.ask("How?")

    chat.button("Insert below the active cell").click()

    assert chat.sources() == ["first = 1", "print(6 * 7)", "last = 2"]
    assert chat.page.locator(".jp-OutputArea-output").count() == 0


def test_code_replaces_the_active_cell_only_after_a_question(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.say(_CODE)
    chat.open("replace", ["old = 1"])
    chat.ask("How?")

    chat.button("Replace the active cell").click()
    dialog = chat.page.get_by_role("dialog")
    before = chat.sources()
    dialog.get_by_role("button", name="Replace").click()
    dialog.wait_for(state="detached")

    assert before == ["old = 1"]
    assert chat.sources() == ["print(6 * 7)"]


def test_a_cell_goes_along_with_a_question(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    chat.open("about", ["answer = 6 * 7"])

    chat.run("ollama-lab:ask-about-cell")
    expect(chat.region.get_by_text("cell 1 of about.ipynb")).to_be_visible()
    expect(chat.composer).to_be_focused()
    chat.ask("What is this?")

    assert "answer = 6 * 7" in lab_ollama.calls("/api/chat")[-1].body["messages"][-1]["content"]


def test_nothing_a_hostile_answer_holds_acts_in_the_panel(
    chat: ChatPanel, page: WatchedPage, lab_ollama: FakeOllama
) -> None:
    attacks = [
        case.armed(number, page.canary.address)
        for number, case in enumerate(attack_corpus.attacks())
    ]
    chat.open("hostile")
    assert len(attacks) >= 60

    # Many in an answer, and all answers in the page together, as an attacker would like.
    for first in range(0, len(attacks), 12):
        lab_ollama.say("\n\n".join(attacks[first : first + 12]))
        chat.ask(f"Attack from {first} on")
    lab_ollama.say("**This is the end.**")
    expect(chat.ask("Is that all?").get_by_role("strong")).to_have_text("This is the end.")
    page.provoke()

    assert page.fired() == []
    assert page.dialogs == []
    assert page.requests == []
    assert page.canary.visits == 0
    unwanted = chat.region.locator("article").locator(
        "img, form, iframe, script, style, svg:not([data-icon]), object, embed, video, audio"
    )
    assert unwanted.count() == 0


@pytest.mark.parametrize(
    "theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]
)
def test_axe_finds_nothing_in_the_panel(
    chat: ChatPanel, lab_ollama: FakeOllama, theme: str
) -> None:
    lab_ollama.say(_RICH, thinking="First the mean, then the docs.")
    chat.open("axe")
    chat.use_theme(theme)
    empty = chat.violations()
    expect(chat.ask("What is a mean?").get_by_role("link")).to_have_text("the docs")
    chat.take_picture(theme.removeprefix("JupyterLab ").lower().replace(" ", "-"))
    answered = chat.violations()
    chat.region.locator(".jp-OllamaLabChat-model").click()
    models = chat.violations()
    chat.button("Chats").click()
    chats = chat.violations()
    chat.button("Parameters").click()
    parameters = chat.violations()
    chat.use_theme("JupyterLab Light")  # JupyterLab keeps it, and more tests follow

    assert empty + answered + models + chats + parameters == []


def test_everything_has_room_in_a_narrow_panel(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.say(_RICH)
    chat.open("narrow")
    # JupyterLab's own least width of a sidebar is 250.
    chat.region.evaluate("panel => { panel.style.minWidth = panel.style.maxWidth = '200px'; }")

    answer = chat.ask("What is a mean?")
    expect(answer.get_by_role("link")).to_have_text("the docs")
    expect(answer.locator("mjx-container")).to_have_count(2)
    chat.take_picture("narrow")

    wide = chat.region.evaluate(
        "panel => [...panel.querySelectorAll('button, textarea, article')]"
        ".filter(part => part.getBoundingClientRect().right > panel.getBoundingClientRect().left + 201)"
        ".map(part => part.outerHTML.slice(0, 80))"
    )
    assert wide == []
