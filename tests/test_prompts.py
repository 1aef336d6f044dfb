"""What goes into a prompt, and what must stay as it was typed."""

from __future__ import annotations

import datetime as dt
import doctest
import random
import re
import time
from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ollama_lab import braces, prompts
from ollama_lab.errors import BadUsage
from ollama_lab.prompts import Turn, assistant, context_tokens, estimate_tokens, expand, fit, user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@dataclass
class Row:
    shape: tuple[int, int] = (3, 4)
    b: list[dict[str, Any]] = field(default_factory=lambda: [{"c": "deep"}])


NS: dict[str, Any] = {
    "x": 5,
    "i": 7,
    "a": "A",
    "b": "B",
    "n": 1234567.891,
    "name": "Ada",
    "größe": 12,
    "color": "blue",
    "d": {"key": "value", "two words": 2, 0: "zero"},
    "row": [10, 20, 30],
    "df": Row(),
    "day": dt.date(2026, 11, 24),
    "_": "the last answer",
    "braces": "{x} {{a}}",
    "html": "<b>$1 `</b>",
}


@pytest.mark.parametrize("module", [prompts, braces])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        pytest.param("x is {x}.", "x is 5.", id="name"),
        pytest.param("{x}", "5", id="nothing else"),
        pytest.param("{x} and {x}", "5 and 5", id="twice"),
        pytest.param("{a}{b}", "AB", id="side by side"),
        pytest.param("{n:,.2f}", "1,234,567.89", id="format"),
        pytest.param("[{x:>4}]", "[   5]", id="alignment"),
        pytest.param("[{x: >4}]", "[   5]", id="blank as fill"),
        pytest.param("{day:%d %B %Y}", "24 November 2026", id="date format"),
        pytest.param("{df.shape}", "(3, 4)", id="attribute"),
        pytest.param("{row[0]}, {row[-1]}", "10, 30", id="index"),
        pytest.param('{d["key"]}', "value", id="key in double quotes"),
        pytest.param("{d['two words']}", "2", id="key in single quotes"),
        pytest.param("{d[0]}", "zero", id="number as key"),
        pytest.param("{df.b[0]['c']:>6}", "  deep", id="chain and format"),
        pytest.param("{größe} m", "12 m", id="letters beyond ASCII"),
        pytest.param("({_})", "(the last answer)", id="last answer"),
        pytest.param("{braces}", "{x} {{a}}", id="values are not read again"),
        pytest.param("{html} {x}", "<b>$1 `</b> 5", id="marks in values mean nothing"),
        pytest.param('{"k": {x}}', '{"k": 5}', id="inside JSON"),
        pytest.param("foo{x}", "foo5", id="behind a word"),
        pytest.param("**{x}** _{x} {x}_", "**5** _{x} 5_", id="emphasis"),
        pytest.param("costs $5 and {x} then $6", "costs $5 and 5 then $6", id="prices"),
        pytest.param("$5/$6 for {x} more", "$5/$6 for 5 more", id="prices side by side"),
        pytest.param("US$ {x} or 9 US$", "US$ 5 or 9 US$", id="currency before a blank"),
        pytest.param(r"\$5 {x} \$6", r"\$5 5 \$6", id="escaped dollars"),
        pytest.param("it's `open {x}", "it's `open 5", id="lone backtick"),
        pytest.param(r"\`{x}\`", r"\`5\`", id="escaped backticks"),
        pytest.param("`a\n\n{x}`", "`a\n\n5`", id="code ends with its paragraph"),
        pytest.param("$a\n\n{x}$", "$a\n\n5$", id="math ends with its paragraph"),
        pytest.param(r"\(a {x}", r"\(a 5", id="math that never closes"),
        pytest.param(r"`a\` {x} `b`", r"`a\` 5 `b`", id="backslash in code escapes nothing"),
        pytest.param("`code` {x} `code`", "`code` 5 `code`", id="between two codes"),
        pytest.param("```a``` {x}", "```a``` 5", id="inline code of three backticks"),
        pytest.param("```py\n{x}\n```", "```py\n5\n```", id="alone on its line in a fence"),
        pytest.param("```\r\n  {x} \r\n```\r\n{a}", "```\r\n  5 \r\n```\r\nA", id="CRLF"),
        pytest.param("~~~\n{df.shape}\n~~~", "~~~\n(3, 4)\n~~~", id="path alone in a tilde fence"),
        pytest.param("```\nf({x})\n```\n{x}", "```\nf({x})\n```\n5", id="behind a fence"),
        pytest.param("````\n```\n{x}y\n````\n{x}", "````\n```\n{x}y\n````\n5", id="longer fence"),
        pytest.param("- ```\n  {x}y\n  ```\n{x}", "- ```\n  {x}y\n  ```\n5", id="fence in a list"),
        pytest.param("> ```\n> {x}\n> ```", "> ```\n> 5\n> ```", id="fence in a quotation"),
    ],
)
def test_a_known_name_is_put_in(typed: str, sent: str) -> None:
    assert expand(typed, NS).text == sent


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("", id="nothing"),
        pytest.param("{nobody}", id="unknown name"),
        pytest.param("{nobody.x} {nobody[0]} {nobody:.2f}", id="unknown first name"),
        pytest.param("{} { x } { x} {x } {0} {x!r} {x=}", id="no expression"),
        pytest.param("{x()} {x + 1} {row[0:2]} {row[i]} {d[key]}", id="calls and sums"),
        pytest.param('{"a": 1, "b": {"c": []}}', id="JSON"),
        pytest.param("{a: 1, b: 2} {a:1,b:2} {a:'b'}", id="JavaScript"),
        pytest.param("h1 {color: red;} a{color:red}", id="CSS"),
        pytest.param("{% for x in row %}{{ x }}{{x}}{% endfor %}", id="Jinja"),
        pytest.param("{{x}} {{{x}}}", id="doubled braces"),
        pytest.param("${x} $${x} ${x:-default}", id="shell"),
        pytest.param(r"\frac{a}{b}", id="LaTeX fraction"),
        pytest.param(r"\\frac{a}{b} \sqrt[3]{x} \section*{a}", id="LaTeX words"),
        pytest.param(r"x_{i}^{a} \{x\} \_{x}", id="LaTeX indices and braces"),
        pytest.param("x_{j}{a}", id="behind a brace that stays"),
        pytest.param("{nobody}{a}", id="behind an unknown name"),
        pytest.param("`{x}` ``a ` {x}``", id="inline code"),
        pytest.param("`a\n{x}`", id="inline code over two lines"),
        pytest.param("$n {x}$ and $$ {x} $$", id="dollar math"),
        pytest.param("$$\n{x}\n$$", id="display math"),
        pytest.param(r"\( {x} \) \[ {x}" + "\n" + r"\]", id="bracket math"),
        pytest.param("```\nf'{x}'\n```", id="in a fence"),
        pytest.param("~~~js\nlet {x} = y\n~~~", id="in a tilde fence"),
        pytest.param("```\nprint({x})", id="in a fence that never closes"),
        pytest.param("```\n{{x}}\n{x}{a}\n```", id="two on a line in a fence"),
        pytest.param("line\r\n\x00\u2028\ud800 {nobody}\t", id="odd characters"),
    ],
)
def test_everything_else_stays_as_typed(typed: str) -> None:
    expansion = expand(typed, NS)

    assert (expansion.text, expansion.used) == (typed, ())


