"""The magics IPython sees: they parse and delegate."""

from __future__ import annotations

import atexit
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

from ollama_lab.magics import arguments, completion, line
from ollama_lab.magics.completion import Names
from ollama_lab.magics.interrupts import stoppable

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ollama_lab.hosts import Host

NAMES = ("ollama", "ollama_lab")


class OllamaMagics:
    """``%ollama`` and ``%%ollama`` of one shell, also as ``%ollama_lab`` and ``%%ollama_lab``.

    `prompts.expand` puts variables in: IPython's own expansion would break braces and dollars.
    What a prompt needs is imported with the first one, so that ``%load_ext`` costs next to nothing.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.names = Names(self._host)

    @cached_property
    def kernel(self) -> line.Kernel:
        """The settings, connections and conversation of this kernel."""
        from ollama_lab.magics.history import History
        from ollama_lab.magics.stored import Chats
        from ollama_lab.sharing import shared

        return line.Kernel(self.shell, shared(self.shell), History(), Chats())

    @no_var_expand
    def line(self, text: str) -> Any:
        """Run a command; the docstring that people see is made below."""
        with stoppable():
            try:
                return line.run(self.kernel, text)
            finally:
                self.names.refresh()

    @no_var_expand
    def cell(self, text: str, body: str) -> None:
        """Answer a prompt; the docstring that people see is made below."""
        with stoppable():
            from ollama_lab.magics.cell import Cell

            parsed = arguments.parse(text)
            try:
                Cell(self.kernel, parsed).run(body)
            finally:
                self.names.refresh()

    def close(self) -> None:
        """Give back what is held: connections, the embedded engine, the file of chats."""
        if "kernel" in self.__dict__:
            from ollama_lab.sharing import release

            release(self.shell)
            self.kernel.chats.close()

    def _host(self) -> Host | None:
        """Return the server in use, if one was chosen; nothing is looked for."""
        return self.kernel.session.hosts.chosen if "kernel" in self.__dict__ else None


OllamaMagics.line.__doc__ = f"""Choose servers and models, and manage them.

{line.help_text()}

Write a prompt with %%ollama; see %%ollama? for its options.
"""

OllamaMagics.cell.__doc__ = f"""Send the cell to a local model; the answer streams in as Markdown.

    %%ollama llama3.2:1b -o answer --temperature 0
    What is a bind mount? Answer for someone who knows {{topic}}.

{{name}} stands for a variable of yours; stop with the stop button: what came is kept.
--history goes on with this kernel's conversation, --chat NAME with one that is kept on disk.
The answer is also _, with .text, .code, .data, .thinking, .stats and .provenance.

{arguments.help_text()}
See %ollama? for servers and models.
"""


def register(shell: InteractiveShell) -> OllamaMagics:
    """Register both magics under both names, and their completion."""
    magics = OllamaMagics(shell)
    _say_if_replaced(shell)
    for name in NAMES:
        for kind, function in (("line", magics.line), ("cell", magics.cell)):
            shell.register_magic_function(function, kind, name)  # type: ignore[arg-type]  # (its decorator hides the signature)
    shell.Completer.custom_matchers.append(completion.matcher(magics.names, NAMES))
    # A kernel that ends gives its lease on the engine back at once.
    atexit.register(magics.close)
    return magics


def _say_if_replaced(shell: InteractiveShell) -> None:
    """Say in one line that a foreign ``%%ollama`` gives way to ours."""
    found = shell.magics_manager.magics["cell"].get("ollama")
    if found is None or isinstance(getattr(found, "__self__", None), OllamaMagics):
        return
    module = getattr(found, "__module__", "another extension")
    sys.stderr.write(f"%%ollama of {module} is replaced; it is ours now, as is %%ollama_lab.\n")


def _is_ours(matcher: Any) -> bool:
    return getattr(matcher, "matcher_identifier", "") == completion.IDENTIFIER


def unregister(shell: InteractiveShell, magics: OllamaMagics) -> None:
    """Take the magics away again."""
    for name in NAMES:
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if not _is_ours(matcher)]
    atexit.unregister(magics.close)
    magics.close()
