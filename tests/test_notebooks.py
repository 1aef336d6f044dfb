"""The notebooks, run as a person runs them: every cell, from the first to the last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from waiting import wait_until

if TYPE_CHECKING:
    from fake_ollama import FakeOllama

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
FIRST = NOTEBOOKS[0]

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # (it has no types)


def run_all(path: Path) -> Any:
    """Run every cell in a kernel of its own; an error in an untagged cell is an error here."""
    notebook = read(path)
    return NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: Any) -> str:
    """Everything a cell shows as text."""
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(parts)


def errors(notebook: Any) -> list[Any]:
    cells = code_cells(notebook)
    return [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@every_notebook
def test_a_notebook_is_valid(path: Path) -> None:
    nbformat.validate(read(path))


@every_notebook
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    cells = code_cells(read(path))

    assert not any(cell.outputs or cell.execution_count for cell in cells)


@every_notebook
def test_a_notebook_opens_with_the_python_of_any_machine(path: Path) -> None:
    assert read(path).metadata.kernelspec.name == "python3"


@every_notebook
def test_cells_have_names_that_stay(path: Path) -> None:
    names = [cell.id for cell in read(path).cells]

    assert all(name.replace("-", "").isalpha() for name in names)
    assert len(names) == len(set(names))


@every_notebook
def test_a_notebook_says_before_each_cell_what_it_is_about(path: Path) -> None:
    assert read(path).cells[0].source.startswith("# ")


@every_notebook
def test_run_all_answers_every_prompt(
    path: Path, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.say("A scripted answer. It has two sentences.")

    notebook = run_all(path)

    prompts = [cell for cell in code_cells(notebook) if cell.source.startswith("%%ollama")]
    tagged = [cell for cell in prompts if "raises-exception" in cell.metadata.get("tags", [])]
    answered = [cell for cell in prompts if "A scripted answer." in shown(cell)]
    assert len(answered) + len(tagged) == len(prompts)


def test_the_first_notebook_shows_one_error_and_what_to_do(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    ollama.say("A scripted answer. It has two sentences.")

    (error,) = errors(run_all(FIRST))

    assert error.ename == "ModelNotFound"
    assert "Pull it with: %ollama pull lama3.2" in error.evalue


@pytest.mark.engine
def test_the_first_notebook_teaches_with_the_demo_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from ollama_lab.engine import launcher

    monkeypatch.setenv("OLLAMA_LAB_ALLOW_PROBE", "False")
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")

    notebook = run_all(FIRST)

    said = {cell.id: shown(cell) for cell in code_cells(notebook)}
    assert "process that runs the code" in said["ask-code"]
    assert "a list of numbers that stands for the meaning" in said["keep-code"]
    assert "a running copy of an image" in said["variable-ask"]
    assert "Mount a volume" in said["temperature-code"]
    assert "demo:latest" in said["models-code"]
    assert len(errors(notebook)) == 1
    wait_until(lambda: launcher.status() is None)