def test_what_was_put_in_is_named_once_and_in_order() -> None:
    expansion = expand("{df.shape} {a} {x:>3} {a} {x}", NS)

    assert expansion.used == ("df.shape", "a", "x")


def test_an_unknown_word_is_mentioned_once() -> None:
    expansion = expand("{foo} {bar} {foo} {x}", NS)

    assert expansion.missing == ("foo", "bar")


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("`{foo}` $a {foo}$ ```{foo}``` x_{foo} ${foo} {{foo}}", id="elsewhere"),
        pytest.param("{foo.bar} {foo[0]} {foo:.2f}", id="no plain word"),
        pytest.param("{None} {class} {True}", id="keywords"),
        pytest.param("{x²} {1}", id="no identifier"),
    ],
)
def test_only_a_word_where_a_value_could_stand_is_mentioned(typed: str) -> None:
    assert expand(typed, NS).missing == ()


def test_builtins_are_no_namespace() -> None:
    assert expand("{len} {print}", {}).missing == ("len", "print")


def test_any_mapping_is_a_namespace() -> None:
    assert expand("{x} {a}", ChainMap({"x": 1}, NS)).text == "1 A"


def test_render_gets_the_value_and_its_format() -> None:
    seen: list[tuple[Any, str]] = []

    def render(value: Any, spec: str) -> str:
        seen.append((value, spec))
        return "!"

    expansion = expand("{row} {n:.1f}", NS, render=render)

    assert expansion.text == "! !"
    assert seen == [(NS["row"], ""), (NS["n"], ".1f")]


