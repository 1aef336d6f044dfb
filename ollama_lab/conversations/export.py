"""A chat as Markdown or as a notebook, to read and to keep.

Both hold one branch. What was said goes through `sanitize`, as everything that will be rendered:
the exact words are in the JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from ollama_lab.sanitize import escape, sanitize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .chat import Conversation, Message

_SPEAKERS = {"user": "You", "system": "System", "tool": "Tool"}
_ENDINGS = {
    "stopped": "Stopped here by the user.",
    "broken": "Broken off here.",
    "streaming": "Still being written.",
}
_PYTHON = ("python", "python3", "py", "ipython", "ipython3")
# `sanitize` writes code in one way only: a fence at the margin, closed by the same fence.
_FENCED = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=fence)$\n?",
    re.MULTILINE | re.DOTALL,
)


def to_markdown(conversation: Conversation) -> str:
    """Write a chat as one Markdown text."""
    parts = [f"# {_title(conversation)}", *map(_section, conversation.messages)]
    return "\n\n".join(parts) + "\n"


def _section(message: Message) -> str:
    return "\n\n".join([f"## {_speaker(message)}", *_paragraphs(message)])


def _paragraphs(message: Message) -> Iterator[str]:
    """Give what a message says, without who says it."""
    for attachment in message.attachments:
        yield f"Attached: {escape(attachment.name)}"
    for picture in message.pictures:
        yield f"Attached image: {escape(picture.name)}"
    if text := sanitize(message.text).strip("\n"):
        yield text
    for call in message.tool_calls:
        function = call.get("function")
        yield f"Calls: {escape(json.dumps(function or call, ensure_ascii=False))}"
    if ending := _ENDINGS.get(message.state):
        yield f"*{ending}*"


def _speaker(message: Message) -> str:
    if message.role == "assistant":
        return escape(str(message.provenance.get("model") or "Assistant"))
    if message.tool_name:
        return f"Tool {escape(message.tool_name)}"
    return _SPEAKERS[message.role]


def _title(conversation: Conversation) -> str:
    return escape(conversation.chat.title or "Chat")


def to_notebook(conversation: Conversation) -> str:
    """Write a chat as a notebook (format 4.5).

    Both sides are Markdown cells; what an answer gives as Python is code cells, which nobody has
    run. Other code stays in its fence.
    """
    chat = conversation.chat
    cells = [_markdown_cell(chat.id, f"# {_title(conversation)}\n\n{_when(chat.created)}")]
    for message in conversation.messages:
        cells += _cells(f"{chat.id}/{message.id}", message)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _cells(key: str, message: Message) -> Iterator[dict[str, Any]]:
    heading = f"**{_speaker(message)}**\n\n"
    text = heading + "\n\n".join(_paragraphs(message))
    is_answer = message.role == "assistant"
    metadata = {"ollama_lab": dict(message.provenance)} if is_answer and message.provenance else {}
    pieces = _split(text) if is_answer else [(False, text)]
    for position, (is_code, piece) in enumerate(pieces):
        make = _code_cell if is_code else _markdown_cell
        yield make(f"{key}/{position}", piece) | {"metadata": metadata}


def _split(markdown: str) -> Iterator[tuple[bool, str]]:
    """Cut Python out of safe Markdown: pairs of "is it code" and the text."""
    begin = 0
    for match in _FENCED.finditer(markdown):
        if match["language"].strip().lower() not in _PYTHON:
            continue
        if before := markdown[begin : match.start()].strip("\n"):
            yield False, before
        yield True, match["code"].removesuffix("\n")
        begin = match.end()
    if rest := markdown[begin:].strip("\n"):
        yield False, rest


def _markdown_cell(key: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": _cell_id(key), "metadata": {}, "source": source}


def _code_cell(key: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": _cell_id(key), "metadata": {}, "source": source}
    return cell | {"execution_count": None, "outputs": []}


def _cell_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]
