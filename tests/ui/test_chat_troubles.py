"""Bad days in the browser: text that was on the screen stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_ollama import Cut, Never, Pace, Text, Thinking, Wait
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama
    from live_lab import Lab

pytestmark = pytest.mark.ui


@pytest.fixture
def keeping_chat(chat: ChatPanel, lab: Lab) -> Iterator[ChatPanel]:
    """Open a chat whose answers go on without their page."""
    lab.configure("ollama-lab:chat", {"keepRunning": True})
    chat.open_alone()
    yield chat
    lab.configure("ollama-lab:chat", {})


def test_a_tab_closed_in_mid_answer_stops_the_model(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Pace(20), Never(20)])
    chat.open_alone()
    chat.send("Tell me a long story")
    expect(chat.answers).to_contain_text("Once upon a time")

    chat.page.close()

    lab_ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_an_answer_goes_on_without_its_page_where_that_is_set(
    keeping_chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Wait(4), Text(" they lived.")])
    keeping_chat.send("Tell me a long story")
    expect(keeping_chat.answers).to_contain_text("Once upon a time")
    asked = lab_ollama.calls("/api/chat")[-1]

    back = keeping_chat.close_and_come_back(lambda: asked.outcome == "done")

    expect(back.answers).to_contain_text("Once upon a time they lived.")
    expect(back.prompts).to_contain_text("Tell me a long story")


def test_a_reload_in_mid_answer_keeps_text_and_draft_and_the_answer_can_be_stopped(
    keeping_chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Pace(5), Never(5)])
    keeping_chat.send("Tell me a long story")
    expect(keeping_chat.answers).to_contain_text("Once upon a time")
    keeping_chat.composer.fill("And then?")

    keeping_chat.reload("And then?")
    expect(keeping_chat.answers).to_contain_text("Once upon a time")
    expect(keeping_chat.composer).to_have_value("And then?")
    keeping_chat.button("Stop this answer").click()

    expect(keeping_chat.answers).to_contain_text("stopped")
    lab_ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_a_page_that_is_signed_out_says_so_and_loads_again_with_the_draft(
    chat: ChatPanel, lab: Lab
) -> None:
    chat.open_alone()
    chat.ask("Who am I?")
    chat.wait_until_saved("")

    lab.forget_logins()
    chat.send("And now?")
    expect(chat.answers.last).to_contain_text("no longer signed in")
    expect(chat.prompts).to_have_count(2)
    chat.answers.last.get_by_role("button", name="Load the page again").click()
    chat.page.get_by_label("Password or token").fill(lab.token)
    chat.page.get_by_role("button", name="Log in", exact=True).click()

    expect(chat.composer).to_have_value("And now?")
    expect(chat.prompts).to_contain_text("Who am I?")


def test_a_jupyter_server_that_starts_again_goes_on_with_the_chat(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama
) -> None:
    chat.open_alone()
    lab_ollama.script("*", [Text("Once upon a time"), Wait()], once=True)
    lab_ollama.say("They lived happily.")
    chat.send("Tell me a story")
    expect(chat.answers).to_contain_text("Once upon a time")

    lab.restart()
    expect(chat.answers).to_contain_text("The Jupyter server was shut down in mid-answer.")
    expect(chat.answers).to_contain_text("Once upon a time")
    chat.button("Try again").click()

    expect(chat.answers).to_contain_text("They lived happily.")
    expect(chat.answers).to_contain_text("2 of 2")


def test_a_jupyter_server_that_sleeps_is_told_and_the_text_so_far_stays(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama
) -> None:
    chat.page.clock.install()
    chat.open_alone()
    lab_ollama.script("*", [Text("Once upon a time"), Wait()], once=True)
    lab_ollama.say("They lived happily.")
    chat.send("Tell me a story")
    expect(chat.answers).to_contain_text("Once upon a time")

    with lab.asleep():
        chat.page.clock.run_for(40_000)
        expect(chat.answers).to_contain_text("The Jupyter server broke off in the middle")
        expect(chat.answers).to_contain_text("Once upon a time")
    chat.button("Try again").click()

    expect(chat.answers).to_contain_text("They lived happily.")
    expect(chat.answers).to_contain_text("2 of 2")


def test_a_disk_without_room_takes_nothing_from_the_screen(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Wait(5), Text(" they lived.")], once=True)
    lab_ollama.say("Happily.")
    chat.open_alone()
    chat.send("Tell me a story")
    expect(chat.answers).to_contain_text("Once upon a time")

    with lab.without_room():
        expect(chat.answers).to_contain_text("Once upon a time they lived.")
        expect(chat.answers).to_contain_text("Not kept yet: There is no room left to keep chats")
        chat.send("How?")
        expect(chat.answers.last).to_contain_text("There is no room left to keep chats")
        expect(chat.prompts.last).to_contain_text("How?")
    chat.button("Try again").click()

    expect(chat.answers.last).to_contain_text("Happily.")
    expect(chat.answers.first).to_contain_text("Once upon a time they lived.")


def test_a_model_that_is_deleted_while_it_chats_is_told(chat: ChatPanel) -> None:
    chat.open_alone()
    # By the Jupyter server, which believes its list of models for some seconds.
    chat.call("models/copy", {"source": "tiny", "destination": "fleeting"})
    other = chat.another()
    other.choose("fleeting")
    other.ask("Are you there?")

    other.call("models/delete", {"model": "fleeting"})
    other.send("And now?")

    expect(other.answers.last).to_contain_text("Model 'fleeting:latest' is not on this server.")
    expect(other.button("Choose a model")).to_be_visible()
    expect(other.answers.first).to_contain_text("This answer is scripted.")


def test_stop_at_any_moment_keeps_what_was_there(chat: ChatPanel, lab_ollama: FakeOllama) -> None:
    lab_ollama.script("*", [Wait()], once=True)
    lab_ollama.script("*", [Thinking("I wonder"), Wait()], once=True)
    lab_ollama.script("*", [Text("Once upon a time"), Wait()], once=True)
    lab_ollama.say("The end.")
    chat.open_alone()
    chat.choose("tiny-think")

    chat.send("Before the first word")
    expect(chat.answers.last).to_contain_text("reading the prompt")
    _stop(chat)
    chat.send("In a thought")
    expect(chat.answers.last).to_contain_text("I wonder")
    _stop(chat)
    chat.send("In a text")
    expect(chat.answers.last).to_contain_text("Once upon a time")
    _stop(chat)
    chat.ask("After the end")
    chat.composer.press("Escape")

    expect(chat.prompts).to_have_count(4)
    expect(chat.answers.nth(1)).to_contain_text("I wonder")
    expect(chat.answers.nth(2)).to_contain_text("Once upon a time")
    expect(chat.answers.last).to_contain_text("The end.")
    expect(chat.answers.filter(has_text="stopped")).to_have_count(3)
    asked = lab_ollama.calls("/api/chat")
    assert [each.outcome for each in asked] == ["client gone", "client gone", "client gone", "done"]


def _stop(chat: ChatPanel) -> None:
    chat.button("Stop").click()
    chat.button("Send").wait_for()


def test_a_third_answer_in_a_tab_and_a_fifth_in_all_tabs_wait_and_say_so(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    lab_ollama.script("*", [Text("Once upon a time"), Wait()])
    chat.open_alone()
    _fill(chat)
    second = chat.another()
    _fill(second)
    third = chat.another()

    second.send("Me too")
    third.send("And me")
    expect(second.answers).to_contain_text("waiting for another answer to end")
    expect(third.answers).to_contain_text("waiting for another answer to end")
    listed = third.page.evaluate("jupyterapp.serviceManager.contents.get('')")
    asked = len(lab_ollama.calls("/api/chat"))
    chat.page.close()

    expect(third.answers).to_contain_text("Once upon a time")
    expect(second.answers).to_contain_text("waiting for another answer to end")
    assert listed["type"] == "directory"
    assert asked == 4


def _fill(chat: ChatPanel) -> None:
    """Begin two answers, and an empty chat after them."""
    chat.send("Tell me a story")
    expect(chat.answers).to_contain_text("Once upon a time")
    chat.button("New chat").click()
    chat.send("Tell me another")
    expect(chat.answers).to_contain_text("Once upon a time")
    chat.button("New chat").click()
    expect(chat.answers).to_have_count(0)


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
