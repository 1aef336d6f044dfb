"""Who may import whom: lower rooms never import higher ones, and values know no I/O.

A new module gets its place in `LAYERS`, and in the map of CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import copy
import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ollama_lab import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_ollama import FakeOllama

ROOT = Path(client.__file__).parent

#: Values: no I/O, no clock, no environment. The lowest row first; rows do not import themselves.
VALUES = (
    ("errors", "kinds", "braces", "rhythm"),
    ("refusals",),
    ("wire", "options", "framing"),
    ("models", "progress"),
    ("prompts", "sanitize", "schema"),
)
#: The rooms above them, up to the doors.
ROOMS = (
    ("terminal", "settings"),
    ("hosts",),
    ("transport",),
    ("client", "aclient"),
    ("conversations",),
    ("files", "values"),
    ("images",),
    ("attachments", "tools", "cache", "forms"),
    ("answer",),
    ("display",),
    ("plan",),
    ("session",),
    ("sharing",),
    ("given",),
    ("functions", "jobs", "batch"),
    ("doctor", "autoload", "kernelspec", "lab"),
)
DOORS = ("magics", "widgets", "web", "cli", "server")
LAYERS = (*VALUES, *ROOMS, DOORS)
RANK = {room: rank for rank, row in enumerate(LAYERS) for room in row}

#: The engine can be lifted out: it stands beside the house.
ENGINE_MAY_IMPORT = {"errors", "schema", "engine"}
MAY_IMPORT_ENGINE = {"hosts", "doctor", "cli", "server", "engine"}

IO_MODULES = {
    *("asyncio", "glob", "http", "io", "logging", "multiprocessing", "os"),
    *(
        "pathlib",
        "random",
        "requests",
        "secrets",
        "select",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
    ),
    *("ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "urllib3"),
}
IO_CALLS = {"open", "print", "input", "exec", "eval", "now", "utcnow", "today"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def room_of(path: Path) -> str:
    """Return the name of the room a file belongs to: its package, or itself."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield the full names of what a tree imports, relative imports resolved."""
    package = ("ollama_lab", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path, tree: ast.AST | None = None) -> set[str]:
    """Return the rooms of ours that a file imports, its own left out."""
    names = imported(path, tree or tree_of(path))
    ours = {name.split(".")[1] for name in names if name.startswith("ollama_lab.")}
    return {room for room in ours if room in RANK or room == "engine"} - {room_of(path)}


def at_import(tree: ast.Module) -> ast.Module:
    """Return what runs when a module is imported: no function bodies, nothing for types only."""

    class Outer(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            del node

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            del node

        def visit_If(self, node: ast.If) -> ast.If | None:
            is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            return None if is_for_types else node

    made = Outer().visit(copy.deepcopy(tree))
    assert isinstance(made, ast.Module)
    return made


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "path", paths, ids=[path.relative_to(ROOT).as_posix() for path in paths]
    )


VALUE_ROOMS = {room for row in VALUES for room in row}
in_each_module = each([path for path in modules() if room_of(path) != "engine"])
in_each_value = each([path for path in modules() if room_of(path) in VALUE_ROOMS])
in_each_of_the_engine = each([path for path in modules() if room_of(path) == "engine"])


# ---------------------------------------------------------------- the order


@in_each_module
def test_every_module_has_its_place(path: Path) -> None:
    assert room_of(path) in RANK, "place it in LAYERS and in the map of CONTRIBUTING.md"


@in_each_module
def test_no_room_imports_a_higher_one_or_its_neighbor(path: Path) -> None:
    rank = RANK[room_of(path)]

    higher = {room for room in rooms_imported(path) - {"engine"} if RANK[room] >= rank}

    assert higher == set()


@in_each_of_the_engine
def test_the_engine_imports_only_what_goes_with_it(path: Path) -> None:
    assert rooms_imported(path) <= ENGINE_MAY_IMPORT


