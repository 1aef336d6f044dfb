"""Cells know ollama-lab: prompts have Markdown's colors, errors a button, cells a menu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from watched_page import Canary, WatchedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fake_ollama import FakeOllama
    from live_lab import Lab
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.ui, pytest.mark.frontend]

_LONG_MS = 30_000
#: Pictures for people to look at; git does not keep them.
_PICTURES = Path(__file__).parent / "screenshots"
#: In Markdown `very` is bold and `and` a word; in Python it is the other way round.
_TEXT = "Be **very** brief and plain."
_FENCE = "%%ollama\nExplain:\n\n```python\ndef f(x): return x\n```"
_PROMPTS = {
    "alone": f"%%ollama\n{_TEXT}",
    "with a model": f"%%ollama tiny:latest\n{_TEXT}",
    "by its other name": f"%%ollama_lab --think\n{_TEXT}",
    "after an empty line": f"\n%%ollama\n{_TEXT}",
    "above a line": f"%%ollama -O a_b=1 _x_\n---\n{_TEXT}",
}
_OTHERS = {
    "Python": _TEXT,
    "a question for help": f"%%ollama?\n{_TEXT}",
    "another magic": f"%%ollamas\n{_TEXT}",
    "the magic further down": f"x = 1\n%%ollama\n{_TEXT}",
}
_COLORED = [*_PROMPTS.values(), *_OTHERS.values(), _FENCE]

_WARNS = "import sys; print('careful', file=sys.stderr)"
_FAILS = {
    "text on stderr": (_WARNS, 0),
    "an exception": ("1 / 0", 1),
    "an exception after text on stderr": (f"{_WARNS}\n1 / 0", 1),
    "a mistake in the syntax": ("def f(:", 1),
    "an exception in its shortest form": ("%xmode Minimal\n1 / 0", 1),
    "an error that says what to do": ("%load_ext ollama_lab\n%ollama show nothing-here", 0),
    "an interrupt": ("raise KeyboardInterrupt", 0),
}
_RUN_EACH = """async () => {
    const { content } = jupyterapp.shell.currentWidget;
    for (let index = 0; index < content.widgets.length; index++) {
        content.activeCellIndex = index;
        await jupyterapp.commands.execute('notebook:run-cell');
    }
}"""
_OTHER_KERNEL = """async () => {
    const { sessionContext } = jupyterapp.shell.currentWidget;
    await sessionContext.changeKernel({ name: 'python3' });
    await sessionContext.session.kernel.info;
}"""
_APPEND = """source => jupyterapp.shell.currentWidget.content.model.sharedModel
    .addCell({ cell_type: 'code', source })"""


def _open(watched: WatchedPage, lab: Lab, name: str, cells: Sequence[str]) -> Page:
    page = watched.page
    page.goto(lab.notebook(name, cells))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    return page


def _cell(page: Page, number: int = 0) -> Locator:
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def _expect_markdown(cell: Locator) -> None:
    word = cell.locator(".cm-line span").get_by_text("very", exact=True)
    expect(word).to_have_css("font-weight", "700", timeout=_LONG_MS)


def _expect_python(cell: Locator) -> None:
    word = cell.locator(".cm-line span").get_by_text("and", exact=True)
    expect(word).to_have_css("font-weight", "700", timeout=_LONG_MS)


def _explain(place: Page | Locator) -> Locator:
    return place.get_by_role("button", name="Explain this error")


def _chat(page: Page) -> Locator:
    return page.get_by_role("region", name="Ollama chat")


@pytest.fixture(scope="module")
def colored(lab: Lab, browser: Browser) -> Iterator[Page]:
    """Open a notebook with prompts and with cells that only look like it."""
    context = browser.new_context(viewport={"width": 1100, "height": 1400}, locale="en-US")
    with Canary() as canary:
        watched = WatchedPage(context.new_page(), lab, canary)
        yield _open(watched, lab, "colored", _COLORED)
    context.close()


@pytest.fixture(scope="module")
def failed(lab: Lab, browser: Browser) -> Iterator[Page]:
    """Run cells that fail in different ways."""
    context = browser.new_context(viewport={"width": 1100, "height": 1400}, locale="en-US")
    with Canary() as canary:
        watched = WatchedPage(context.new_page(), lab, canary)
        page = _open(watched, lab, "failed", [source for source, _ in _FAILS.values()])
        page.evaluate(_RUN_EACH)
        yield page
    context.close()


@pytest.mark.parametrize("number", range(len(_PROMPTS)), ids=_PROMPTS)
def test_a_prompt_has_the_colors_of_markdown(colored: Page, number: int) -> None:
    _expect_markdown(_cell(colored, number))


@pytest.mark.parametrize("number", range(len(_OTHERS)), ids=_OTHERS)
def test_another_cell_has_the_colors_of_python(colored: Page, number: int) -> None:
    _expect_python(_cell(colored, len(_PROMPTS) + number))


def test_code_in_a_prompt_has_the_colors_of_its_language(colored: Page) -> None:
    keyword = _cell(colored, len(_COLORED) - 1).locator(".cm-line span").get_by_text("def")

    expect(keyword).to_have_css("font-weight", "700", timeout=_LONG_MS)


def test_the_line_of_the_magic_is_not_markdown(colored: Page) -> None:
    cell = _cell(colored, list(_PROMPTS).index("above a line"))
    _expect_markdown(cell)

    marked = cell.locator(".cm-line").first.locator("span").all_text_contents()

    assert marked == ["%%ollama"]


def test_cells_with_their_colors_can_be_looked_at(colored: Page) -> None:
    _PICTURES.mkdir(exist_ok=True)
    _expect_markdown(_cell(colored))

    picture = colored.screenshot(path=_PICTURES / "cells-colors.png")

    assert len(picture) > 10_000


def test_typing_the_magic_brings_the_colors(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "typed", [_TEXT])
    _expect_python(_cell(opened))

    _cell(opened).locator(".cm-content").click()
    opened.keyboard.press("ControlOrMeta+Home")
    opened.keyboard.insert_text("%%ollama\n")

    _expect_markdown(_cell(opened))


def test_the_colors_go_when_the_magic_goes(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "gone", [_PROMPTS["alone"]])
    _expect_markdown(_cell(opened))

    _cell(opened).locator(".cm-content").click()
    opened.keyboard.press("ControlOrMeta+Home")
    opened.keyboard.insert_text("# ")

    _expect_python(_cell(opened))


def test_a_prompt_that_is_added_later_is_colored(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "added", ["x = 1"])

    opened.evaluate(_APPEND, _PROMPTS["alone"])

    _expect_markdown(_cell(opened, 1))


def test_the_colors_stay_when_another_kernel_says_its_language(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "kernel", [_PROMPTS["alone"], _TEXT])
    _expect_markdown(_cell(opened))

    opened.evaluate(_OTHER_KERNEL)

    _expect_markdown(_cell(opened))
    _expect_python(_cell(opened, 1))


@pytest.mark.parametrize(
    ("number", "count"),
    [
        pytest.param(number, count, id=name)
        for number, (name, (_, count)) in enumerate(_FAILS.items())
    ],
)
def test_only_an_error_that_leaves_a_question_has_a_button(
    failed: Page, number: int, count: int
) -> None:
    cell = _cell(failed, number)
    expect(cell.locator(".jp-OutputArea-output pre").first).to_be_visible(timeout=_LONG_MS)

    expect(_explain(cell)).to_have_count(count)


def test_errors_can_be_looked_at(failed: Page) -> None:
    _PICTURES.mkdir(exist_ok=True)

    picture = failed.screenshot(path=_PICTURES / "cells-errors.png")

    assert len(picture) > 10_000


def test_the_button_asks_with_the_code_and_the_error(
    page: WatchedPage, lab: Lab, lab_ollama: FakeOllama
) -> None:
    lab_ollama.forget()
    opened = _open(page, lab, "explained", ["def half(x):\n    return x / 0\n\nhalf(8)"])
    opened.evaluate(_RUN_EACH)

    _explain(opened).press("Enter")

    asked = _chat(opened).get_by_role("article", name="You")
    expect(asked).to_contain_text("Explain this error", timeout=_LONG_MS)
    expect(asked.get_by_role("listitem")).to_have_text(
        ["cell 1 of explained.ipynb", "error of cell 1 of explained.ipynb"]
    )
    # Waiting in the page: while this thread waits for anything else, so do the page's requests,
    # each of which Playwright asks `WatchedPage` about.
    expect(_chat(opened)).to_contain_text("This answer is scripted.", timeout=_LONG_MS)
    sent = lab_ollama.calls("/api/chat")[-1].body["messages"][-1]["content"]
    assert "def half(x):" in sent
    assert "ZeroDivisionError: division by zero" in sent
    assert "\x1b" not in sent


def test_the_command_explains_the_error_of_the_active_cell(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "commanded", ["x = 1", "1 / 0"])
    opened.evaluate(_RUN_EACH)

    opened.evaluate("jupyterapp.commands.execute('ollama-lab:explain-error')")

    asked = _chat(opened).get_by_role("article", name="You")
    expect(asked).to_contain_text("error of cell 2 of commanded.ipynb", timeout=_LONG_MS)


def test_an_error_in_a_view_of_its_own_is_explained_without_a_cell(
    page: WatchedPage, lab: Lab
) -> None:
    opened = _open(page, lab, "view", ["1 / 0"])
    opened.evaluate(_RUN_EACH)
    opened.evaluate("jupyterapp.commands.execute('notebook:create-output-view')")

    _explain(opened.locator(".jp-LinkedOutputView")).click()

    asked = _chat(opened).get_by_role("article", name="You")
    expect(asked.get_by_role("listitem")).to_have_text(["an error"], timeout=_LONG_MS)


def test_the_menu_of_a_cell_takes_it_into_the_chat(page: WatchedPage, lab: Lab) -> None:
    opened = _open(page, lab, "menu", ["x = 1", "y = 2"])

    _cell(opened, 1).click(button="right")
    opened.get_by_role("menuitem", name="Ask about This Cell").click()

    attached = _chat(opened).get_by_role("list", name="Attached to the next message")
    expect(attached).to_contain_text("cell 2 of menu.ipynb", timeout=_LONG_MS)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("an exception", 1, id="with an error"),
        pytest.param("text on stderr", 0, id="without one"),
    ],
)
def test_the_menu_explains_only_where_there_is_an_error(
    failed: Page, name: str, count: int
) -> None:
    cell = _cell(failed, list(_FAILS).index(name))

    cell.locator(".jp-InputArea").click(button="right")
    failed.get_by_role("menuitem", name="Ask about This Cell").wait_for()
    offered = failed.get_by_role("menuitem", name="Explain the Error of This Cell").count()
    failed.keyboard.press("Escape")

    assert offered == count
