"""A fresh IPython shell in this process, which keeps what was published instead of showing it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shell(InteractiveShell):
    """An `InteractiveShell` with a list of what was published.

    Attributes
    ----------
    published : list of dict
        Everything displayed, oldest first: ``data``, ``metadata``, ``transient``, ``update``.
    """

    def init_display_pub(self) -> None:
        self.display_pub = CapturingDisplayPublisher(parent=self)  # type: ignore[no-untyped-call]  # (IPython's)

    @property
    def published(self) -> list[dict[str, Any]]:
        """What was displayed so far."""
        outputs: list[dict[str, Any]] = self.display_pub.outputs  # type: ignore[attr-defined]  # (of the capturing one)
        return outputs

    def run(self, code: str) -> Any:
        """Execute a cell; gives its value, raises what it raised."""
        result = self.run_cell(code, store_history=True)  # type: ignore[no-untyped-call]  # (IPython's)
        result.raise_error()
        return result.result


@contextmanager
def fresh_shell() -> Iterator[Shell]:
    """Make the one shell of this process, and leave no trace of it."""
    Shell.clear_instance()
    main, hooks = sys.modules["__main__"], (sys.displayhook, sys.excepthook)
    # No history: its thread and its SQLite file would outlive the test.
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()  # type: ignore[no-untyped-call]  # (IPython's)
        sys.modules["__main__"] = main
        sys.displayhook, sys.excepthook = hooks
        shell.configurables.clear()
        Shell.clear_instance()
