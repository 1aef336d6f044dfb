"""Write the tables of docs/ from the code they describe: ``python tools/docs_tables.py``.

A page holds ``<!-- table: NAME -->`` and ``<!-- end of table -->``; what stands between is made here.
With ``--check`` nothing is written, and the exit code says whether anything would be.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ollama_lab import cli
from ollama_lab.magics import arguments, line
from ollama_lab.server import routes
from ollama_lab.server.administration import Administration
from ollama_lab.settings import OllamaLab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DOCS = Path(__file__).parents[1] / "docs"
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main() -> int:
    """Write or check every page."""
    check = "--check" in sys.argv[1:]
    for name in [name for name in os.environ if name.startswith(("OLLAMA_", "JUPYTERHUB_"))]:
        # Some defaults depend on them; the page is for a machine without.
        del os.environ[name]
    stale = [page for page in sorted(DOCS.glob("*.md")) if _rewritten(page) != page.read_text()]
    for page in stale:
        print(f"{page.name} {'is not what the code says' if check else 'written'}")
        if not check:
            page.write_text(_rewritten(page))
    return int(check and bool(stale))


def _rewritten(page: Path) -> str:
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], page.read_text())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _options() -> str:
    rows = [(f"`{flag}`", words) for flag, words in arguments.described()]
    return _table(("option", "what it does"), rows)


def _commands() -> str:
    rows = [(f"`%ollama {c.usage}`", c.help) for c in line.COMMANDS.values()]
    return _table(("command", "what it does"), rows)


def _settings() -> str:
    fresh = OllamaLab()
    rows = [
        (f"`{name}`", f"`{getattr(fresh, name)!r}`", str(trait.help))
        for name, trait in OllamaLab.class_traits(config=True).items()
    ]
    return _table(("setting", "default", "meaning"), rows)


def _switches() -> str:
    fresh = Administration()
    rows = [
        (f"`{name}`", f"`{getattr(fresh, name)!r}`", str(trait.help))
        for name, trait in Administration.class_own_traits(config=True).items()
    ]
    return _table(("switch", "default", "meaning"), rows)


def _calls() -> str:
    rows = [(f"`{v.method}`", f"`{v.path}`", v.action, v.about) for v in routes.verbs()]
    return _table(("method", "path", "action", "what it does"), rows)


def _command_line() -> str:
    return "\n".join(_command(name, parser) for name, parser in _subcommands())


def _subcommands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in cli.parser()._actions:  # noqa: SLF001 (argparse has no public list)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.items()


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [
        (f"`{_written(action)}`", (action.help or "").replace("%%", "%"))
        for action in parser._actions  # noqa: SLF001
        if action.dest != "help"
    ]
    table = _table(("argument", "what it does"), rows) if rows else ""
    return f"### ollama-lab {name}\n\n{parser.description}\n\n{table}"


def _written(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(map(str, action.choices))
    if not action.option_strings:
        return str(action.metavar or action.dest).upper()
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(action.option_strings) + value


TABLES: dict[str, Callable[[], str]] = {
    "options": _options,
    "commands": _commands,
    "settings": _settings,
    "command-line": _command_line,
    "calls": _calls,
    "switches": _switches,
}


if __name__ == "__main__":
    sys.exit(main())