@in_each_module
def test_few_rooms_import_the_engine_and_only_when_they_need_it(path: Path) -> None:
    may_import = {"engine"} if room_of(path) in MAY_IMPORT_ENGINE else set()

    assert rooms_imported(path) & {"engine"} <= may_import
    assert "engine" not in rooms_imported(path, at_import(tree_of(path)))


def test_the_package_itself_imports_nothing_at_import() -> None:
    path = ROOT / "__init__.py"

    names = [name for name in imported(path, at_import(tree_of(path))) if "__future__" not in name]

    assert set(names) <= {"typing.TYPE_CHECKING", "typing.Any"}


# ---------------------------------------------------------------- values


@in_each_value
def test_values_import_only_the_standard_library(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"ollama_lab"}
    allowed |= {"markdown_it"} if room_of(path) == "sanitize" else set()

    assert {name.partition(".")[0] for name in imported(path, tree_of(path))} <= allowed


@in_each_value
def test_values_import_nothing_that_reads_or_writes(path: Path) -> None:
    names = list(imported(path, tree_of(path)))

    bad = [n for n in names if any(n == io or n.startswith(f"{io}.") for io in IO_MODULES)]

    assert bad == []


@in_each_value
def test_values_call_nothing_that_reads_or_writes(path: Path) -> None:
    calls = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    names = [getattr(call, "id", None) or getattr(call, "attr", "") for call in calls]

    assert IO_CALLS & set(names) == set()


# ---------------------------------------------------------------- the map


def test_the_map_names_every_room_in_this_order() -> None:
    text = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, after = text.partition("## The map")
    rows = re.findall(r"^\| (`.*?) \|", after.partition("\n## ")[0], re.MULTILINE)
    mapped = [name.strip("/") for row in rows for name in re.findall(r"`(.*?)`", row)]

    ranks = [RANK[room] for room in mapped if room in RANK]

    assert {room_of(path) for path in modules()} <= set(mapped)
    assert ranks == sorted(ranks)


# ---------------------------------------------------------------- running programs

LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "ollama_lab")
assert "ollama" in shell.magics_manager.magics["cell"]
print(" ".join({name.partition(".")[0] for name in set(sys.modules) - before}))
"""

HEAVY = {
    *("tornado", "requests", "urllib3", "httpx", "ipywidgets", "flask", "jupyter_server"),
    *("sqlite3", "markdown_it", "pandas", "numpy", "PIL", "xllamacpp"),
}


def run(code: str, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_load_ext_imports_nothing_heavy() -> None:
    newly = set(run(LOAD).split())

    assert "ollama_lab" in newly
    assert newly & HEAVY == set()


def test_importing_the_package_imports_nothing_but_itself() -> None:
    code = (
        "import sys; before = set(sys.modules); import ollama_lab\n"
        "print(*(n for n in set(sys.modules) - before if n.partition('.')[0] not in"
        " sys.stdlib_module_names))"
    )

    assert run(code).split() == ["ollama_lab"]


ASK = """
import sys
sys.path[:0] = [{folder!r}]
import ollama_lab, ollama_lab.hosts, ollama_lab.client
from ollama_lab import settings
from ollama_lab.plan import Request
from ollama_lab.session import Session
session = Session(settings.load())
session.settings.host = {url!r}
assert not ollama_lab.hosts.engine_installed()
print("".join(chunk.content for chunk in session.stream(session.prepare(Request(prompt="Hi")))))
session.close()
assert "IPython" not in sys.modules
"""
RUNTIME = (
    *("ollama_lab", "requests", "urllib3", "idna", "certifi", "charset_normalizer"),
    *("traitlets", "platformdirs", "markdown_it", "mdurl"),
)


def test_the_python_side_answers_where_there_is_no_jupyter(
    tmp_path: Path, ollama: FakeOllama
) -> None:
    ollama.say("Hello from afar")
    for name in RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (tmp_path / name).symlink_to(Path(spec.origin).parent)

    # -I and -S: nothing of this environment but what was linked.
    said = run(ASK.format(folder=str(tmp_path), url=ollama.url), "-I", "-S")

    assert said == "Hello from afar\n"
