"""What goes along with a message: picked, dropped or pasted; or one sentence that says why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from chat_panel import ChatPanel
    from fake_ollama import FakeOllama
    from live_lab import Lab
    from playwright.sync_api import Locator

pytestmark = pytest.mark.ui

_LONG_MS = 30_000
_PASTE_IMAGE = """async () => {
    const canvas = new OffscreenCanvas(4, 4);
    canvas.getContext('2d').fillRect(0, 0, 2, 2);
    const image = await canvas.convertToBlob({ type: 'image/png' });
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': image })]);
}"""


def _attached(chat: ChatPanel) -> Locator:
    return chat.region.get_by_role("list", name="Attached to the next message")


def _chip(chat: ChatPanel, name: str) -> Locator:
    return _attached(chat).get_by_role("listitem").filter(has_text=name)


def _expect_tokens(chat: ChatPanel, name: str) -> None:
    expect(_chip(chat, name)).to_contain_text(re.compile(r"[\d,]+ tokens?"), timeout=_LONG_MS)


def _picture(path: Path, shade: int = 0) -> Path:
    PIL.Image.new("RGB", (8, 8), (shade, 0, 0)).save(path)
    return path


def _pick(chat: ChatPanel, name: str) -> None:
    """Open the dialog and select a file; `_confirm` attaches it."""
    chat.button("Attach files").click()
    dialog = chat.page.get_by_role("dialog")
    dialog.locator(".jp-DirListing-item").filter(has_text=name).click()


def _confirm(chat: ChatPanel) -> None:
    dialog = chat.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Select").click()
    dialog.wait_for(state="detached")


def _drag(chat: ChatPanel, source: Locator) -> None:
    """Drag something of JupyterLab's into the panel, as with a mouse."""
    place = chat.composer.bounding_box()
    assert place is not None
    source.hover()
    chat.page.mouse.down()
    chat.page.mouse.move(place["x"] + 20, place["y"] - 40, steps=8)
    chat.page.mouse.move(place["x"] + 30, place["y"] + 10, steps=4)
    chat.page.mouse.up()


def _drop(chat: ChatPanel, *paths: Path) -> None:
    """Drop files of the machine on the panel, as the browser is told by its window."""
    place = chat.composer.bounding_box()
    assert place is not None
    data: dict[str, Any] = {
        "items": [],
        "files": [str(path) for path in paths],
        "dragOperationsMask": 1,
    }
    session = chat.page.context.new_cdp_session(chat.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        at = {"x": place["x"] + 20, "y": place["y"] + 10}
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    session.detach()


def _paste(chat: ChatPanel, script: str) -> None:
    """Put something on the clipboard, and paste it into the field."""
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.page.evaluate(script)
    chat.composer.press("Control+V")


def _choose_one_that_sees(chat: ChatPanel) -> None:
    chat.region.locator(".jp-OllamaLabChat-model").click()
    chat.region.get_by_role("button", name="tiny-see:latest 1.2B").click()


def test_what_is_picked_dragged_dropped_and_pasted_goes_along(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama, tmp_path: Path
) -> None:
    (lab.root / "00-picked.txt").write_text("the picked text")
    (lab.root / "00-dragged.csv").write_text("the,dragged,table")
    outside = tmp_path / "outside.md"
    outside.write_text("the text from outside", encoding="utf-8")
    chat.open("attachments", ["the_cell = 1"])

    _pick(chat, "00-picked.txt")
    _confirm(chat)
    _expect_tokens(chat, "00-picked.txt")
    (lab.root / "00-picked.txt").unlink()  # it was read: that it goes does not matter
    browser = chat.page.locator("#filebrowser .jp-DirListing-item")
    _drag(chat, browser.filter(has_text="00-dragged.csv"))
    _expect_tokens(chat, "00-dragged.csv")
    _drag(chat, chat.page.locator(".jp-Notebook .jp-InputPrompt").first)
    _expect_tokens(chat, "a cell")
    _drop(chat, outside)
    _expect_tokens(chat, "outside.md")
    _paste(chat, "navigator.clipboard.writeText('What are these?')")
    expect(chat.composer).to_have_value("What are these?")
    assert chat.violations() == []
    chat.take_picture("attachments")
    chat.composer.press("Enter")
    expect(chat.answers).to_contain_text("This answer is scripted.", timeout=_LONG_MS)

    sent = lab_ollama.calls("/api/chat")[-1].body["messages"][-1]["content"]
    for text in ("the picked text", "the,dragged,table", "the_cell = 1", "the text from outside"):
        assert text in sent
    assert sent.endswith("What are these?")
    expect(_attached(chat)).to_have_count(0)


def test_what_cannot_be_attached_says_why_and_keeps_the_rest(
    chat: ChatPanel, lab: Lab, tmp_path: Path
) -> None:
    (lab.root / "00-gone.txt").write_text("soon gone")
    folder = tmp_path / "folder"
    folder.mkdir()
    bad = {"empty.txt": b"", "data.bin": b"\x00\xff\xfe\x80", "broken.png": b"\x89PNG\r\n\x1a\nno"}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "good.csv").write_text("1,2", encoding="utf-8")
    chat.open("refused", ["  "])
    chat.composer.fill("My draft")

    _drop(chat, *(tmp_path / name for name in bad), folder, tmp_path / "good.csv")
    _expect_tokens(chat, "good.csv")
    for sentence in (
        "empty.txt: not attached, as there is nothing in it.",
        "data.bin: not attached, as only text in UTF-8 and images can be read.",
        "broken.png: not attached, as this image cannot be drawn. Save it as PNG or JPEG.",
        "folder: not attached, as it is gone or a folder. Attach a file that is there.",
    ):
        expect(chat.region).to_contain_text(sentence)
    _drop(chat, _picture(tmp_path / "seen.png"), _picture(tmp_path / "again.png", 1))
    sees_not = "tiny:latest cannot see images. Choose a model that has vision."
    expect(chat.region.get_by_text(sees_not, exact=True)).to_be_visible()
    _drag(chat, chat.page.locator(".jp-Notebook .jp-InputPrompt").first)
    expect(chat.region).to_contain_text("A cell without code or text is not attached.")
    _pick(chat, "00-gone.txt")
    (lab.root / "00-gone.txt").unlink()
    _confirm(chat)
    expect(chat.region).to_contain_text("00-gone.txt: not attached, as it is gone or a folder.")

    expect(chat.composer).to_have_value("My draft")
    expect(_attached(chat).get_by_role("listitem")).to_have_count(1)


