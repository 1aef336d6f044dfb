"""What is compared: our magic, and what people write by hand today."""

from __future__ import annotations

from dataclasses import dataclass

PROMPT = "Say something long."

_BY_HAND = """
answer = ollama.chat("MODEL", [{"role": "user", "content": "PROMPT"}], stream=True)
"""
_MARKDOWN_BY_HAND = """
handle, text = display(Markdown(""), display_id=True), ""
for chunk in answer:
    text += chunk.message.content
    handle.update(Markdown(text))
"""
_PRINT_BY_HAND = """
for chunk in answer:
    print(chunk.message.content, end="", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to show an answer in a cell; MODEL and PROMPT are filled in."""

    name: str
    setup: str
    cell: str
    is_ours: bool = False

    def code(self, model: str) -> str:
        """Give the cell for a model."""
        return self.cell.replace("MODEL", model).replace("PROMPT", PROMPT)


CONTESTANTS = (
    Contestant(
        "%%ollama --as text",
        "%load_ext ollama_lab",
        "%%ollama MODEL --as text\nPROMPT",
        is_ours=True,
    ),
    Contestant(
        "%%ollama (live Markdown)", "%load_ext ollama_lab", "%%ollama MODEL\nPROMPT", is_ours=True
    ),
    Contestant(
        "ollama client, update_display(Markdown)",
        "import ollama\nfrom IPython.display import Markdown, display",
        _BY_HAND + _MARKDOWN_BY_HAND,
    ),
    Contestant("ollama client, print(flush=True)", "import ollama", _BY_HAND + _PRINT_BY_HAND),
)
