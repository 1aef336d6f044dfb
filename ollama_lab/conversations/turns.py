"""A branch as the messages that Ollama takes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ollama_lab import prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .chat import AttachedText, Message


def measured(
    messages: Sequence[Message],
    system: str,
    *,
    compose: Callable[[Sequence[AttachedText], str], str],
    picture: Callable[[str], bytes],
) -> list[prompts.Turn]:
    """Give the turns of a branch, with the server's own counts where they are known.

    Parameters
    ----------
    messages : sequence of Message
        From the first one on; the new prompt is not among them.
    system : str
        The system prompt, which the counts include; it is not given back.
    compose : callable
        Writes attached texts and a prompt as one prompt.
    picture : callable
        Reads an image by its digest.
    """
    found = [prompts.Turn(prompts.system(system))] if system else []
    for message in filter(says_something, messages):
        counts, is_answer = message.stats, message.role == "assistant"
        if is_answer and counts.get("prompt_tokens") and not counts.get("left_out"):
            found = prompts.measured(found, int(counts["prompt_tokens"]))
        # A model's old thinking is counted in its answer, and is not sent again.
        tokens = counts.get("answer_tokens") if is_answer and not message.thinking else None
        found.append(prompts.Turn(turn(message, compose, picture), tokens or None))
    return found[1:] if system else found


def says_something(message: Message) -> bool:
    """Whether a model is told: not of an answer that was stopped before its first word."""
    return message.role != "assistant" or bool(message.text or message.tool_calls)


def turn(
    message: Message,
    compose: Callable[[Sequence[AttachedText], str], str],
    picture: Callable[[str], bytes],
) -> dict[str, Any]:
    """Give one message in Ollama's shape; see `measured`."""
    if message.role == "assistant":
        said = prompts.assistant(message.text, message.thinking)
        return said | ({"tool_calls": list(message.tool_calls)} if message.tool_calls else {})
    text = compose(message.attachments, message.text) if message.attachments else message.text
    images = [base64.b64encode(picture(one.digest)).decode() for one in message.pictures]
    said = prompts.user(text, images) | {"role": message.role}
    return said | ({"tool_name": message.tool_name} if message.tool_name else {})
