"""Whether the process that writes an answer is still there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from waiting import wait_until

from ollama_lab.conversations import owner


@pytest.fixture
def machine() -> str:
    """Name this machine as an owner's first part does."""
    return owner.this_process().split("/")[0]


def test_this_process_is_there() -> None:
    assert not owner.is_gone(owner.this_process(), last_write=0.0)


def test_a_process_of_somebody_else_is_there(machine: str) -> None:
    assert not owner.is_gone(f"{machine}/1/{owner._began(1)}", last_write=0.0)


def test_a_process_that_has_ended_is_gone(machine: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert owner.is_gone(f"{machine}/{process.pid}/1", last_write=time.time())


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells when a process began.")
def test_a_process_that_ended_and_was_not_waited_for_is_gone(machine: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = f"{machine}/{process.pid}/{owner._began(process.pid)}"
        assert not owner.is_gone(name, last_write=0.0)
        assert process.stdin is not None
        process.stdin.close()

        wait_until(lambda: owner.is_gone(name, last_write=time.time()))


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells when a process began.")
def test_another_process_with_the_same_number_is_not_the_one(machine: str) -> None:
    assert owner.is_gone(f"{machine}/{os.getpid()}/1", last_write=time.time())


@pytest.mark.parametrize("name", ["elsewhere/1/1", "", "nonsense", "a/b/c/d"])
def test_a_process_that_cannot_be_seen_is_given_an_hour(name: str) -> None:
    assert not owner.is_gone(name, last_write=time.time() - 3000)
    assert owner.is_gone(name, last_write=time.time() - 4000)


def test_a_number_that_no_process_has_is_gone(machine: str) -> None:
    assert owner.is_gone(f"{machine}/{10**30}/1", last_write=time.time())
