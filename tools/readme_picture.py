"""Take the README's picture: ``python tools/readme_picture.py`` writes docs/img/first-prompt.png.

The embedded engine and its demo model answer, in a JupyterLab as ``ollama-lab lab`` starts it.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from started_lab import StartedLab  # noqa: E402 (tests/ is no package)

PICTURE = ROOT / "docs" / "img" / "first-prompt.png"
CELLS = (
    'topic = "a container"',
    "%%ollama -o answer\nExplain {topic}",
    'answer.text.split(".")[0]',
)
SIZE = {"width": 860, "height": 460}


def main() -> None:
    """Run the cells and write the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        _write_notebook(Path(folder, "answers.ipynb"))
        env = {"OLLAMA_LAB_ALLOW_PROBE": "False", "HOME": folder}
        with StartedLab(Path(folder), "answers.ipynb", env=env) as lab:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--headless=new", "--no-sandbox"]
            )
            page = browser.new_page(viewport=SIZE, device_scale_factor=2, locale="en-US")
            page.goto(lab.url())
            _run(page)
            shot = Image.open(io.BytesIO(page.screenshot()))
            browser.close()
            lab.stop()
    PICTURE.parent.mkdir(exist_ok=True)
    # Text and flat color: a palette takes a third of the bytes.
    shot.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE).save(PICTURE, optimize=True)


def _write_notebook(path: Path) -> None:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = new_notebook(
        cells=[new_code_cell(text) for text in CELLS], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, path)


def _run(page: Page) -> None:
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.keyboard.press("Control+b")
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.get_by_text("[3]:").first.wait_for()
    page.locator(".jp-CodeCell").first.locator(".jp-InputPrompt").click()
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
