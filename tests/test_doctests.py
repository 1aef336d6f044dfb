"""The examples in docstrings are run, so that what they show is so."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import ollama_lab

ROOT = Path(ollama_lab.__file__).parent
#: Some only show what takes a server.
RUNS = re.compile(r"^ *>>> (?!.*# doctest: \+SKIP)", re.MULTILINE)


def examples() -> list[str]:
    """Return the modules that have examples which can run."""
    files = [path for path in sorted(ROOT.rglob("*.py")) if RUNS.search(path.read_text("utf-8"))]
    return [".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in files]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.engine if ".engine." in name else ())
        for name in examples()
    ],
)
def test_the_examples_of_a_module_are_so(name: str) -> None:
    ran = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))

    assert ran.attempted
    assert ran.failed == 0