def test_an_image_that_is_pasted_or_picked_and_thirty_at_once_are_seen(
    chat: ChatPanel, lab: Lab, lab_ollama: FakeOllama, tmp_path: Path
) -> None:
    _picture(lab.root / "00-picture.png", 99)
    chat.open("images")
    _choose_one_that_sees(chat)

    _paste(chat, _PASTE_IMAGE)
    expect(_chip(chat, "image.png")).to_be_visible()
    _pick(chat, "00-picture.png")
    _confirm(chat)
    expect(_chip(chat, "00-picture.png")).to_be_visible()
    _drop(chat, *(_picture(tmp_path / f"picture-{n}.png", n) for n in range(30)))
    expect(_attached(chat).get_by_role("listitem")).to_have_count(32, timeout=_LONG_MS)
    expect(chat.button("Send")).to_be_in_viewport()
    chat.send("What do you see?")
    expect(chat.answers).to_contain_text("This answer is scripted.", timeout=_LONG_MS)

    seen = lab_ollama.calls("/api/chat")[-1].body["messages"][-1]["images"]
    assert len(set(seen)) == 32


def test_five_megabytes_that_are_pasted_are_counted_refused_and_not_lost(
    chat: ChatPanel, lab_ollama: FakeOllama
) -> None:
    chat.open("five-megabytes")
    chat.composer.fill("Sum this up")

    _paste(chat, "navigator.clipboard.writeText('words '.repeat(840_000))")
    _expect_tokens(chat, "pasted text")
    expect(chat.region).to_contain_text(re.compile(r"The attachments are about [\d,]{7,} tokens"))
    chat.composer.press("Enter")
    expect(chat.region).to_contain_text(
        re.compile(r"The message has 5,[\d,]+ characters; 2,000,000 are the most here\."),
        timeout=_LONG_MS,
    )
    expect(chat.composer).to_have_value("Sum this up")
    assert lab_ollama.calls("/api/chat") == []
    _chip(chat, "pasted text").get_by_role("button").click()
    chat.composer.press("Enter")

    expect(chat.answers).to_contain_text("This answer is scripted.", timeout=_LONG_MS)
    expect(chat.region).not_to_contain_text("are the most here")
