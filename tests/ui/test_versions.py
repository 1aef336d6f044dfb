"""One bundle in every JupyterLab and Notebook that it is made for, from the wheel alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import fresh_environment
import pytest
from chat_panel import ChatPanel
from fake_ollama import FakeOllama, Never, Pace, Text
from live_lab import Lab, Place
from playwright.sync_api import expect
from watched_page import Canary, WatchedPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage

# Environments are made of what PyPI has today.
pytestmark = [pytest.mark.ui, pytest.mark.frontend, pytest.mark.packaging]

_ROOT = Path(__file__).parents[2]
#: Of JupyterLab and of Notebook; those of this environment are the newest.
_OLDER = [("4.4", "7.4"), ("4.5", "7.5")]
_VERSIONS = [
    *(
        pytest.param(
            (f"jupyterlab=={lab}.*", f"notebook=={notebook}.*"), id=f"{lab} and {notebook}"
        )
        for lab, notebook in _OLDER
    ),
    pytest.param((), id="newest"),
]
_PLACES = [pytest.param(place, id=place.name) for place in Place]
_IN_JUPYTERLAB = pytest.mark.parametrize("opened", [Place.JUPYTERLAB], indirect=True, ids=str)
_CELLS = ("%load_ext ollama_lab", "%%ollama\nBe **very** brief and plain.")
_CODE = "Like this:\n\n```python\nprint(6 * 7)\n```\n"
_RUN_ALL = "jupyterapp.commands.execute('notebook:run-all-cells')"
_IS_READY: str = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.sessionContext?.session?.kernel?.status === 'idle' && panel.content.widgets.length > 1;
}"""
_MISSING_PLUGINS = """() => ['chat', 'cells', 'errors']
    .filter(name => !jupyterapp.isPluginActivated(`ollama-lab:${name}`))"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A notebook with our chat beside it in one version, and what the console said of us."""

    lab: Lab
    ollama: FakeOllama
    chat: ChatPanel
    complaints: list[str]

    def show_chat(self) -> None:
        """Open the panel where it is not open yet, by the keys that do it everywhere."""
        if not self.chat.region.is_visible():
            self.chat.page.keyboard.press("Control+Alt+o")
        self.chat.composer.wait_for()


def _keep(complaints: list[str], said: str, where: str) -> None:
    """Keep what our scripts brought about, also where only their address says so."""
    if "ollama" in f"{said} {where}".lower():
        complaints.append(said)