class Hostile:
    @property
    def trap(self) -> int:
        raise ZeroDivisionError("nobody\n  home")

    @property
    def stop(self) -> int:
        raise KeyboardInterrupt

    def __format__(self, spec: str) -> str:
        raise LookupError

    def __getitem__(self, key: object) -> object:
        return self


class Huge:
    def __str__(self) -> str:
        return "z" * 10_000_000


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param("{h.trap}", "{h.trap} in the prompt has no value: ZeroDivisionError: nobody home.", id="property raises"),
        pytest.param("{h}", "{h} in the prompt has no value: LookupError.", id="format raises"),
        pytest.param("{h[1]['k'].nope}", "{h[1]['k'].nope} in the prompt has no value: AttributeError: 'Hostile' object has no attribute 'nope'.", id="no such attribute"),
        pytest.param("{d['no']}", "{d['no']} in the prompt has no value: KeyError: 'no'.", id="no such key"),
        pytest.param("{row[9]}", "{row[9]} in the prompt has no value: IndexError: list index out of range.", id="no such index"),
        pytest.param("{name:.2f}", "{name:.2f} in the prompt has no value: ValueError: Unknown format code 'f' for object of type 'str'.", id="wrong format"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_had_is_named_with_the_reason(typed: str, said: str) -> None:
    with pytest.raises(BadUsage) as caught:
        expand(typed, {**NS, "h": Hostile()})

    assert caught.value.message == said
    assert "--no-expand" in caught.value.hint


def test_the_reason_is_short_however_long_the_error() -> None:
    def render(value: Any, spec: str) -> str:
        raise ValueError("long " * 1_000_000)

    with pytest.raises(BadUsage) as caught:
        expand("{x}", NS, render=render)

    assert len(str(caught.value)) < 600


def test_an_interrupt_while_a_property_runs_travels_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        expand("{h.stop}", {"h": Hostile()})


def test_functions_are_not_called() -> None:
    calls: list[str] = []

    expand("{append} {calls.append}", {"append": calls.append, "calls": calls})

    assert calls == []


def test_a_generator_is_not_consumed() -> None:
    generator: Iterator[int] = (number for number in range(3))

    expand("{g}", {"g": generator})

    assert list(generator) == [0, 1, 2]


def test_a_value_of_ten_megabytes_is_put_in_whole() -> None:
    assert len(expand("<{huge}>", {"huge": Huge()}).text) == 10_000_002


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{" * 1_000_000, id="a megabyte of braces"),
        pytest.param("{a" * 300_000, id="expressions that never close"),
        pytest.param("`" * 500_000 + " {x}", id="backticks"),
        pytest.param("$a \\( `` ` " * 50_000 + "{x}", id="marks that never close"),
        pytest.param("The quick {x} fox jumps over it.\n\n" * 300_000, id="ten megabytes of prose"),
    ],
)
def test_the_work_grows_no_faster_than_the_text(text: str) -> None:
    started = time.monotonic()

    expand(text, NS)

    assert time.monotonic() - started < 20  # a quadratic scan of these takes hours


