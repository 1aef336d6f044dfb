"""What a chat is: values, and nothing that reads or writes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

ROLES = ("system", "user", "assistant", "tool")
#: How an answer ended: by itself or by its limit, by the user, by a failure; or not yet.
STATES = ("streaming", "done", "stopped", "broken")
TITLE_CHARACTERS = 200
_MADE_TITLE_CHARACTERS = 60
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a chat asks of its model.

    Parameters
    ----------
    model : str, optional
        Empty where the default model answers.
    system : str, optional
        How the model is to behave.
    options : Mapping, optional
        Ollama's own, such as ``{"temperature": 0.2}``.
    think : bool or str, optional
        Whether, or how hard, the model thinks; None leaves it to the model.
    """

    model: str = ""
    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    think: bool | str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a message.

    Parameters
    ----------
    name, mime : str
        Such as ``"plot.png"`` and ``"image/png"``.
    data : bytes, optional
        The image; empty in what `Store.read` gives, see `Store.picture`. An image that the store
        has already may be given by its digest alone.
    digest : str, optional
        SHA-256 of the data, in hexadecimal; the store fills it in.
    size_bytes : int, optional
        Length of the data; the store fills it in.
    """

    name: str
    mime: str
    data: bytes = field(default=b"", repr=False)
    digest: str = ""
    size_bytes: int = 0

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        """Give a PNG or JPEG with its kind and its digest."""
        mime = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        return cls(name, mime, data, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class AttachedText:
    """Something attached to a message, as text: of which kind is for the sidebar to show."""

    name: str
    text: str = field(repr=False)
    kind: str = "file"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: a place in the chat's tree, who speaks, and what is said.

    ``siblings`` are the ids of all messages with the same parent, oldest first, this one among
    them: what a reader pages through. ``state`` is one of `STATES`.
    """

    id: int
    parent_id: int | None
    role: str
    text: str
    thinking: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_name: str = ""
    pictures: tuple[Picture, ...] = ()
    attachments: tuple[AttachedText, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    stats: Mapping[str, Any] = field(default_factory=dict)
    state: str = "done"
    created: float = 0.0
    siblings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chat:
    """What is known of a chat without its messages.

    Times are seconds since 1970. ``leaf_id`` is the last message of the branch on show, None in an
    empty chat. ``revision`` grows with every change of any chat.
    """

    id: str
    title: str
    created: float
    updated: float
    parameters: Parameters
    leaf_id: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A chat in a list: how much there is on its current branch, and how it ends.

    ``model`` is the one that answered last, else the one that the chat asks for, if it names any.
    """

    chat: Chat
    message_count: int
    last_line: str
    model: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat with one branch of its messages, from the first to the leaf."""

    chat: Chat
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a search found something; ``message_id`` is None for a title."""

    chat_id: str
    title: str
    message_id: int | None
    role: str
    excerpt: str
    created: float


@dataclass(frozen=True, slots=True)
class Changes:
    """Which chats changed since an earlier revision.

    A revision that grew although no id is named means that chats are gone for good.
    """

    revision: int
    chat_ids: tuple[str, ...] = ()
    deleted_ids: tuple[str, ...] = ()


def storable(text: str) -> str:
    r"""Replace what UTF-8, and so SQLite, cannot hold: halves of surrogate pairs.

    >>> storable("a\ud800b")
    'a\ufffdb'
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def dumped(value: Any, name: str) -> str:
    """Write JSON for the store.

    Raises
    ------
    BadUsage
        JSON cannot say it.
    """
    try:
        return storable(json.dumps(value, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadUsage(
            f"The {name} of a chat cannot be kept as JSON: {exc}.",
            hint="Use strings, finite numbers, lists and dicts.",
        ) from exc


def title_of(text: str) -> str:
    r"""Make a title of a chat's first words.

    >>> title_of("\n Why is\n  the sky blue? ")
    'Why is the sky blue?'
    """
    words = " ".join(storable(text[:1000]).split())
    if len(words) <= _MADE_TITLE_CHARACTERS:
        return words
    return words[:_MADE_TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def checked_title(title: str) -> str:
    """Return a title as it is kept: one line.

    Raises
    ------
    BadUsage
        It is empty or longer than 200 characters.
    """
    words = " ".join(storable(title).split())
    if not words:
        raise BadUsage("A chat's title is empty.", hint="Give it a word or two.")
    if len(words) > TITLE_CHARACTERS:
        raise BadUsage(
            f"A title of {len(words):,} characters is too long; {TITLE_CHARACTERS} is the limit.",
            hint="Shorten it.",
        )
    return words
