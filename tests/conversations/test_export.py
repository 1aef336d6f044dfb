"""A chat as Markdown and as a notebook: readable, valid, and unable to act."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from ollama_lab.conversations import AttachedText, Picture, Store

ANSWER = """Use this:

```python
import pandas as pd

print("<b>")
```

or in a shell:

```bash
ls
```

<script>alert(1)</script> ![x](http://evil.example/x.png)
"""


@pytest.fixture
def chat_id(store: Store) -> str:
    """Make a chat with code, an attachment and something hostile."""
    chat = store.create("Frames *and* files")
    store.append(
        chat.id,
        "How do I read it?",
        attachments=[AttachedText("a_b.csv", "x,y")],
        pictures=[Picture("plot.png", "image/png", b"PNG")],
    )
    writer = store.begin(chat.id)
    writer.add(ANSWER, thinking="secret thoughts")
    writer.finish("stopped", provenance={"model": "qwen3:0.6b", "seed": 7})
    return chat.id


def cells(store: Store, chat_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(store.export_notebook(chat_id))["cells"]
    return found


def test_markdown_names_who_speaks_and_what_was_attached(store: Store, chat_id: str) -> None:
    text = store.export_markdown(chat_id)

    assert text.startswith(
        "# Frames &#42;and&#42; files\n\n## You\n\nAttached: a&#95;b.csv\n\n"
        "Attached image: plot.png\n\nHow do I read it?\n\n## qwen3&#58;0.6b\n\nUse this:\n\n```python\n"
    )
    assert text.endswith("\n\n*Stopped here by the user.*\n")


def test_markdown_keeps_code_and_cannot_act(store: Store, chat_id: str) -> None:
    text = store.export_markdown(chat_id)

    assert '```python\nimport pandas as pd\n\nprint("<b>")\n```' in text
    assert "&lt;script>" in text
    assert "![" not in text
    assert "<script" not in text


def test_a_notebook_is_valid(store: Store, chat_id: str) -> None:
    notebook = nbformat.reads(store.export_notebook(chat_id), as_version=4)  # type: ignore[no-untyped-call] # (untyped there)

    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_python_becomes_code_cells_and_other_code_stays(store: Store, chat_id: str) -> None:
    kinds = [(cell["cell_type"], cell["source"].split("\n")[0]) for cell in cells(store, chat_id)]

    assert kinds == [
        ("markdown", "# Frames &#42;and&#42; files"),
        ("markdown", "**You**"),
        ("markdown", "**qwen3&#58;0.6b**"),
        ("code", "import pandas as pd"),
        ("markdown", "or in a shell:"),
    ]
    assert cells(store, chat_id)[3]["source"] == 'import pandas as pd\n\nprint("<b>")'
    assert "```bash\nls\n```" in cells(store, chat_id)[4]["source"]


def test_code_cells_of_a_notebook_have_not_run(store: Store, chat_id: str) -> None:
    (code,) = [cell for cell in cells(store, chat_id) if cell["cell_type"] == "code"]

    assert (code["outputs"], code["execution_count"]) == ([], None)


def test_answers_in_a_notebook_say_what_wrote_them(store: Store, chat_id: str) -> None:
    provenance = {"ollama_lab": {"model": "qwen3:0.6b", "seed": 7}}

    assert [cell["metadata"] for cell in cells(store, chat_id)] == [{}, {}, *[provenance] * 3]


def test_what_the_user_typed_is_not_cut_into_code_cells(store: Store) -> None:
    chat = store.create("x")
    store.append(chat.id, "Explain:\n```python\n1\n```\nplease")

    assert [cell["cell_type"] for cell in cells(store, chat.id)] == ["markdown", "markdown"]


def test_an_unclosed_block_of_code_is_code(store: Store) -> None:
    chat = store.create("x")
    with store.begin(chat.id) as writer:
        writer.add("```python\nx = '''\n``\n'''")

    assert cells(store, chat.id)[-1]["source"] == "x = '''\n``\n'''"


def test_tool_calls_and_results_are_told(store: Store) -> None:
    chat = store.create("x")
    store.begin(chat.id).finish(tool_calls=[{"function": {"name": "add", "arguments": {"a": 1}}}])
    store.append(chat.id, "3", role="tool", tool_name="add")

    text = store.export_markdown(chat.id)

    assert "Calls: " in text
    assert text.endswith("## Tool add\n\n3\n")


def test_an_empty_chat_has_a_title(store: Store) -> None:
    chat = store.create()

    assert store.export_markdown(chat.id) == "# Chat\n"
