"""A model's Markdown becomes Markdown that cannot act, and costs the same per character always."""

from __future__ import annotations

import random
import time

import attack_corpus
import hostile_mixtures
import inert
import pytest

from ollama_lab.sanitize import LiveMarkdown, escape, sanitize, visible

_ATTACKS = attack_corpus.attacks()
_CANARY = "127.0.0.1:9"


def _live(text: str, *, seed: int, most: int = 12) -> str:
    """Feed a text in random pieces, looking at what there is now and then."""
    chance = random.Random(seed)
    live = LiveMarkdown()
    at = 0
    while at < len(text):
        cut = at + chance.randint(1, most)
        live.feed(text[at:cut])
        at = cut
        if chance.random() < 0.3:
            live.markdown()
    return live.markdown()


def _cost(text: str) -> float:
    """CPU seconds of a text that comes in 40 pieces and is shown after each; the better of two."""
    return min(_cost_once(text) for _ in range(2))


def _cost_once(text: str) -> float:
    piece = len(text) // 40 + 1
    start = time.process_time()
    live = LiveMarkdown()
    for at in range(0, len(text), piece):
        live.feed(text[at : at + piece])
        live.markdown()
    return time.process_time() - start


# Attacks


@pytest.mark.parametrize(
    ("number", "case"),
    [
        pytest.param(number, case, id=f"{case.kind}: {case.name}")
        for number, case in enumerate(_ATTACKS)
    ],
)
def test_an_attack_becomes_text(number: int, case: attack_corpus.Case) -> None:
    safe = sanitize(case.armed(number, _CANARY))

    assert inert.complaints(safe) == []
    assert inert.acting(safe) == []


@pytest.mark.parametrize("seed", range(8))
def test_no_mixture_of_hostile_fragments_can_act(seed: int) -> None:
    safe = [(text, sanitize(text)) for text in hostile_mixtures.mixtures(seed, 400)]

    found = [(text, inert.complaints(shown), inert.acting(shown)) for text, shown in safe]

    assert [case for case in found if case[1] or case[2]] == []


@pytest.mark.parametrize("seed", range(4))
def test_a_live_answer_ends_as_the_whole_would(seed: int) -> None:
    texts = hostile_mixtures.mixtures(seed, 400)

    ends = [(text, _live(text, seed=seed)) for text in texts]

    assert [text for text, end in ends if end != sanitize(text)] == []


@pytest.mark.parametrize("seed", range(4))
def test_no_state_of_a_live_answer_can_act(seed: int) -> None:
    text = "\n".join(hostile_mixtures.mixtures(seed, 12))
    live = LiveMarkdown()
    states = []

    for at in range(0, len(text), 7):
        live.feed(text[at : at + 7])
        states.append(live.markdown())

    assert [state for state in states if inert.complaints(state) or inert.acting(state)] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x `a\n\r\n``` b" * 4000, id="many lines"),
        pytest.param("word <b> [a](http://x/y) $5 `c` " * 1500, id="one line with spaces"),
        pytest.param("語<b>語![x](y)" * 3000, id="one line of letters beyond ascii"),
        pytest.param("a]($`<" * 6000, id="one line without a space"),
        pytest.param("- x\n  ```\n  " + "<b>" * 8000, id="one line of code in a list"),
        pytest.param("\n    " + "<b>" * 8000 + "\nx", id="one line of indented code"),
    ],
)
def test_a_line_too_long_to_be_looked_at_at_once_is_safe_all_the_same(text: str) -> None:
    safe = sanitize(text)

    assert inert.complaints(safe) == []
    assert _live(text, seed=1, most=900) == safe


# What a model meant


