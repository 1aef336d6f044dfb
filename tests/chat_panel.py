"""The chat in JupyterLab's sidebar, as a person with a browser finds it."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from live_lab import Lab
    from playwright.sync_api import Locator
    from watched_page import WatchedPage

AXE = Path(__file__).parents[1] / "labextension/node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parent / "ui" / "screenshots"
_STARTED = "() => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 0"
_VIOLATIONS = """async () => {
    const { violations } = await axe.run('.jp-OllamaLabChat');
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`);
}"""
_CALL = """async ([path, body]) => {
    const { baseUrl, token } = jupyterapp.serviceManager.serverSettings;
    const answer = await fetch(`${baseUrl}ollama-lab/api/${path}`, {
        headers: { Authorization: `token ${token}`, 'Content-Type': 'application/json' },
        ...(body ? { method: 'POST', body: JSON.stringify(body) } : {})
    });
    return answer.json();
}"""
_IS_SAVED = """async ([workspace, draft]) => {
    const { serverSettings } = jupyterapp.serviceManager;
    const url = `${serverSettings.baseUrl}lab/api/workspaces/${workspace}?${Math.random()}`;
    const headers = { Authorization: `token ${serverSettings.token}` };
    const { data } = await (await fetch(url, { headers })).json();
    const chat = data['ollama-lab:chat'];
    const right = data['layout-restorer:data']?.right;
    const isOpen = right?.current === 'ollama-lab-chat' && !right.collapsed;
    return Boolean(chat?.id) && chat.draft === draft && isOpen;
}"""


class ChatPanel:
    """The panel in a page; `open` first.

    Attributes
    ----------
    region : playwright.sync_api.Locator
        The panel itself.
    """

    def __init__(self, watched: WatchedPage, lab: Lab) -> None:
        self._watched = watched
        self._lab = lab
        self.page = watched.page
        # One that a test before left has the chat open already, and a press on its tab closes it.
        self._workspace = f"alone-{secrets.token_hex(4)}"
        self.region = self.page.get_by_role("region", name="Ollama chat")

    def open(self, name: str, cells: Sequence[str] = ("x = 1",)) -> None:
        """Open a notebook of these cells, and the chat beside it."""
        self.page.goto(self._lab.notebook(name, cells))
        self.page.wait_for_function(_STARTED)
        self.page.get_by_role("tab", name="Ollama chat").click()
        self.composer.wait_for()

    def open_alone(self) -> None:
        """Open the chat without a notebook, which would have the browser ask before it reloads.

        In a workspace of its own: one that is reset may be so once more by a reload.
        """
        self._go()
        self.page.get_by_role("tab", name="Ollama chat").click()
        self.composer.wait_for()

    def reload(self, draft: str) -> None:
        """Load the page of `open_alone` again, once it is saved that chat and draft are open."""
        self.wait_until_saved(draft)
        self.page.reload()
        self.composer.wait_for()

    def choose(self, model: str) -> None:
        """Choose another model."""
        self.region.locator(".jp-OllamaLabChat-model").click()
        self.region.get_by_role("button", name=re.compile(f"^{model}:latest")).click()

    def another(self) -> ChatPanel:
        """Open the chat in one more tab of the browser."""
        other = ChatPanel(self._watched.another(), self._lab)
        other.open_alone()
        return other

    def close_and_come_back(self, until: Callable[[], bool]) -> ChatPanel:
        """Close the tab of `open_alone`; one that opens the same later, when it is so."""
        self.wait_until_saved("")
        other = ChatPanel(self._watched.another(), self._lab)
        other._workspace = self._workspace
        self.page.close()
        other.wait_until(until)
        other._go()
        other.composer.wait_for()
        return other

    def _go(self) -> None:
        self.page.goto(f"{self._lab.url}lab/workspaces/{self._workspace}?token={self._lab.token}")

    def wait_until_saved(self, draft: str) -> None:
        """Return once JupyterLab has kept that the chat is open, with this draft."""
        self.wait_until(lambda: bool(self.page.evaluate(_IS_SAVED, [self._workspace, draft])))

    @property
    def composer(self) -> Locator:
        """Where a message is written."""
        return self.region.get_by_role("textbox", name="Message", exact=True)

    def button(self, name: str) -> Locator:
        """Give the buttons of this name."""
        return self.region.get_by_role("button", name=name, exact=True)

    def send(self, text: str) -> None:
        """Send a message, and do not wait for the answer."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def ask(self, text: str) -> Locator:
        """Send a message; its answer, once it is complete."""
        count = self.answers.count()
        self.send(text)
        self.answers.nth(count).wait_for()
        self.button("Send").wait_for()
        return self.answers.nth(count)

    @property
    def options(self) -> Locator:
        """What the composer offers to complete."""
        return self.region.get_by_role("listbox", name="Completions").get_by_role("option")

    @property
    def active_option(self) -> str:
        """The text of the one that Enter takes, found as a screen reader finds it."""
        found: str = self.composer.evaluate(
            "field => document.getElementById(field.getAttribute('aria-activedescendant')).innerText"
        )
        return found

    @property
    def chips(self) -> Locator:
        """What is attached to the next message."""
        return self.region.get_by_role("list", name="Attached to the next message").get_by_role(
            "listitem"
        )

    def command(self, typed: str, name: str) -> None:
        """Type the beginning of a command, and take the first that is offered, which is `name`."""
        self.composer.press_sequentially(typed)
        self.options.first.get_by_text(name, exact=name.strip() == name).wait_for()
        self.composer.press("Enter")

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return once it is so; see `WatchedPage.wait_until`."""
        self._watched.wait_until(is_so)

    @property
    def answers(self) -> Locator:
        """What the model said, oldest first."""
        return self.region.get_by_role("article", name="Model")

    @property
    def prompts(self) -> Locator:
        """What the person said, oldest first."""
        return self.region.get_by_role("article", name="You")

    def violations(self) -> list[str]:
        """Say what axe finds wrong with the panel as it is now."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_VIOLATIONS)
        return found

    def take_picture(self, name: str) -> None:
        """Keep a picture of the whole page, for people to look at."""
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"chat-{name}.png")

    def use_theme(self, name: str) -> None:
        """Draw JupyterLab in another theme."""
        self.run("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name && !document.querySelector('.jp-mod-busy')",
            arg=name,
        )

    def run(self, command: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands."""
        call = f"jupyterapp.commands.execute({json.dumps(command)}, {json.dumps(arguments)})"
        self.page.evaluate(f"() => {{ void {call}; }}")

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the Jupyter server's side of the chat, past the panel."""
        found: dict[str, Any] = self.page.evaluate(_CALL, [path, body])
        return found

    def sources(self) -> list[str]:
        """Give the sources of the notebook's cells."""
        found: list[str] = self.page.evaluate(
            "jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.sharedModel.getSource())"
        )
        return found


def words(locator: Locator) -> str:
    """Give the text of something on one line."""
    return re.sub(r"\s+", " ", locator.inner_text())
