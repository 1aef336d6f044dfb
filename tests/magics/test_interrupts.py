"""Interrupts: raised where a wait may end, held back where work must be finished."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ollama_lab.errors import Stopped
from ollama_lab.magics.interrupts import Interrupts, stoppable


def press() -> None:
    """Send SIGINT to this process: Python runs the handler before the next line."""
    os.kill(os.getpid(), signal.SIGINT)


def test_an_open_wait_is_interrupted() -> None:
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.open():
        press()


def test_outside_a_wait_it_is_held_back() -> None:
    with Interrupts() as interrupts:
        press()

        assert interrupts.is_waiting


def test_what_was_held_back_ends_the_next_wait_before_it_begins() -> None:
    began = False
    with Interrupts() as interrupts:
        press()

        with pytest.raises(KeyboardInterrupt), interrupts.open():
            began = True

    assert not began
    assert not interrupts.is_waiting


def test_work_inside_a_wait_is_finished_first() -> None:
    done: list[str] = []

    def wait(interrupts: Interrupts) -> None:
        with interrupts.open():
            with interrupts.held():
                press()
                done.append("work")
            done.append("wait")

    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        wait(interrupts)

    assert done == ["work"]


def test_an_error_inside_held_work_travels_on() -> None:
    with Interrupts() as interrupts, pytest.raises(ValueError, match="x"), interrupts.held():
        raise ValueError("x")


def test_a_double_press_is_one() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.open():
            press()
        press()

        assert not interrupts.is_waiting


def test_a_press_long_after_another_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_lab.magics.interrupts._BOUNCE_SECONDS", 0.0)
    with Interrupts() as interrupts, interrupts.open():
        with pytest.raises(KeyboardInterrupt):
            press()

        with pytest.raises(KeyboardInterrupt):
            press()


def test_the_handler_before_is_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)

    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts, interrupts.open():
            press()
    finally:
        signal.signal(signal.SIGINT, before)

    assert not interrupts.is_waiting


def test_a_thread_gets_no_signals_and_needs_none() -> None:
    found: list[object] = []

    def work() -> None:
        with Interrupts() as interrupts, interrupts.open():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert found == [signal.getsignal(signal.SIGINT)]


def test_a_bare_interrupt_becomes_one_line() -> None:
    with pytest.raises(Stopped, match=r"nothing more is done\."), stoppable():
        raise KeyboardInterrupt


def test_words_for_an_interrupt_are_kept() -> None:
    with pytest.raises(Stopped, match="kept"), stoppable():
        raise Stopped("kept")
