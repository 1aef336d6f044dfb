"""Where an answer goes: into a stored chat, or nowhere."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ollama_lab.conversations import Message, Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ollama_lab.conversations import Store, Writer
    from ollama_lab.server.asking import Asked

_IDS = 2**48


@dataclass(frozen=True, slots=True)
class Place:
    """The message of an answer, the one it answers, and the chat they are in.

    ``user`` is None where a message is answered once more; ``writer`` is None in a private chat,
    of which nothing is kept. ``news`` are told with the answer.
    """

    user: Message | None
    answer: Message
    chat_id: str
    title: str
    writer: Writer | None = None
    news: Sequence[str] = ()


def private(prompt: Message) -> Place:
    """Make messages that nothing is kept of; their ids mean nothing."""
    user = replace(prompt, id=_private_id(), created=time.time())
    answer = Message(
        id=_private_id(),
        parent_id=user.id,
        role="assistant",
        text="",
        state="streaming",
        created=time.time(),
    )
    return Place(
        user=replace(user, siblings=(user.id,)),
        answer=replace(answer, siblings=(answer.id,)),
        chat_id="",
        title="",
    )


def _private_id() -> int:
    # Below zero, where no stored message is.
    return -1 - secrets.randbelow(_IDS)


def stored(store: Store, asked: Asked, prompt: Message) -> Place:
    """Keep the prompt, in a new chat where there is none, and begin its answer."""
    chat_id = asked.conversation_id or _created(store, asked)
    user_id = asked.parent_id if asked.regenerate else _appended(store, chat_id, prompt)
    writer = store.begin(chat_id, after=user_id)
    found = store.read(chat_id)
    *_, user, answer = found.messages
    return Place(
        # (with its images, which the store would have to read again)
        user=None if asked.regenerate else replace(user, pictures=prompt.pictures),
        answer=answer,
        chat_id=chat_id,
        title=found.chat.title,
        writer=writer,
    )


def _created(store: Store, asked: Asked) -> str:
    wanted = Parameters(asked.model, asked.system or "", asked.options, asked.think)
    return store.create(parameters=wanted).id


def _appended(store: Store, chat_id: str, prompt: Message) -> int:
    return store.append(
        chat_id,
        prompt.text,
        pictures=prompt.pictures,
        attachments=prompt.attachments,
        # A first message beside an older first one is a branch, too.
        after=prompt.parent_id or 0,
    )