@pytest.mark.parametrize(
    ("markdown", "safe"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("a < b", "a &lt; b", id="less than"),
        pytest.param("AT&T &amp; &copy; &lt;b&gt;", "AT&amp;T &amp; © &lt;b&gt;", id="entities"),
        pytest.param("<b>x</b>", "&lt;b>x&lt;/b>", id="html"),
        pytest.param("`a` and `<b>`", "`a` and <code>&#60;b&#62;</code>", id="code"),
        pytest.param("[a](http://b/c 'd')", "[a](http://b/c)", id="link"),
        pytest.param("x [a](javascript:b)", "x [a&#93;(javascript:b)", id="link that acts"),
        pytest.param(
            "[](https://a.example/)",
            "[https&#58;//a.example/](https://a.example/)",
            id="link without a text",
        ),
        pytest.param("![a](http://b/c.png)", "[a](http://b/c.png)", id="image"),
        pytest.param("![](http://b/c.png)", "[image](http://b/c.png)", id="image without a text"),
        pytest.param(
            "<https://a.example>", "[https&#58;//a.example](https://a.example)", id="autolink"
        ),
        pytest.param("[a]: http://b 'c'", "[a]: http://b", id="definition"),
        pytest.param("[a]: data:b", "[a]&#58; data:b", id="definition that acts"),
        pytest.param("$x<y$ and \\(z\\)", "$x\\lt y$ and $z$", id="formula"),
        pytest.param("\\[\nx^2\n\\]", "$$x^2$$", id="displayed formula"),
        pytest.param("> $$\n> x\n> $$", "> $$x$$", id="displayed formula in a quote"),
        pytest.param(
            "\\begin{align}\nx\n\\end{align}", "$$\\begin{align} x \\end{align}$$", id="environment"
        ),
        pytest.param("$x$th of $n$", "$x$th of $n$", id="formula at a word"),
        pytest.param("$5 to $6", "<span>&#36;</span>5 to <span>&#36;</span>6", id="money"),
        pytest.param(
            "$\\href{x}{y}$",
            "<code>&#36;&#92;href&#123;x&#125;&#123;y&#125;&#36;</code>",
            id="formula that acts",
        ),
        pytest.param(
            "$x\n\ny$", "<span>&#36;</span>x\n\ny<span>&#36;</span>", id="formula over a blank line"
        ),
        pytest.param("\\[see\\] \\*", "&#91;see&#93; &#42;", id="escapes"),
        pytest.param("```py\na<b\n```\nc", "```py\na<b\n```\n\nc", id="fence"),
        pytest.param("~~~\n```\n~~~", "````\n```\n````", id="fence of tildes"),
        pytest.param("```mermaid\ngraph\n```", "```\ngraph\n```", id="diagram"),
        pytest.param("```py\na<b", "```py\na<b\n```", id="fence that is open"),
        pytest.param("- x\n  ```py\n  a\n  ```", "- x\n  ```py\n  a\n  ```", id="fence in a list"),
        pytest.param(
            "- x\n  ```\n  <b>\n  c\n  ```\n- y",
            "- x\n  <pre><code>&#60;b&#62;&#10;c</code></pre>\n- y",
            id="fence with a tag in a list",
        ),
        pytest.param("x\n\n    <b>\n\ny", "x\n\n```\n<b>\n```\n\ny", id="indented code"),
        pytest.param("a\\\nb", "a  \nb", id="hard break"),
        pytest.param("get ftp://a", "get ftp&#58;//a", id="ftp"),
        pytest.param("a\r\nb\rc", "a\nb␍c", id="line ends"),
        pytest.param("\ud83d \x1b[1m", "\ufffd ␛[1m", id="surrogate and escape sequence"),
    ],
)
def test_it_says_what_the_model_meant(markdown: str, safe: str) -> None:
    assert sanitize(markdown) == safe


