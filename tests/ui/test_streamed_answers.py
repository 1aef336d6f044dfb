"""Answers that grow in the page: the same as at once, harmless, and cheap."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import answer_page
import attack_corpus
import hostile_mixtures
import pytest
from live_lab import Lab
from watched_page import WatchedPage, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from watched_page import Canary

pytestmark = [pytest.mark.ui, pytest.mark.frontend]

#: What a model's Markdown is made of, with everything in which one block looks like two.
_FRAGMENTS = [
    "# Head `x`",
    "Setext\n===",
    "para one with **bold** and `code`\nsecond line",
    "- a\n- b\n  - c\n- d",
    "1. one\n\n2. two\n\n   para in item\n\n3. three",
    "- item\n\n  ```python\n  x = 1\n\n  y = 2\n  ```\n- next",
    "```python\ndef f():\n\n    return 1\n```",
    "~~~js\nlet a = `x`;\n\n```\nnot end\n~~~",
    "````md\n```python\nx\n```\n````",
    "| a | b |\n|---|--:|\n| 1 | 2 |",
    "> quote\n> more\n\n> second",
    "    indented code\n\n    more code",
    "\ttabbed code\n\n\tmore code",
    "***",
    "<details><summary>S</summary>\n\ninner **md**\n\n</details>",
    "<div>\nraw html\n</div>",
    "Text\n- list after para\n- two",
    "end\n```\nno lang\n```\nafter fence",
    "* star\n\n- dash",
    "[link](https://e.org) ![i](x.png) ![j](https://e.org/j.png)",
    "Line with trailing spaces  \nbreak",
    "1. x\n```sh\nls\n```\n2. y",
    "- [ ] todo\n- [x] done",
    "a <b>bold</b> c <br> d",
    "<!-- comment\n\nstill -->\nafter",
    "## H2\ntext right after\n### H3",
    "ref [foo][1] here",
    "```mermaid\ngraph TD; A-->B\n```",
    "$a_{i}$ and $$\n\\frac{a}{b}\n$$",
]
_LAST = ["**unclosed bold", "```python\nunclosed fence", "- ```\n  unclosed in a list"]
_AUDIT = """() => {
    const tags = new Set(`A ABBR B BLOCKQUOTE BR CAPTION CITE CODE COL COLGROUP DD DEL DETAILS DFN
        DIV DL DT EM FIGCAPTION FIGURE H1 H2 H3 H4 H5 H6 HR I INS KBD LI MARK OL P PRE Q S SAMP
        SMALL SPAN STRIKE STRONG SUB SUMMARY SUP TABLE TBODY TD TFOOT TH THEAD TR TT U UL VAR`
        .split(/\\s+/));
    const names = new Set('align class colspan dir href open rel rowspan start target title'.split(' '));
    const classes = /^(ͼ\\w+|language-.+|mathjax_ignore)$/;
    const bad = node => [
        ...(tags.has(node.tagName) ? [] : [node.tagName]),
        ...[...node.attributes].filter(({name}) => !names.has(name)).map(({name}) => `${node.tagName} ${name}`),
        ...[...node.classList].filter(one => !classes.test(one)).map(one => `class ${one}`),
        ...(!node.href || /^(https?|mailto):$/.test(node.protocol) ? [] : [`href ${node.href}`])];
    const inFormula = node => /^(href|on\\w+|src|style=.*url)/i.test(node.name);
    return [...window.ollamaLabPage.panel.children].map(answer => [
        ...[...answer.querySelectorAll('*')].filter(node => !node.closest('mjx-container')).flatMap(bad),
        ...[...answer.querySelectorAll('mjx-container *')].flatMap(node => [...node.attributes])
            .filter(inFormula).map(one => `formula ${one.name}=${one.value}`)]);
}"""


@pytest.fixture(scope="module")
def answer_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run a JupyterLab in which a page has the streaming renderer by itself."""
    folder = tmp_path_factory.mktemp("answers")
    answer_page.install(folder)
    with Lab(folder) as running:
        yield running


@pytest.fixture
def watched(answer_lab: Lab, browser: Browser, canary: Canary) -> Iterator[WatchedPage]:
    """Open a page that has the renderer, and writes down whatever acts."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, locale="en-US")
    try:
        page = WatchedPage(context.new_page(), answer_lab, canary)
        answer_page.show(page.page, answer_lab)
        yield page
    finally:
        context.close()


def call(page: WatchedPage, method: str, *arguments: Any) -> Any:
    """Call a method of the renderer's page."""
    return answer_page.call(page.page, method, *arguments)