PIECES = [*"{}{}[]()`$\\_^:.\"'<>#~-\n\n\r\t ;%,0a", "{{", "}}", "```\n", "$$", "é", "天", "\u2028", "\\frac", "{x}", "{a.b}", "{row[0]}", "x"]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_nothing_outside_known_expressions_changes(seed: int) -> None:
    rng = random.Random(seed)
    typed = "".join(rng.choices(PIECES, k=600))

    unchanged = expand(typed, {}).text
    expansion = expand(typed, {"x": "\x01", "row": ["\x01"]})

    assert unchanged == typed
    pattern = re.escape(expansion.text).replace("\x01", r"\{(?:x|row\[0\])(?::[^{}]*)?\}")
    assert re.fullmatch(pattern, typed)


def test_messages_have_the_shape_of_the_server() -> None:
    assert prompts.system("Be brief.") == {"role": "system", "content": "Be brief."}
    assert user("Hi") == {"role": "user", "content": "Hi"}
    assert user("See", ["aGk="]) == {"role": "user", "content": "See", "images": ["aGk="]}
    assert assistant("Yes") == {"role": "assistant", "content": "Yes"}
    assert assistant("4", "2+2") == {"role": "assistant", "content": "4", "thinking": "2+2"}


def conversation(exchanges: int, tokens: int | None = 10) -> list[Turn]:
    """A system message, exchanges of two messages, and a new prompt."""
    turns = [Turn(prompts.system("Be brief."), tokens)]
    for number in range(exchanges):
        turns += Turn(user(f"q{number}"), tokens), Turn(assistant(f"a{number}"), tokens)
    return [*turns, Turn(user("now?"), tokens)]


def contents(fitted: prompts.Fitted) -> list[str]:
    return [message["content"] for message in fitted.messages]


def test_what_fits_is_left_whole() -> None:
    fitted = fit(conversation(2), context_tokens=256, reserve_tokens=100)

    assert (len(fitted.turns), fitted.dropped) == (6, 0)


def test_the_oldest_exchange_goes_first_and_goes_whole() -> None:
    fitted = fit(conversation(3), context_tokens=160, reserve_tokens=95)

    assert contents(fitted) == ["Be brief.", "q1", "a1", "q2", "a2", "now?"]
    assert fitted.dropped == 2


def test_a_window_that_is_just_full_drops_nothing() -> None:
    assert fit(conversation(3), context_tokens=80, reserve_tokens=0).dropped == 0
    assert fit(conversation(3), context_tokens=79, reserve_tokens=0).dropped == 2


def test_the_system_message_and_the_new_prompt_stay_however_small_the_window() -> None:
    fitted = fit(conversation(3), context_tokens=10, reserve_tokens=100)

    assert contents(fitted) == ["Be brief.", "now?"]
    assert fitted.dropped == 6


def test_what_follows_the_last_prompt_stays_with_it() -> None:
    turns = [*conversation(1), Turn({"role": "tool", "content": "42", "tool_name": "f"}, 10)]

    fitted = fit(turns, context_tokens=20, reserve_tokens=0)

    assert contents(fitted) == ["Be brief.", "now?", "42"]


def test_a_tool_call_goes_with_the_exchange_it_belongs_to() -> None:
    call = Turn({"role": "assistant", "content": "", "tool_calls": [{"function": {}}]}, 10)
    result = Turn({"role": "tool", "content": "42"}, 10)
    turns = [Turn(user("q"), 10), call, result, Turn(assistant("a"), 10), Turn(user("now?"), 10)]

    fitted = fit(turns, context_tokens=40, reserve_tokens=0)

    assert contents(fitted) == ["now?"]


def test_a_greeting_before_the_first_prompt_is_the_first_to_go() -> None:
    turns = [Turn(assistant("Hello!"), 10), *conversation(1)]

    fitted = fit(turns, context_tokens=45, reserve_tokens=0)

    assert contents(fitted) == ["Be brief.", "q0", "a0", "now?"]


def test_a_conversation_without_a_prompt_keeps_its_last_message() -> None:
    turns = [Turn(assistant("one"), 10), Turn(assistant("two"), 10)]

    assert contents(fit(turns, context_tokens=1, reserve_tokens=0)) == ["two"]