@pytest.mark.parametrize(
    "markdown",
    [
        pytest.param("# Title\n\nSome **bold**, *italic* and ~~gone~~ prose: 5 > 3!\n", id="prose"),
        pytest.param("1. a\n   - b\n     - c\n2. d\n\n- [x] e\n", id="lists"),
        pytest.param("| a | b |\n|:--|--:|\n| 1 | `x` |\n", id="table"),
        pytest.param("> a\n>\n> > b\n\n---\n", id="quotes and rule"),
        pytest.param("See https://a.example/b_c?d=1#e or www.a.example.\n", id="bare links"),
        pytest.param("x [y] [z][w], f(x)[0]; {a: 1}\n", id="brackets"),
        pytest.param("```python\nif a < b:\n    print('&', \"<b>\")\n```\n", id="code"),
        pytest.param("Größe 日本語 שלום 👩‍🚀\n", id="letters of the world"),
    ],
)
def test_what_cannot_act_stays_as_it_was(markdown: str) -> None:
    assert sanitize(markdown) == markdown


def test_an_open_formula_is_shown_as_text_until_it_closes() -> None:
    live = LiveMarkdown()

    live.feed("$$\nx = 1\n")
    before = live.markdown()
    live.feed("$$\n")

    assert before == "<span>&#36;</span><span>&#36;</span>\nx = 1\n"
    assert live.markdown() == "$$x = 1$$\n"


def test_line_ends_cut_in_two_are_one() -> None:
    live = LiveMarkdown()

    live.feed("a\r")
    live.markdown()
    live.feed("\nb")

    assert live.markdown() == "a\nb"


# Characters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\tb\n", "a\tb\n", id="tab and newline"),
        pytest.param("\x1b]0;x\x07", "␛]0;x␇", id="escape sequence"),
        pytest.param("\x9b31m", "␛[31m", id="c1"),
        pytest.param("a\r\nb\rc", "a\nb␍c", id="carriage return"),
        pytest.param("a\x85b\u2028c\u2029d", "a␤b␤c␤d", id="other line ends"),
        pytest.param("\u202eabc\u2066d", "‹U+202E›abc‹U+2066›d", id="turned around"),
        pytest.param("\x00\x7f", "␀␡", id="zero and delete"),
        pytest.param("\ud83dx", "\ufffdx", id="lone surrogate"),
    ],
)
def test_characters_that_act_or_hide_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_escaped_text_is_one_line_without_a_sign_that_means_anything() -> None:
    escaped = escape("<b>&amp;\n*x* [y](z) `c` $m$ http://a www.b @@0@@ \\")

    assert inert.complaints(f"<pre><code>{escaped}</code></pre>") == []
    assert not set(escaped) & set("<>*_`[]$\\@:\n")


# Cost


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("`", id="backticks"),
        pytest.param("` `` ``` ", id="runs of backticks"),
        pytest.param("<", id="less than"),
        pytest.param("[", id="brackets"),
        pytest.param("](a(", id="links that do not close"),
        pytest.param("![a", id="images that do not close"),
        pytest.param("> ", id="quotes in one line"),
        pytest.param("> x\n", id="lines of quotes"),
        pytest.param("- ", id="items in one line"),
        pytest.param("${", id="formulas that do not close"),
        pytest.param("$$a\n", id="displayed formulas"),
        pytest.param("\\[\n\n", id="displayed formulas that do not close"),
        pytest.param("\\begin{align}\n", id="environments that do not close"),
        pytest.param("&a", id="entities that do not close"),
        pytest.param("http://a/$", id="addresses"),
        pytest.param("[a]: ", id="definitions"),
        pytest.param("```\n", id="fences"),
        pytest.param("- a\n  ```\n  <\n", id="fences in lists"),
        pytest.param("\n    <", id="indented code"),
        pytest.param("a", id="one word"),
        pytest.param("語", id="one line without a space"),
    ],
)
def test_twice_the_answer_costs_about_twice_the_work(piece: str) -> None:
    small, large = (_cost(piece * (size // len(piece))) for size in (40_000, 80_000))

    # Twice is meant; what is quadratic costs four times and more at ten times this size.
    assert large <= 3.5 * small + 0.02
