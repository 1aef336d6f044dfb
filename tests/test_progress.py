"""What a person is told while a model is pulled."""

from __future__ import annotations

import doctest

import pytest

from ollama_lab import progress
from ollama_lab.wire import PullProgress

BIG, SMALL = "sha256:big", "sha256:small"


def fed(*steps: tuple[float, PullProgress]) -> progress.Pull:
    pull = progress.Pull()
    for now, step in steps:
        pull.feed(step, now)
    return pull


def layer(done: int, total: int = 1000, digest: str = BIG) -> PullProgress:
    return PullProgress(f"pulling {digest}", digest, total, done)


def test_the_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(progress).failed == 0


def test_before_any_size_is_known_there_are_no_figures() -> None:
    assert fed((0, PullProgress("pulling manifest"))).figures() == ""


def test_a_total_that_the_server_does_not_say_is_no_division_by_zero() -> None:
    assert fed((0, layer(0, total=0))).share == 0


def test_without_half_a_second_of_steps_no_speed_is_claimed() -> None:
    pull = fed((0, layer(0)), (0.2, layer(500)))

    assert pull.bytes_per_second is None
    assert pull.figures() == "50 %, 500 B of 1.0 kB"


def test_the_speed_is_that_of_the_last_seconds() -> None:
    pull = fed(*((t, layer(10 * t)) for t in range(11)), *((t, layer(100)) for t in (12, 14, 17)))

    assert pull.bytes_per_second is None


def test_what_was_there_before_a_resume_counts_for_no_speed() -> None:
    pull = fed((0, layer(500)), (1, layer(600)))

    assert pull.bytes_per_second == pytest.approx(100)


def test_a_layer_is_whole_when_the_next_one_begins() -> None:
    pull = fed((0, layer(990)), (1, layer(0, 10, SMALL)))

    assert (pull.done_bytes, pull.total_bytes) == (1000, 1010)


def test_a_layer_is_whole_when_the_check_begins() -> None:
    pull = fed((0, layer(990)), (1, PullProgress("verifying sha256 digest")))

    assert pull.share == 1


def test_the_bar_is_full_at_the_end_and_empty_at_the_start() -> None:
    assert fed((0, layer(0))).bar() == "▕" + " " * 24 + "▏"
    assert fed((0, layer(1000))).bar() == "▕" + "█" * 24 + "▏"
