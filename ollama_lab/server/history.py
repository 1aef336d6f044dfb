"""From the messages of a chat to the turns that a model is given."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from ollama_lab import prompts
from ollama_lab.attachments import Attachment, as_prompt
from ollama_lab.conversations import AttachedText, Message, Picture
from ollama_lab.conversations.turns import says_something, turn
from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ollama_lab.server.body import Body

_ROLES = ("user", "assistant", "system", "tool")


def compose(attached: Sequence[AttachedText], text: str) -> str:
    """Write what is attached, and then the prompt, as one text."""
    return as_prompt([Attachment(one.name, one.text) for one in attached], text)


def text_of(message: Message) -> str:
    """Give a message's text with what is attached to it."""
    return compose(message.attachments, message.text) if message.attachments else message.text


def images(message: Message, picture: Callable[[str], bytes]) -> list[str]:
    """Give a message's images as Ollama takes them."""
    return [b64encode(one.data or picture(one.digest)).decode() for one in message.pictures]


def turns(
    messages: Sequence[Message], system: str, picture: Callable[[str], bytes]
) -> list[prompts.Turn]:
    """Give the turns of a branch, with the server's own counts where they are known.

    Parameters
    ----------
    messages : sequence of Message
        From the first one on; the new prompt is not among them.
    system : str
        The system prompt, which the counts include; it is not given back.
    picture : callable
        Reads an image by its digest.
    """
    found = [prompts.Turn(prompts.system(system))] if system else []
    for message in filter(says_something, messages):
        counts = message.stats
        is_whole = counts.get("prompt_tokens") and not counts.get("left_out")
        if message.role == "assistant" and is_whole:
            found = prompts.measured(found, int(counts["prompt_tokens"]))
        # A model's old thinking is counted in its answer, and is not sent again.
        is_known = message.role == "assistant" and not message.thinking
        tokens = counts.get("answer_tokens") if is_known else None
        found.append(prompts.Turn(turn(message, compose, picture), tokens or None))
    return found[1:] if system else found


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
    mime = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return Picture(name, mime, content, hashlib.sha256(content).hexdigest())
