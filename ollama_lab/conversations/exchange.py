"""Chats as one JSON text, and back: nothing in such a text is trusted.

The shape::

    {"format": "ollama-lab chats", "version": 1, "chats": [
      {"title": ..., "created": ..., "updated": ..., "leaf_id": ...,
       "parameters": {"model": ..., "system": ..., "options": {...}, "think": ...},
       "messages": [
         {"id": ..., "parent_id": ..., "role": ..., "text": ..., "thinking": ..., "state": ...,
          "created": ..., "tool_calls": [...], "tool_name": ..., "provenance": {...}, "stats": {...},
          "attachments": [{"name": ..., "text": ..., "kind": ...}],
          "pictures": [{"name": ..., "mime": ..., "data": base64}]}]}]}

A parent stands before its children. Times are seconds since 1970.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ollama_lab.errors import BadUsage, one_of

from .chat import (
    ROLES,
    STATES,
    TITLE_CHARACTERS,
    AttachedText,
    Chat,
    Message,
    Parameters,
    Picture,
    storable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = "ollama-lab chats"
VERSION = 1
LIMIT_BYTES = 500_000_000
_LATEST = 253_402_300_800.0  # the year 10000: no later date can be shown
_MIME = re.compile(r"image/[a-z0-9.+-]{1,40}")
_HINT = "Import a file that 'Export as JSON' wrote."


@dataclass(frozen=True, slots=True)
class Imported:
    """A chat as it stands in an export; its ids mean something only in there."""

    title: str
    created: float
    updated: float
    parameters: Parameters
    messages: tuple[Message, ...]
    leaf_id: int | None


def to_json(
    chats: Sequence[tuple[Chat, Sequence[Message]]], picture: Callable[[str], bytes]
) -> str:
    """Write chats with all their branches; `picture` reads an image by its digest."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "chats": [_chat_out(chat, messages, picture) for chat, messages in chats],
    }
    return json.dumps(content, indent=1)


def _chat_out(
    chat: Chat, messages: Sequence[Message], picture: Callable[[str], bytes]
) -> dict[str, Any]:
    return {
        "title": chat.title,
        "created": chat.created,
        "updated": chat.updated,
        "leaf_id": chat.leaf_id,
        "parameters": {
            "model": chat.parameters.model,
            "system": chat.parameters.system,
            "options": dict(chat.parameters.options),
            "think": chat.parameters.think,
        },
        "messages": [_message_out(message, picture) for message in messages],
    }


def _message_out(message: Message, picture: Callable[[str], bytes]) -> dict[str, Any]:
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "text": message.text,
        "thinking": message.thinking,
        # Whoever reads the export sees no more of an answer that still runs.
        "state": "stopped" if message.state == "streaming" else message.state,
        "created": message.created,
        "tool_calls": list(message.tool_calls),
        "tool_name": message.tool_name,
        "provenance": message.provenance,
        "stats": message.stats,
        "attachments": [asdict(one) for one in message.attachments],
        "pictures": [
            {
                "name": one.name,
                "mime": one.mime,
                "data": base64.b64encode(picture(one.digest)).decode(),
            }
            for one in message.pictures
        ],
    }


# ---------------------------------------------------------------- in


def from_json(data: str | bytes) -> list[Imported]:
    """Read an export.

    Raises
    ------
    BadUsage
        It is none, or is wrong somewhere: one sentence that names the place.
    """
    if len(data) > LIMIT_BYTES:
        raise BadUsage(
            f"The file has {len(data) / 1e6:,.0f} MB; the limit is {LIMIT_BYTES / 1e6:,.0f} MB.",
            hint="Export fewer chats at a time.",
        )
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:  # a decode error is a ValueError too
        raise BadUsage("The file is not JSON that can be read.", hint=_HINT) from exc
    top = _Reader("The file", value)
    if top.text("format") != FORMAT:
        raise BadUsage("The file is no export of chats.", hint=_HINT)
    if top.whole("version") != VERSION:
        raise BadUsage(
            "The file was written by another version of ollama-lab.", hint="Update ollama-lab."
        )
    return [_chat_in(_Reader(f"chats[{i}]", one)) for i, one in enumerate(top.items("chats"))]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _chat_in(reader: _Reader) -> Imported:
    messages: dict[int, Message] = {}
    for index, value in enumerate(reader.items("messages")):
        one = _Reader(f"{reader.place}.messages[{index}]", value)
        message = _message_in(one)
        if message.id in messages:
            raise one.wrong("id", "is there twice")
        if message.parent_id is not None and message.parent_id not in messages:
            raise one.wrong("parent_id", "names no message before it")
        messages[message.id] = message
    leaf_id = reader.whole_or_none("leaf_id")
    if (leaf_id is None) != (not messages) or (leaf_id is not None and leaf_id not in messages):
        raise reader.wrong("leaf_id", "names no message of the chat")
    return Imported(
        title=" ".join(reader.text("title").split())[:TITLE_CHARACTERS],
        created=reader.time("created"),
        updated=reader.time("updated"),
        parameters=_parameters_in(_Reader(f"{reader.place}.parameters", reader.get("parameters"))),
        messages=tuple(messages.values()),
        leaf_id=leaf_id,
    )


