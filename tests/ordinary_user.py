"""The rights of a user to whom something is forbidden, also where the tests run as root."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Give up the rights of root, to whom nothing is forbidden, for a while."""
    with _rights_of(NOBODY):
        yield


@contextmanager
def whoever_runs_the_tests() -> Iterator[None]:
    """Take the rights back inside a block of `an_ordinary_user`."""
    with _rights_of(0):
        yield


@contextmanager
def _rights_of(user: int) -> Iterator[None]:
    before = os.geteuid()
    if os.getuid() != 0:
        yield
        return
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before)
