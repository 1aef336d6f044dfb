"""What a newcomer does: open the printed address in a browser, and run all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from started_lab import StartedLab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.ui, pytest.mark.engine]

ROOT = Path(__file__).parents[2]
LONG_MS = 60_000
# The last cell's prompt is no longer a star, or there would be a cell that still waits.
DONE = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
  return prompts.length && prompts.every(prompt => /\\[\\d+\\]/.test(prompt.textContent));
}"""


def test_run_all_on_the_first_notebook_answers_every_prompt(
    browser: Browser, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "notebooks" / "01-first-prompt.ipynb", tmp_path)
    env = {"OLLAMA_LAB_ALLOW_PROBE": "False"}
    with StartedLab(tmp_path, "01-first-prompt.ipynb", env=env) as lab:
        page = browser.new_page(viewport={"width": 1200, "height": 6000}, locale="en-US")
        page.set_default_timeout(LONG_MS)
        page.goto(lab.url())
        # Run All before the kernel is there would open a dialog that asks for one.
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(DONE)

        answers = page.locator(".jp-OutputArea-output.jp-RenderedMarkdown").all_inner_texts()
        errors = page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()
        page.close()
        lab.stop()
    shown = "\n".join(answers)
    assert "A kernel is the process that runs the code of a notebook" in shown
    assert "A container is a running copy of an image" in shown
    assert "Cut off after 12 tokens" in shown
    assert len(errors) == 1
    assert "Pull it with: %ollama pull lama3.2" in errors[0]
