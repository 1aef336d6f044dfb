"""The extension as Jupyter's server sees it; nothing is contacted, read or opened at its start."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp

from ollama_lab.server.administration import Administration
from ollama_lab.server.backend import Backend
from ollama_lab.server.base import BACKEND
from ollama_lab.server.routes import handlers
from ollama_lab.settings import OllamaLab


class OllamaLabServer(ExtensionApp):
    """Wires the handlers into the server, and closes what they opened.

    `OllamaLab` (where prompts go) and `Administration` (what is allowed) are configured in Jupyter's
    own files, such as ``jupyter_server_config.py``, or in ``jupyter_ollama_lab_config.py``.
    """

    name = "ollama_lab"
    description = "Chats with local models, for the sidebar of ollama-lab."
    classes = [OllamaLab, Administration]  # noqa: RUF012 (traitlets wants it so)

    _backend: Backend

    def initialize_settings(self) -> None:
        """Put what handlers share where they find it."""
        self._backend = Backend(self)
        self.settings.update({BACKEND: self._backend})

    def initialize_handlers(self) -> None:
        """Add the handlers."""
        self.handlers.extend(handlers())

    async def stop_extension(self) -> None:
        """End answers with a last word, and close chats, connections and the engine's lease."""
        await self._backend.close()
