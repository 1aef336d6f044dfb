"""Local language models, first-class in Jupyter.

In a notebook: ``%load_ext ollama_lab``, then ``%%ollama?``. In Python: ``import ollama_lab as ol``,
then ``ol.ask?``. In a terminal: ``ollama-lab --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ollama_lab.answer import Answer
    from ollama_lab.functions import aask, aembed, ask, astream, chat, embed, stream
    from ollama_lab.magics.magic import OllamaMagics

__all__ = ["Answer", "aask", "aembed", "ask", "astream", "chat", "embed", "stream"]

_LOADED: dict[int, OllamaMagics] = {}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ollama-lab")
    if name in __all__:
        # Only when it is used: `import ollama_lab` and `%load_ext` stay light.
        from importlib import import_module

        home = "answer" if name == "Answer" else "functions"
        return getattr(import_module(f"ollama_lab.{home}"), name)
    raise AttributeError(f"module 'ollama_lab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%ollama`` and ``%%ollama``: what ``%load_ext ollama_lab`` calls.

    Nothing is contacted and nothing heavy is imported until the first prompt.
    """
    from ollama_lab.magics.magic import register

    _LOADED[id(shell)] = register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away: what ``%unload_ext ollama_lab`` calls."""
    from ollama_lab.magics.magic import unregister

    if magics := _LOADED.pop(id(shell), None):
        unregister(shell, magics)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Say where the front end is: what ``jupyter-builder develop`` asks for."""
    return [{"src": "labextension", "dest": "ollama-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Say which application is the server extension: what Jupyter's server asks for."""
    from ollama_lab.server.extension import OllamaLabServer

    return [{"module": "ollama_lab.server.extension", "app": OllamaLabServer}]