def test_an_empty_conversation_fits() -> None:
    assert fit([], context_tokens=256, reserve_tokens=0) == prompts.Fitted(())


def test_a_real_count_wins_over_the_estimate() -> None:
    assert Turn(user("word " * 1000), 7).size_tokens == 7


def test_images_and_tool_calls_count_and_thinking_does_not() -> None:
    plain = Turn(assistant("four")).size_tokens

    assert Turn(user("four", ["aGk=", "aGk="])).size_tokens == plain + 2 * 768
    assert Turn({**assistant("four"), "tool_calls": [{"function": {}}]}).size_tokens > plain
    assert Turn(assistant("four", "a long thought " * 100)).size_tokens == plain


@pytest.mark.parametrize(
    ("known", "count", "shares"),
    [
        pytest.param([None, None], 40, [20, 20], id="first count"),
        pytest.param([12, 8, 9, None], 41, [12, 8, 9, 12], id="the new prompt takes the rest"),
        pytest.param(
            [12, 8, None, None], 41, [12, 8, 10, 11], id="an answer and a prompt share it"
        ),
        pytest.param([12, 8], 20, [12, 8], id="nothing new"),
        pytest.param([12, 8], 40, [24, 16], id="another model: shared anew"),
        pytest.param([30, 30, None], 30, [13, 14, 3], id="less than was known: shared anew"),
        pytest.param([], 0, [], id="nothing sent"),
    ],
)
def test_the_shares_add_up_to_the_count_of_the_server(
    known: list[int | None], count: int, shares: list[int]
) -> None:
    sent = [Turn(user("word"), tokens) for tokens in known]

    turns = prompts.measured(sent, count)

    assert [turn.tokens for turn in turns] == shares
    assert [turn.message for turn in turns] == [turn.message for turn in sent]


@pytest.mark.parametrize(
    ("text", "true_count"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("The quick brown fox jumps over the lazy dog. " * 20, 200, id="English"),
        pytest.param("def add(left, right):\n    return left + right\n" * 20, 260, id="code"),
        pytest.param("日本の首都は東京です。" * 20, 160, id="Japanese"),
        pytest.param("Привет, как дела? " * 20, 120, id="Russian"),
        pytest.param("| 3.14159 | 2.71828 |\n" * 20, 340, id="table of numbers"),
    ],
)
def test_the_estimate_is_within_a_factor_of_two(text: str, true_count: int) -> None:
    assert true_count / 2 <= estimate_tokens(text) <= true_count * 2


def test_a_lone_surrogate_can_be_estimated() -> None:
    assert estimate_tokens("\ud800 word") == 2


@pytest.mark.parametrize(
    ("flag", "chat", "model_parameter", "trained", "sent"),
    [
        pytest.param(None, None, None, None, 8192, id="the setting"),
        pytest.param(None, None, 2048, None, 2048, id="the model before the setting"),
        pytest.param(None, 4096, 2048, None, 4096, id="the chat before the model"),
        pytest.param(1024, 4096, 2048, None, 1024, id="the flag before all"),
        pytest.param(1, None, None, None, 256, id="rounded up"),
        pytest.param(257, None, None, None, 512, id="rounded up to the next step"),
        pytest.param(100_000, None, None, 32_768, 32_768, id="capped"),
        pytest.param(None, None, None, 1000, 1000, id="capped at an odd length"),
        pytest.param(512, None, None, 0, 512, id="trained length not said"),
    ],
)
def test_the_window_is_chosen_by_the_nearest_wish(
    flag: int | None, chat: int | None, model_parameter: int | None, trained: int | None, sent: int
) -> None:
    assert context_tokens(flag, chat, model_parameter, 8192, trained) == sent


def test_a_window_below_one_token_is_refused() -> None:
    with pytest.raises(BadUsage) as caught:
        context_tokens(0, None, None, 8192, None)

    assert str(caught.value) == (
        "The context window is 0 tokens; it is at least 1. "
        "Give a number of tokens such as --num-ctx 8192."
    )
