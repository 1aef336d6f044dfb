"""A branch as the messages that Ollama takes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ollama_lab import prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .chat import AttachedText, Conversation, Message


def turns(
    conversation: Conversation,
    *,
    compose: Callable[[Sequence[AttachedText], str], str],
    picture: Callable[[str], bytes],
) -> list[dict[str, Any]]:
    """Give messages in Ollama's shape, the system prompt first.

    Parameters
    ----------
    conversation : Conversation
        The branch.
    compose : callable
        Writes attached texts and a prompt as one prompt.
    picture : callable
        Reads an image by its digest.
    """
    system = conversation.chat.parameters.system
    said = [prompts.system(system)] if system else []
    for message in conversation.messages:
        # An answer that was stopped before its first word says nothing to a model.
        if message.role == "assistant" and not (message.text or message.tool_calls):
            continue
        said.append(_turn(message, compose, picture))
    return said


def _turn(
    message: Message,
    compose: Callable[[Sequence[AttachedText], str], str],
    picture: Callable[[str], bytes],
) -> dict[str, Any]:
    if message.role == "assistant":
        said = prompts.assistant(message.text, message.thinking)
        return said | ({"tool_calls": list(message.tool_calls)} if message.tool_calls else {})
    text = compose(message.attachments, message.text) if message.attachments else message.text
    images = [base64.b64encode(picture(one.digest)).decode() for one in message.pictures]
    said = prompts.user(text, images) | {"role": message.role}
    return said | ({"tool_name": message.tool_name} if message.tool_name else {})