def _parameters_in(reader: _Reader) -> Parameters:
    think = reader.get("think")
    if think is not None and not isinstance(think, bool | str):
        raise reader.wrong("think", "is neither true, false, null nor a word")
    return Parameters(
        model=reader.text("model"),
        system=reader.text("system"),
        options=reader.fields("options"),
        think=storable(think) if isinstance(think, str) else think,
    )


def _message_in(reader: _Reader) -> Message:
    pictures = [
        _Reader(f"{reader.place}.pictures[{i}]", one)
        for i, one in enumerate(reader.items("pictures"))
    ]
    attachments = [
        _Reader(f"{reader.place}.attachments[{i}]", one)
        for i, one in enumerate(reader.items("attachments"))
    ]
    calls = reader.items("tool_calls")
    if not all(isinstance(call, dict) for call in calls):
        raise reader.wrong("tool_calls", "holds something that is no object")
    return Message(
        id=reader.whole("id"),
        parent_id=reader.whole_or_none("parent_id"),
        role=reader.choice("role", ROLES),
        text=reader.text("text"),
        thinking=reader.text("thinking"),
        tool_calls=tuple(calls),
        tool_name=reader.text("tool_name"),
        pictures=tuple(_picture_in(one) for one in pictures),
        attachments=tuple(
            AttachedText(one.text("name"), one.text("text"), one.text("kind"))
            for one in attachments
        ),
        provenance=reader.fields("provenance"),
        stats=reader.fields("stats"),
        state=reader.choice("state", STATES[1:]),
        created=reader.time("created"),
    )


def _picture_in(reader: _Reader) -> Picture:
    mime = reader.text("mime")
    if not _MIME.fullmatch(mime):
        raise reader.wrong("mime", "is no kind of image")
    try:
        data = base64.b64decode(reader.text("data"), validate=True)
    except ValueError as exc:
        raise reader.wrong("data", "is not base64") from exc
    if not data:
        raise reader.wrong("data", "is empty")
    return Picture(reader.text("name"), mime, data)


class _Reader:
    """One object of the file, asked for fields of known kinds."""

    def __init__(self, place: str, value: Any) -> None:
        self.place = place
        if not isinstance(value, dict):
            raise BadUsage(f"{place} is no object.", hint=_HINT)
        self._value = value

    def wrong(self, name: str, what: str) -> BadUsage:
        return BadUsage(f"{self.place}.{name} {what}.", hint=_HINT)

    def get(self, name: str) -> Any:
        if name not in self._value:
            raise self.wrong(name, "is missing")
        return self._value[name]

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "is no text")
        return storable(value)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        value = self.text(name)
        if value not in choices:
            raise self.wrong(name, f"is {value[:40]!r}; it is {one_of(choices)}")
        return value

    def whole(self, name: str) -> int:
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "is no whole number")
        return value

    def whole_or_none(self, name: str) -> int | None:
        return None if self.get(name) is None else self.whole(name)

    def time(self, name: str) -> float:
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "is no number")
        if not (0 <= value < _LATEST) or not math.isfinite(value):
            raise self.wrong(name, "is no time")
        return float(value)

    def items(self, name: str) -> list[Any]:
        value = self.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "is no list")
        return value

    def fields(self, name: str) -> dict[str, Any]:
        value = self.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "is no object")
        return value
