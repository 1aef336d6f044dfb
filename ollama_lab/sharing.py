"""The one `Session` of a kernel: its magics and Python's side choose servers and models together."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from ollama_lab import settings
from ollama_lab.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator


#: What stands for the shell in a program that has none.
_NOBODY = object()
_LOCK = threading.Lock()
_MADE: dict[Any, tuple[Session, int]] = {}


def shared(shell: Any = None) -> Session:
    """Return the session of a shell, made when missing.

    Parameters
    ----------
    shell : InteractiveShell, optional
        None means the one that runs here; a program without a shell has one session, too.
    """
    return _shared(shell)[0]


@contextlib.contextmanager
def borrowed() -> Iterator[Session]:
    """Give a session that this thread may use: the shared one, or elsewhere a sibling of it."""
    session, thread = _shared(None)
    if threading.get_ident() == thread:
        yield session
        return
    sibling = session.sibling()
    try:
        yield sibling
    finally:
        sibling.close()


def release(shell: Any = None) -> None:
    """Close the session of a shell, if it has one: connections and the embedded engine go back."""
    with _LOCK:
        found = _MADE.pop(shell or _running_shell() or _NOBODY, None)
    if found is not None:
        found[0].close()


def _shared(shell: Any) -> tuple[Session, int]:
    shell = shell or _running_shell()
    with _LOCK:
        found = _MADE.get(shell or _NOBODY)
        if found is None:
            if not _MADE:
                atexit.register(_release_all)
            found = Session(settings.load(shell)), threading.main_thread().ident or 0
            _MADE[shell or _NOBODY] = found
        return found


def _release_all() -> None:
    # A kernel that ends gives its lease on the engine back at once.
    while _MADE:
        with contextlib.suppress(KeyError):
            _MADE.popitem()[1][0].close()


def _running_shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
