"""A notebook with the extension loaded: a real kernel, and the scripted Ollama behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fake_models import default_models

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_ollama import FakeOllama
    from live_kernel import Kernel
    from live_messages import Message, Result


class Notebook:
    """One kernel for many tests: `reset` gives each the state of a fresh one.

    Attributes
    ----------
    kernel : Kernel
        Where cells run.
    ollama : FakeOllama
        Its OLLAMA_HOST.
    """

    def __init__(self, kernel: Kernel, ollama: FakeOllama) -> None:
        self.kernel = kernel
        self.ollama = ollama

    def reset(self) -> None:
        """Forget what a test did on both sides; variables stay."""
        self.ollama.forget()
        self.ollama.models = default_models()
        self.ollama.version = "0.33.0-rc2"
        reset = self.kernel.run("%ollama reset")
        assert reset.status == "ok", reset.error_text
        self.ollama.forget()

    def run(
        self,
        code: str,
        *,
        cell_id: str = "",
        interrupt_when: Callable[[Message], bool] | None = None,
        interrupt_after: float | None = None,
        answers: tuple[str, ...] = (),
    ) -> Result:
        """Run any cell."""
        return self.kernel.run(
            code,
            timeout=20,
            cell_id=cell_id,
            interrupt_when=interrupt_when,
            interrupt_after=interrupt_after,
            answers=answers,
        )

    def ask(self, first_line: str = "", prompt: str = "Hello", *, cell_id: str = "") -> Result:
        """Run a ``%%ollama`` cell that works."""
        result = self.run(f"%%ollama {first_line}\n{prompt}", cell_id=cell_id)
        assert result.status == "ok", result.error_text
        return result

    def fail(self, first_line: str = "", prompt: str = "Hello") -> Result:
        """Run a ``%%ollama`` cell that fails as a cell ought to: one line, and short."""
        result = self.run(f"%%ollama {first_line}\n{prompt}")
        assert result.status == "error"
        assert result.error_text == f"{result.ename}: {result.evalue}"
        assert "\n" not in result.error_text
        assert len(json.dumps(result.reply)) <= 2000
        return result

    def value(self, expression: str) -> Any:
        """Give the value of an expression in the kernel, by way of JSON."""
        result = self.run(f"import json; print(json.dumps({expression}))")
        assert result.status == "ok", result.error_text
        return json.loads(result.stdout)

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the last prompt that reached the server."""
        paths = ("/api/chat", "/api/generate")
        return [record for record in self.ollama.requests if record.path in paths][-1].body

    @property
    def prompts_sent(self) -> int:
        """How many prompts reached the server."""
        return len(self.ollama.calls("/api/chat")) + len(self.ollama.calls("/api/generate"))


def markdown(result: Result) -> str:
    """Give the Markdown of the one answer that a cell shows in the end."""
    (data,) = result.displayed
    text: str = data["text/markdown"]
    return text


def footer(result: Result) -> str:
    """Give the lines below an answer, with entities as a reader sees them."""
    return unescaped(markdown(result).rpartition("<sub>")[2].removesuffix("</sub>"))


def unescaped(text: str) -> str:
    """Give HTML's numbered entities as characters."""
    import html

    return html.unescape(text)
