"""A page of JupyterLab in a real browser, and everything that acts in it."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from waiting import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from live_lab import Lab
    from playwright.sync_api import Dialog, Locator, Page, Request, Route, WebSocket

_LONG_MS = 60_000
_AUDIT = (Path(__file__).parent / "ui" / "audit.js").read_text(encoding="utf-8")
_STOLEN = "stolen-by-attack"


class Canary:
    """A port that counts who comes; a context manager."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as they stand in a URL."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()


class WatchedPage:
    """A page that may ask its JupyterLab for things, and nobody else.

    Attributes
    ----------
    requests : list of str
        Addresses elsewhere that something in the page asked for. None was let through.
    dialogs : list of str
        Messages of dialogs that a script opened.
    """

    def __init__(self, page: Page, lab: Lab, canary: Canary) -> None:
        self.page = page
        self.canary = canary
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._lab = lab
        self._origin = urlsplit(lab.url).netloc
        page.set_default_timeout(_LONG_MS)
        page.add_init_script(
            "window.fired = []; window.fire = number => { window.fired.push(number); };"
        )
        page.context.route("**/*", self._route)
        page.context.on("request", self._note)
        page.context.on("page", lambda opened: self.requests.append(f"window: {opened.url}"))
        page.on("websocket", self._note_socket)
        page.on("dialog", self._note_dialog)

    def another(self) -> WatchedPage:
        """Open one more page of this browser, watched as well."""
        return WatchedPage(self.page.context.new_page(), self._lab, self.canary)

    def run(self, name: str, cell: str, *, until: int = 0) -> None:
        """Open a notebook of one cell, run it, and wait until its last output is drawn.

        The output of a cell that was run is trusted: JupyterLab inserts its HTML as it stands.

        Parameters
        ----------
        name : str
            Name of the notebook.
        cell : str
            What it runs.
        until : int, default 0
            How many Markdown outputs the cell makes, where they leave the page in one piece. One
            more is added here, which acts on purpose, after the others: when it has, they have
            had their turn.
        """
        last = f"display({{'text/markdown': {_LAST!r}}}, raw=True)"
        cells = [f"from IPython.display import display\n{cell}\n{last}"]
        self.page.goto(self._lab.notebook(name, cells))
        self.page.wait_for_function(_READY)
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function("() => window.fired.includes(-1)")
        if until:
            self.page.wait_for_function(_DRAWN, arg=until + 1)
        self.page.wait_for_load_state("networkidle")

    def reopen(self, *, until: int) -> None:
        """Save the notebook of `run`, load the page again, and wait until its outputs are drawn.

        They come from the file then, and are trusted still: the one that acts on purpose does.
        """
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        self.page.reload()
        self.page.wait_for_function("() => window.fired.includes(-1)")
        self.page.wait_for_function(_DRAWN, arg=until + 1)
        self.page.wait_for_load_state("networkidle")

    def outputs(self) -> Locator:
        """Give the drawn Markdown outputs of the cell, the one of `run` last."""
        return self.page.locator(".jp-OutputArea-output.jp-RenderedMarkdown")

    def fired(self) -> list[int]:
        """Numbers of the scripts that ran, but for the one that `run` adds."""
        found: list[int] = self.page.evaluate("window.fired")
        return sorted({number for number in found if number >= 0})

    def audit(self, ours: str = "") -> list[list[str]]:
        """Say of each output what it has and must not have: elements, attributes, addresses.

        Parameters
        ----------
        ours : str
            Names of elements, in capitals, that are written around an answer and not by a model.
        """
        found: list[list[str]] = self.page.evaluate(_AUDIT, ours)
        return found[:-1]

    def provoke(self) -> None:
        """Move over, focus and press everything in the outputs, as a person might."""
        self.page.evaluate(_PROVOKE)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return once it is so; the page goes on meanwhile, which a wait of Python's would stop."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"not so within {DEADLINE_SECONDS:g} s"
            self.page.wait_for_timeout(20)

    def numbers_asked_for(self) -> list[int]:
        """Numbers of the attacks whose requests were caught."""
        found = (
            re.search(rf"{re.escape(self.canary.address)}/(\d+)", url) for url in self.requests
        )
        return sorted({int(match[1]) for match in found if match})

    def _route(self, route: Route) -> None:
        if urlsplit(route.request.url).netloc == self._origin:
            route.continue_()
        else:
            route.fulfill(status=204)  # even a navigation leaves the page as it is

    def _note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        if parts.netloc != self._origin or _STOLEN in request.url:
            self.requests.append(request.url)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _note_socket(self, opened: WebSocket) -> None:
        if urlsplit(opened.url).netloc != self._origin:
            self.requests.append(opened.url)


def published(texts: Sequence[str], call: str = "") -> str:
    """Write the cell that publishes texts as Markdown, each through `call` if it is given."""
    shown = f"{call}(text)" if call else "text"
    source = json.dumps(json.dumps(list(texts)))
    return f"import json\nfor text in json.loads({source}):\n    display({{'text/markdown': {shown}}}, raw=True)"


_LAST = '<img src="data:," onerror="fire(-1)"> $x_{last}$ last'
_READY: str = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.sessionContext?.session?.kernel?.status === 'idle' && panel.content.widgets.length > 0;
}"""
_DRAWN: str = """count => {
    const drawn = document.querySelectorAll('.jp-OutputArea-output.jp-RenderedMarkdown');
    return drawn.length === count && drawn[count - 1].querySelector('mjx-container') !== null;
}"""
_PROVOKE: str = """() => {
    const stay = event => event.preventDefault();
    document.addEventListener('click', stay, true);
    const kinds = ['pointerenter', 'mouseenter', 'pointerover', 'mouseover', 'mousemove', 'focus', 'click', 'toggle'];
    for (const node of document.querySelectorAll('.jp-RenderedMarkdown *'))
        for (const kind of kinds)
            node.dispatchEvent(new MouseEvent(kind, {bubbles: kind !== 'toggle', cancelable: true}));
    document.removeEventListener('click', stay, true);
}"""


def complaints(found: Sequence[Sequence[str]], names: Sequence[Any]) -> list[str]:
    """Join what an audit says with what each output was."""
    return [f"{name}: {', '.join(said)}" for name, said in zip(names, found, strict=True) if said]
