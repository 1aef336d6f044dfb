"""The streaming renderer by itself in a page of a real JupyterLab: `labextension/test/page`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gates

if TYPE_CHECKING:
    from live_lab import Lab
    from playwright.sync_api import Page

_READY = "() => window.ollamaLabPage !== undefined"


def install(folder: Path) -> None:
    """Build the page, and put it where a `Lab` of this folder finds it."""
    extensions = folder / "home" / "data" / "labextensions"
    extensions.mkdir(parents=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["jlpm", "build:page"],
        cwd=gates.LABEXTENSION,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    shutil.copytree(gates.LABEXTENSION / "lib-page", extensions / "ollama-lab-page")


def show(page: Page, lab: Lab) -> None:
    """Open JupyterLab in a browser's page, and wait until the renderer is there."""
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_function(_READY)


def call(page: Page, method: str, *arguments: Any) -> Any:
    """Call a method of the renderer's page."""
    return page.evaluate(
        "([method, rest]) => window.ollamaLabPage[method](...rest)", [method, list(arguments)]
    )


def work_seconds(page: Page, method: str, *arguments: Any) -> tuple[float, Any]:
    """Give the processor time of the page's main thread while a call runs, and what it gives."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    session.send("Performance.enable")

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    before = spent()
    given = call(page, method, *arguments)
    after = spent()
    session.detach()
    return after - before, given
