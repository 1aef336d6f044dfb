"""The house stands as drawn: no room imports a higher one, values know no I/O, doors stay apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "ollama_lab"

# Lowest first; a room imports from the lines above its own. A new room gets its place here.
FLOORS = (
    ("errors",),
    ("wire", "options", "braces", "kinds", "rhythm"),
    ("models", "progress", "framing"),
    ("prompts", "sanitize", "schema"),
    ("terminal", "settings", "files"),
    ("hosts", "values", "images"),
    ("transport",),
    ("client", "aclient"),
    ("conversations",),
    ("attachments", "tools", "cache"),
    ("answer",),
    ("display",),
    ("ask", "jobs", "batch"),
    ("doctor", "autoload", "kernelspec", "lab"),
    ("magics", "widgets", "web", "cli", "server"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
VALUES = (
    "errors",
    "wire",
    "models",
    "options",
    "prompts",
    "braces",
    "sanitize",
    "schema",
    "progress",
)
# What a value must not reach for: files, sockets, processes, the clock, the environment.
OUTSIDE = {
    *("asyncio", "http", "io", "os", "pathlib", "requests", "select", "selectors", "shutil"),
    *("socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "tornado", "urllib3"),
}
# What a kernel that only loads the magics must not pay for.
HEAVY = {
    *("tornado", "requests", "httpx", "ipywidgets", "flask", "jupyter_server", "sqlite3"),
    *("markdown_it", "pandas", "numpy", "PIL", "xllamacpp"),
}
ENGINE_MAY_USE = {"engine", "errors", "schema"}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: ``is_early`` is whether it runs when the module is imported."""

    file: Path
    line: int
    module: str
    is_early: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"

    @property
    def room(self) -> str:
        """The room of ours that is imported; empty for foreign modules."""
        parts = self.module.split(".")
        return parts[1] if parts[0] == "ollama_lab" and len(parts) > 1 else ""


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files(*rooms: str) -> list[Path]:
    found = [f for f in sorted(PACKAGE.rglob("*.py")) if f != PACKAGE / "__init__.py"]
    return [file for file in found if room_of(file) in rooms] if rooms else found


def imports(file: Path) -> list[Import]:
    tree = ast.parse(file.read_text())
    late = {id(node) for owner in ast.walk(tree) if _is_late(owner) for node in ast.walk(owner)}
    return [
        Import(file, getattr(node, "lineno", 0), module, id(node) not in late)
        for node in ast.walk(tree)
        for module in _modules(node, file)
    ]


def _is_late(node: ast.AST) -> bool:
    is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    return is_for_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _modules(node: ast.AST, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = ("ollama_lab", *file.relative_to(PACKAGE).parent.parts)
            above = package[: len(package) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        # `from ollama_lab import wire` names a room after the import.
        is_root = base == "ollama_lab"
        yield from (f"{base}.{alias.name}" for alias in node.names) if is_root else [base]


ALL_IMPORTS = [found for file in files() for found in imports(file)]


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(file) for file in files()} - {"engine", "py"}

    assert rooms - FLOOR.keys() == set(), "give each a place in FLOORS"


def test_no_room_imports_a_higher_one() -> None:
    wrong = [
        str(found)
        for found in ALL_IMPORTS
        if found.room in FLOOR
        and room_of(found.file) in FLOOR
        and room_of(found.file) != found.room
        and FLOOR[found.room] >= FLOOR[room_of(found.file)]
    ]

    assert wrong == []


def test_the_engine_can_be_lifted_out() -> None:
    wrong = [
        str(found)
        for file in files("engine")
        for found in imports(file)
        if found.room and found.room not in ENGINE_MAY_USE
    ]

    assert wrong == []


def test_the_engine_is_imported_only_inside_functions() -> None:
    wrong = [
        str(found)
        for found in ALL_IMPORTS
        if found.room == "engine" and found.is_early and room_of(found.file) != "engine"
    ]

    assert wrong == []


@pytest.mark.parametrize("room", VALUES)
def test_values_know_no_io(room: str) -> None:
    wrong = [
        str(found)
        for file in files(room)
        for found in imports(file)
        if found.module.split(".")[0] in OUTSIDE
    ]

    assert wrong == []


@pytest.mark.parametrize("room", VALUES)
def test_values_need_nothing_but_python(room: str) -> None:
    allowed = {*sys.stdlib_module_names, "ollama_lab", *(["markdown_it"] * (room == "sanitize"))}

    wrong = [
        str(found)
        for file in files(room)
        for found in imports(file)
        if found.module.split(".")[0] not in allowed
    ]

    assert wrong == []


def test_loading_the_magics_brings_in_nothing_heavy() -> None:
    code = """
        import sys
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        before = set(sys.modules)
        shell.run_line_magic("load_ext", "ollama_lab")
        print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
    """

    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )

    assert "ollama_lab" in done.stdout.split()
    assert HEAVY & set(done.stdout.split()) == set()