def _keep_message(complaints: list[str], message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        _keep(complaints, message.text, message.location["url"])


@pytest.fixture(scope="session", params=_VERSIONS)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Python that has certain versions, and our wheel where it is not this one."""
    if not request.param:
        return Path(sys.executable)
    wheel: Path = request.getfixturevalue("wheel")
    made = fresh_environment.make(tmp_path_factory.mktemp("versions"))
    # Little of it is ever imported, so that compiling all of it takes longer.
    made.install("--no-compile", *request.param, str(wheel))
    return made.python


@pytest.fixture(scope="session")
def served(
    python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, FakeOllama]]:
    """Run the server of one version, which has JupyterLab and Notebook, and an Ollama."""
    with FakeOllama() as ollama:
        env = {"OLLAMA_HOST": ollama.url}
        with Lab(tmp_path_factory.mktemp("served"), env, python=python) as lab:
            yield lab, ollama


@pytest.fixture(scope="module", params=_PLACES)
def opened(
    request: pytest.FixtureRequest, served: tuple[Lab, FakeOllama], browser: Browser
) -> Iterator[Opened]:
    """Open a notebook in one version."""
    lab, ollama = served
    context = browser.new_context(viewport={"width": 1300, "height": 900}, locale="en-US")
    with Canary() as canary:
        watched = WatchedPage(context.new_page(), lab, canary)
        said: list[str] = []
        watched.page.on("console", lambda message: _keep_message(said, message))
        watched.page.on("pageerror", lambda error: _keep(said, str(error), error.stack or ""))
        watched.page.goto(lab.notebook(f"smoke-{request.param.name}", _CELLS, request.param))
        watched.page.wait_for_function(_IS_READY)
        yield Opened(lab, ollama, ChatPanel(watched, lab), said)
        context.close()


@pytest.fixture
def smoke(opened: Opened) -> Iterator[Opened]:
    """Give the page of one version; the scripted Ollama has forgotten what went before."""
    opened.ollama.forget()
    yield opened
    opened.ollama.forget()


def test_the_front_end_is_enabled_and_ok(python: Path) -> None:
    command = [str(python), "-m", "jupyter", "labextension", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)

    (line,) = [line for line in listed.stderr.splitlines() if "ollama-lab v" in line]
    assert "enabled" in line
    assert "OK" in line


def test_every_plugin_is_active(smoke: Opened) -> None:
    assert smoke.chat.page.evaluate(_MISSING_PLUGINS) == []


def test_the_keys_open_the_chat_at_the_right(smoke: Opened) -> None:
    smoke.show_chat()

    box = smoke.chat.region.bounding_box()
    assert box is not None
    assert box["x"] > 650


@_IN_JUPYTERLAB
def test_the_icon_closes_and_opens_the_chat(smoke: Opened) -> None:
    smoke.show_chat()
    icon = smoke.chat.page.get_by_role("tab", name="Ollama chat")

    icon.click()
    expect(smoke.chat.region).to_be_hidden()
    icon.click()

    expect(smoke.chat.region).to_be_visible()


def test_a_question_is_answered(smoke: Opened) -> None:
    smoke.ollama.say("I am **here**.")
    smoke.show_chat()

    answer = smoke.chat.ask("Are you there?")

    expect(answer.get_by_role("strong")).to_have_text("here")


def test_stop_hangs_up(smoke: Opened) -> None:
    smoke.ollama.script("*", [Text("Once upon a time"), Pace(20), Never(20)])
    smoke.show_chat()

    smoke.chat.send("Tell me a long story")
    expect(smoke.chat.answers.last).to_contain_text("Once upon a time")
    smoke.chat.button("Stop").click()
    expect(smoke.chat.answers.last).to_contain_text("stopped")

    smoke.ollama.calls("/api/chat")[-1].wait_for_hangup()


def test_a_prompt_in_a_cell_has_its_colors_and_is_answered(smoke: Opened) -> None:
    smoke.ollama.say("An answer **in** the notebook.")
    page = smoke.chat.page

    page.evaluate(_RUN_ALL)

    output = page.locator(".jp-OutputArea-output.jp-RenderedMarkdown")
    expect(output).to_contain_text("An answer in the notebook.")
    word = page.locator(".jp-CodeCell .cm-line span").get_by_text("very", exact=True)
    expect(word).to_have_css("font-weight", "700")


def test_code_goes_below_the_active_cell(smoke: Opened) -> None:
    smoke.ollama.say(_CODE)
    smoke.show_chat()
    answer = smoke.chat.ask("How?")

    answer.get_by_role("button", name="Insert below the active cell").click()

    added = smoke.chat.page.locator(".jp-CodeCell").filter(has_text="print(6 * 7)")
    expect(added).to_have_count(1)


@_IN_JUPYTERLAB
def test_the_settings_editor_has_ours(smoke: Opened) -> None:
    smoke.chat.run("settingeditor:open", query="Send with")

    expect(smoke.chat.page.get_by_text("The keys that send a message").first).to_be_visible()


def test_nothing_in_the_console_is_about_us(smoke: Opened) -> None:
    smoke.show_chat()

    assert smoke.complaints == []


def test_the_documents_name_the_versions_that_are_tested() -> None:
    sidebar = " ".join((_ROOT / "docs" / "sidebar.md").read_text().split())
    readme = (_ROOT / "README.md").read_text()
    labs, notebooks = (", ".join(each) for each in zip(*_OLDER, strict=True))

    assert f"in JupyterLab {labs} and the newest, and in Notebook {notebooks} and the" in sidebar
    assert f"JupyterLab {_OLDER[0][0]}, Notebook {_OLDER[0][1]} or newer" in readme
