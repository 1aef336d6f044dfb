"""An authorizer for tests: it reads from a file which actions on our resource are allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.auth.authorizer import Authorizer


class OnlyAllowed(Authorizer):
    """Allows what stands in ``allowed`` in the home, a word an action."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        if resource != "ollama_lab":
            return True
        return action in (Path.home() / "allowed").read_text().split()
