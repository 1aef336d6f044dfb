"""What the page on chats says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ollama_lab.conversations import Store, chats_path

PAGE = Path(__file__).parents[2] / "docs" / "chats.md"


def test_the_python_of_the_page_exports_and_imports(home: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    with Store() as store:
        store.create("Colors")

    exec(block.replace('"chats.json"', repr(str(home / "chats.json"))), {})

    assert json.loads((home / "chats.json").read_text())["chats"][0]["title"] == "Colors"
    with Store() as store:
        assert len(store.find("Colors")) == 2


def test_the_page_names_the_file() -> None:
    assert (
        f"`{chats_path().name}` in the directory `{chats_path().parent.name}`" in PAGE.read_text()
    )
