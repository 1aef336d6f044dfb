"""Answers with nothing bad in them look in a real JupyterLab as they were meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import attack_corpus
import pytest
from watched_page import Canary, WatchedPage, complaints, published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_lab import Lab
    from playwright.sync_api import Browser

pytestmark = pytest.mark.ui

_CASES = attack_corpus.benign()
_NAMES = [case.name for case in _CASES]
_SAFE = "__import__('ollama_lab.sanitize').sanitize.sanitize"
#: Pictures for people to look at; git does not keep them.
_PICTURES = Path(__file__).parent / "screenshots"


@pytest.fixture(scope="module")
def drawn(lab: Lab, browser: Browser) -> Iterator[WatchedPage]:
    """Draw every harmless answer once, below each other."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-US")
    with Canary() as canary:
        page = WatchedPage(context.new_page(), lab, canary)
        page.run("harmless", published([case.text for case in _CASES], _SAFE), until=len(_CASES))
        yield page
    context.close()


def test_nothing_but_the_elements_of_an_answer_is_drawn(drawn: WatchedPage) -> None:
    assert complaints(drawn.audit(), _NAMES) == []
    assert drawn.requests == []


@pytest.mark.parametrize("number", range(len(_CASES)), ids=_NAMES)
def test_an_answer_can_be_looked_at(drawn: WatchedPage, number: int) -> None:
    _PICTURES.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", _NAMES[number])

    picture = drawn.outputs().nth(number).screenshot(path=_PICTURES / f"{name}.png")

    assert len(picture) > 500


@pytest.mark.parametrize(
    ("name", "selector", "texts"),
    [
        pytest.param("table", "td code", ["List<int>", "a|b", "x | y"], id="code in a table"),
        pytest.param("table", "th", ["Name", "Type", "Share"], id="head of a table"),
        pytest.param(
            "fence with tags",
            "pre code",
            ['<!DOCTYPE html>\n<p class="x">a &amp; b < c</p>'],
            id="tags in a fence",
        ),
        pytest.param(
            "code with tags in a sentence",
            "code",
            ["<details>", "a < b && c > d", '"quoted"', "x = y[0]", "C:\\dir\\new"],
            id="tags in code",
        ),
        pytest.param(
            "comparison in a sentence",
            "p",
            ["If a < b and c > d, then a <= d; also x<y and 5>3 & more."],
            id="less than",
        ),
        pytest.param(
            "generics in a sentence",
            "p",
            ["A List<String> or a Map<K, V<T>> in Java, vector<int> in C++."],
            id="generics",
        ),
        pytest.param(
            "nested lists",
            "ol li pre code",
            ['echo "$HOME" > a.txt && cat < a.txt', "x = 1"],
            id="code in a list",
        ),
        pytest.param("quote", "blockquote blockquote p", ["nested"], id="quote in a quote"),
        pytest.param("quote", "blockquote code", ["code <b>"], id="code in a quote"),
        pytest.param(
            "links",
            "a[href]",
            [
                "the docs",
                "https://example.org/x?a=1&b=2",
                "https://example.org/path?a=1&copy=2&lt=3",
                "www.example.org",
                "someone@example.org",
                "a reference",
            ],
            id="links",
        ),
        pytest.param(
            "entities",
            "p",
            ["Tom & Jerry, 5 < 6, © 2026, AT&T, \xa0x, € and &unknown;"],
            id="entities",
        ),
        pytest.param("emphasis and strike", "strong", ["bold", "both", "under"], id="bold"),
        pytest.param("emphasis and strike", "del", ["gone"], id="strike"),
        pytest.param(
            "escapes",
            "p",
            [
                "*not italic* # not a heading, 1. not a list, a_b, back\\slash, `no code`, $5 and [x]"
            ],
            id="escapes",
        ),
        pytest.param("image", "a[href='https://example.org/cat.png']", ["A cat"], id="image"),
        pytest.param("python answer", "p code", ["\\$(\\d+)", "with open(path) as f:"], id="regex"),
        pytest.param(
            "indented code",
            "pre code",
            ['for x in range(3):\n    print(x < 2, "<b>")\n\ndone()'],
            id="indented code",
        ),
        pytest.param(
            "fence in a fence",
            "pre code",
            ['# Title\n\n```python\nprint("<hi>")\n```'],
            id="fence in a fence",
        ),
        pytest.param(
            "latex source in a fence",
            "pre code",
            ["\\begin{align}\na &< b \\\\\n\\end{align}\n$x$"],
            id="latex source",
        ),
        pytest.param("unclosed fence", "pre code", ['x = "<b>"'], id="unclosed fence"),
    ],
)
def test_an_answer_says_what_was_meant(
    drawn: WatchedPage, name: str, selector: str, texts: list[str]
) -> None:
    found = drawn.outputs().nth(_NAMES.index(name)).locator(selector).all_text_contents()

    assert [text.removesuffix("\n") for text in found] == texts


@pytest.mark.parametrize(
    ("name", "selector", "count"),
    [
        pytest.param("table", "td mjx-container", 1, id="formula in a table"),
        pytest.param("formulas", "mjx-container", 5, id="formulas"),
        pytest.param("formulas", "mjx-container[display=true]", 3, id="displayed formulas"),
        pytest.param("formulas", "mjx-merror", 0, id="no formula in error"),
        pytest.param("chemistry and braces", "mjx-container", 4, id="braces in formulas"),
        pytest.param("chemistry and braces", "mjx-merror", 0, id="no braces in error"),
        pytest.param("money", "mjx-container", 1, id="money is no formula"),
        pytest.param("nested lists", "ol > li > ul > li", 2, id="list in a list"),
        pytest.param("task list", "li input[type=checkbox]", 2, id="task list"),
        pytest.param("headings and rule", "h1, h2, h3", 3, id="headings"),
        pytest.param("headings and rule", "hr", 1, id="rule"),
        pytest.param("hard breaks", "br", 2, id="hard breaks"),
    ],
)
def test_an_answer_has_the_parts_that_were_meant(
    drawn: WatchedPage, name: str, selector: str, count: int
) -> None:
    assert drawn.outputs().nth(_NAMES.index(name)).locator(selector).count() == count


def test_code_is_colored(drawn: WatchedPage) -> None:
    code = drawn.outputs().nth(_NAMES.index("python answer")).locator("pre code")

    assert code.locator("span[class]").count() > 20


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("the docs", "https://docs.example.org/a_%28b%29?q=1&r=2#top", id="inline"),
        pytest.param(
            "https://example.org/x?a=1&b=2", "https://example.org/x?a=1&b=2", id="in angles"
        ),
        pytest.param(
            "https://example.org/path?a=1&copy=2&lt=3",
            "https://example.org/path?a=1&copy=2&lt=3",
            id="bare",
        ),
        pytest.param("someone@example.org", "mailto:someone@example.org", id="mail"),
        pytest.param("a reference", "https://example.org/ref", id="reference"),
    ],
)
def test_a_link_leads_where_the_model_said(drawn: WatchedPage, text: str, address: str) -> None:
    links = drawn.outputs().nth(_NAMES.index("links")).locator("a")

    found = links.filter(has_text=re.compile(f"^{re.escape(text)}$")).first.evaluate("a => a.href")

    assert found == address
