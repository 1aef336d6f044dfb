"""A model's hostile answers in a real JupyterLab, as the trusted output of a cell just run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attack_corpus
import hostile_mixtures
import pytest
from watched_page import complaints, published

if TYPE_CHECKING:
    from fake_ollama import FakeOllama
    from watched_page import Canary, WatchedPage

pytestmark = pytest.mark.ui

_ATTACKS = attack_corpus.attacks()
_NAMES = [f"{case.kind}: {case.name}" for case in _ATTACKS]
#: Each answer is a whole `%%ollama` cell of its own, so that one hostile answer cannot hide another.
_ASKING = """
%load_ext ollama_lab
for number in range({count}):
    get_ipython().run_cell_magic("ollama", "-m tiny-think --think", f"Question {{number}}")
"""
_SAFE = "__import__('ollama_lab.sanitize').sanitize.sanitize"


def _armed(canary: Canary) -> list[str]:
    return [case.armed(number, canary.address) for number, case in enumerate(_ATTACKS)]


def test_nothing_a_hostile_answer_holds_acts_in_a_trusted_output(page: WatchedPage) -> None:
    texts = _armed(page.canary)

    page.run("hostile", published(texts, _SAFE), until=len(texts))
    page.provoke()

    assert page.fired() == []
    assert page.dialogs == []
    assert page.requests == []
    assert page.canary.visits == 0
    assert complaints(page.audit(), _NAMES) == []


def test_nothing_a_hostile_answer_holds_acts_through_the_magic_nor_when_it_was_saved(
    page: WatchedPage, lab_ollama: FakeOllama
) -> None:
    texts = _armed(page.canary)
    lab_ollama.forget()
    for text in texts:
        lab_ollama.say(text, thinking=text, once=True)

    page.run("magic", _ASKING.format(count=len(texts)), until=len(texts))
    page.provoke()

    assert page.fired() == []
    assert page.dialogs == []
    assert page.requests == []
    assert page.canary.visits == 0
    assert complaints(page.audit(ours="SUB DETAILS SUMMARY"), _NAMES) == []

    page.reopen(until=len(texts))
    page.provoke()

    assert page.fired() == []
    assert page.dialogs == []
    assert page.requests == []
    assert page.canary.visits == 0
    assert complaints(page.audit(ours="SUB DETAILS SUMMARY"), _NAMES) == []


@pytest.mark.parametrize("seed", [2001, 2002])
def test_no_mixture_of_hostile_fragments_acts_in_a_trusted_output(
    page: WatchedPage, seed: int
) -> None:
    mixed = hostile_mixtures.mixtures(seed, 400)
    texts = [
        text.replace("FIRE", f"fire({number})").replace("CANARY", f"{page.canary.address}/{number}")
        for number, text in enumerate(mixed)
    ]

    page.run(f"mixtures-{seed}", published(texts, _SAFE), until=len(texts))
    page.provoke()

    assert page.fired() == []
    assert page.dialogs == []
    assert page.requests == []
    assert complaints(page.audit(), mixed) == []


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [
        pytest.param("differential", 2, id="differential"),
        pytest.param("entities", 2, id="entities"),
        pytest.param("fences", 12, id="fences"),
        pytest.param("html", 25, id="html"),
        pytest.param("latex", 8, id="latex"),
        pytest.param("links", 8, id="links"),
        pytest.param("structure", 10, id="structure"),
    ],
)
def test_the_same_answers_act_when_they_go_out_as_they_came(
    page: WatchedPage, kind: str, at_least: int
) -> None:
    numbered = enumerate(_armed(page.canary))
    # A lone surrogate that is not made harmless ends the kernel's connection.
    texts = [
        text.encode("utf-8", "replace").decode()
        for number, text in numbered
        if _ATTACKS[number].kind == kind
    ]

    page.run(f"as-they-came-{kind}", published(texts))
    page.provoke()

    # What acts may take its time: a script waits for a picture that fails, a request for its turn.
    page.wait_until(lambda: len({*page.fired(), *page.numbers_asked_for()}) >= at_least)
    acted = {*page.fired(), *page.numbers_asked_for()}
    print(f"{kind}: {len(acted)} of {len(texts)} ran a script or made a request")
    assert len(acted) >= at_least