def documents(seed: int, count: int) -> list[tuple[str, list[int]]]:
    """Make texts of nasty fragments, each with the lengths of the pieces it comes in."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        parts = dice.choices(_FRAGMENTS, k=dice.randint(0, 6)) + dice.choices(_FRAGMENTS + _LAST)
        text = ("\n\n" if dice.random() < 0.85 else "\n").join(parts)
        if "[1]" in text and dice.random() < 0.7:
            text += "\n\n[1]: https://ref.example/\n"
        pieces = [dice.randint(1, 9) if dice.random() < 0.85 else 0 for _ in range(len(text) // 4)]
        made.append((text, pieces))
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_answer_that_came_in_pieces_looks_as_if_it_came_at_once(
    watched: WatchedPage, seed: int
) -> None:
    assert call(watched, "differences", documents(seed, 200)) == []


def test_nothing_a_hostile_answer_holds_acts_while_it_grows(watched: WatchedPage) -> None:
    cases = attack_corpus.attacks()
    armed = [case.armed(number, watched.canary.address) for number, case in enumerate(cases)]

    call(watched, "showAll", armed)
    watched.provoke()
    watched.page.wait_for_load_state("networkidle")

    assert watched.fired() == []
    assert watched.dialogs == []
    assert watched.requests == []
    assert watched.canary.visits == 0
    assert complaints(watched.page.evaluate(_AUDIT), [case.name for case in cases]) == []


@pytest.mark.parametrize("seed", [3001, 3002])
def test_no_mixture_of_hostile_fragments_acts_while_it_grows(
    watched: WatchedPage, seed: int
) -> None:
    mixed = hostile_mixtures.mixtures(seed, 200)
    armed = [
        text.replace("FIRE", f"fire({number})").replace(
            "CANARY", f"{watched.canary.address}/{number}"
        )
        for number, text in enumerate(mixed)
    ]

    call(watched, "showAll", armed)
    watched.provoke()
    watched.page.wait_for_load_state("networkidle")

    assert watched.fired() == []
    assert watched.requests == []
    assert complaints(watched.page.evaluate(_AUDIT), mixed) == []


def test_a_link_tells_where_it_leads_and_opens_beside_jupyterlab(watched: WatchedPage) -> None:
    call(watched, "showAll", ["[look](https://example.org/a?b)"])
    link = watched.page.locator("#ollama-lab-page a")

    assert link.get_attribute("title") == "https://example.org/a?b"
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in (link.get_attribute("rel") or "")


def test_a_picture_is_a_link_and_nothing_is_fetched(watched: WatchedPage) -> None:
    call(watched, "showAll", [f"![a cat](http://{watched.canary.address}/cat.png)"])

    assert watched.page.locator("#ollama-lab-page a").inner_text() == "Image: a cat"
    assert watched.page.locator("#ollama-lab-page img").count() == 0
    assert watched.requests == []


def test_a_diagram_stays_the_code_that_it_is(watched: WatchedPage) -> None:
    call(watched, "showAll", ["```mermaid\ngraph TD; A-->B\n```"])

    assert watched.page.locator("#ollama-lab-page pre").inner_text().strip() == "graph TD; A-->B"
    assert watched.page.locator("#ollama-lab-page svg").count() == 0


def test_formulas_are_drawn_but_for_those_that_act(watched: WatchedPage) -> None:
    call(watched, "showAll", ["$x_1$\n\n$\\href{https://example.org}{y}$"])
    watched.page.locator("#ollama-lab-page mjx-container").wait_for()

    assert watched.page.locator("#ollama-lab-page mjx-container").count() == 1
    assert "$\\href" in watched.page.locator("#ollama-lab-page").inner_text()


def test_growing_takes_a_fifth_of_the_work_of_rendering_anew_at_most(
    watched: WatchedPage,
) -> None:
    # 11 kB, 2,700 tokens: the work of the naive way grows with the square of it.
    text = "\n\n".join(text for text, _ in documents(7, 70)).replace("[1]", "[ 1 ]")[:11_000]

    naive, _ = answer_page.work_seconds(watched.page, "feed", "naive", text, 12, 5)
    ours, _ = answer_page.work_seconds(watched.page, "feed", "ours", text, 12, 5)

    assert ours <= naive / 5, f"naive {naive:.2f} s, ours {ours:.2f} s"
