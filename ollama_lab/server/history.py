"""What a request says of messages, and messages as a model takes them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from ollama_lab.attachments import as_prompt
from ollama_lab.conversations import AttachedText, Message, Picture
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ollama_lab.server.body import Body

_ROLES = ("user", "assistant", "system", "tool")


def text_of(message: Message) -> str:
    """Give a message's text with what is attached to it."""
    return as_prompt(message.attachments, message.text) if message.attachments else message.text


def images(message: Message, picture: Callable[[str], bytes]) -> list[str]:
    """Give a message's images as Ollama takes them."""
    return [b64encode(one.data or picture(one.digest)).decode() for one in message.pictures]


def private(given: Sequence[Body], parent_id: object) -> list[Message]:
    """Read the messages that a private chat sends along, up to the one that is followed."""
    messages = [_message(one, number) for number, one in enumerate(given, 1)]
    ids = [one.get("id") for one in given]
    return messages[: ids.index(parent_id) + 1] if parent_id in ids else messages


def _message(given: Body, number: int) -> Message:
    role = given.text("role")
    if role not in _ROLES:
        raise given.wrong("role", "names nobody who speaks")
    attached = given.items("attachments")
    message = Message(
        id=number,
        parent_id=None,
        role=role,
        text=given.text("text", ""),
        thinking=given.text("thinking", ""),
        stats=given.fields("stats"),
    )
    return replace(
        message,
        attachments=tuple(attachment(one) for one in attached if not one.has("image")),
        pictures=tuple(
            picture(one.text("image"), one.text("name", "image"))
            for one in attached
            if one.has("image")
        ),
    )


def attachment(given: Body) -> AttachedText:
    """Read something that was attached as text."""
    return AttachedText(given.text("name"), given.text("text", ""), given.text("kind", "file"))


def picture(data: str, name: str) -> Picture:
    """Read an image in base64, as it is.

    Raises
    ------
    BadUsage
        It is no base64.
    """
    try:
        content = b64decode(data.rpartition(",")[2], validate=True)
    except ValueError as exc:
        raise BadUsage(f"The image {name!r} is not base64.", hint="Attach it again.") from exc
    return Picture.of(name, content)
