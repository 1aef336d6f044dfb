"""What the sidebar asks for in one prompt: read, made whole, and planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ollama_lab import options
from ollama_lab.attachments import as_prompt
from ollama_lab.conversations import Message, Parameters, turns
from ollama_lab.errors import BadUsage
from ollama_lab.images import read_image
from ollama_lab.plan import Request
from ollama_lab.server import history
from ollama_lab.server.body import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ollama_lab.conversations import AttachedText, Conversation, Picture, Store
    from ollama_lab.models import Choice
    from ollama_lab.plan import Plan
    from ollama_lab.server.backend import Backend
    from ollama_lab.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One prompt as the request says it.

    ``private`` are the messages of a chat that is not stored, None for one that is. ``parent_id``
    is the message that is followed or, for `regenerate`, answered once more. By ``key`` the client
    can stop the answer before it knows the id of its message.
    """

    conversation_id: str
    private: Sequence[Message] | None
    parent_id: int | None
    text: str
    pictures: Sequence[Picture]
    attachments: Sequence[AttachedText]
    model: str
    system: str | None
    options: Mapping[str, Any]
    think: bool | str | None
    regenerate: bool
    keep_running: bool
    key: str

    @property
    def characters(self) -> int:
        """How long the message is with what is attached."""
        return len(self.text) + sum(len(one.text) for one in self.attachments)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a prompt stands: what was said before, and what is asked now."""

    before: Sequence[Message]
    prompt: Message
    parameters: Parameters
    title: str = ""
    read_picture: Callable[[str], bytes] = lambda _: b""


def read(body: Body) -> Asked:
    """Read what a request asks for.

    Raises
    ------
    BadUsage
        A field is missing or of a wrong kind, or nothing is asked.
    """
    is_private = body.has("private")
    parent = body.get("parent_id")
    if parent is not None and not isinstance(parent, int) and not is_private:
        raise body.wrong("parent_id", "names no message")
    attached = body.items("attachments")
    pictures = [
        *(history.picture(data, f"image-{i}") for i, data in enumerate(body.texts("images"), 1)),
        *(
            history.picture(one.text("image"), one.text("name"))
            for one in attached
            if one.has("image")
        ),
    ]
    asked = Asked(
        conversation_id=body.text("conversation_id", ""),
        private=_private(body) if is_private else None,
        parent_id=parent if isinstance(parent, int) and not is_private else None,
        text=body.text("text", ""),
        pictures=pictures,
        attachments=[history.attachment(one) for one in attached if not one.has("image")],
        model=body.text("model", ""),
        system=body.text("system") if body.has("system") else None,
        options=options.check_all(body.fields("options")),
        think=body.think(),
        regenerate=body.flag("regenerate"),
        keep_running=body.flag("keep_running"),
        key=body.text("key", ""),
    )
    _check(body, asked)
    return asked


def _private(body: Body) -> list[Message]:
    inner = Body(body.fields("private"), "The private chat")
    return history.private(inner.items("messages"), body.get("parent_id"))


def _check(body: Body, asked: Asked) -> None:
    if asked.regenerate:
        if asked.private is None and asked.parent_id is None:
            raise body.wrong("parent_id", "is missing")
        return
    if not (asked.text.strip() or asked.pictures or asked.attachments):
        raise BadUsage("The message is empty.", hint="Write something, or attach a file.")


# ---------------------------------------------------------------- what was said before


def private_context(asked: Asked) -> Context:
    """Put a prompt of a private chat behind what it sent along."""
    assert asked.private is not None
    before, prompt = _cut(asked, asked.private)
    data = {one.digest: one.data for message in asked.private for one in message.pictures}
    return Context(before, prompt, Parameters(), read_picture=data.__getitem__)


def stored_context(asked: Asked, store: Store) -> Context:
    """Read what a stored chat said before a prompt, on the branch that it follows."""
    if not asked.conversation_id:
        before, prompt = _cut(asked, ())
        return Context(before, prompt, Parameters())
    found: Conversation = store.read(asked.conversation_id, asked.parent_id)
    messages = found.messages if asked.parent_id is not None else ()
    before, prompt = _cut(asked, messages)
    return Context(
        before,
        prompt,
        found.chat.parameters,
        title=found.chat.title,
        read_picture=store.picture,
    )


def _cut(asked: Asked, messages: Sequence[Message]) -> tuple[Sequence[Message], Message]:
    """Tell what was said before from what is asked now."""
    if not asked.regenerate:
        prompt = Message(
            id=0,
            parent_id=asked.parent_id,
            role="user",
            text=asked.text,
            pictures=tuple(asked.pictures),
            attachments=tuple(asked.attachments),
        )
        return messages, prompt
    if not messages or messages[-1].role != "user":
        raise BadUsage(
            "Only a message of yours can be answered once more.", hint="Load the chat again."
        )
    return messages[:-1], messages[-1]


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True, slots=True)
class Planned:
    """A prompt with its images as they are sent, the exact call, and why this model."""

    prompt: Message
    plan: Plan
    choice: Choice
    left_out: int


def plan(backend: Backend, session: Session, asked: Asked, context: Context) -> Planned:
    """Turn a prompt into the exact call; it asks the server about the model.

    Raises
    ------
    BadUsage, ModelNotFound, Refused, Forbidden, Unreachable
        Found before a prompt is sent.
    """
    wanted = context.parameters
    choice = backend.choose(session, asked.model or wanted.model)
    prompt = context.prompt
    if not asked.regenerate:
        prompt = replace(prompt, pictures=_scaled(prompt.pictures, session.settings.image_pixels))
    given = {**wanted.options, **asked.options}
    if backend.administration.fixed_context_tokens:
        given.pop("num_ctx", None)
    system = asked.system if asked.system is not None else wanted.system or session.settings.system
    before = turns.measured(context.before, system, compose=as_prompt, picture=context.read_picture)
    made = session.prepare(
        Request(
            prompt=history.text_of(prompt),
            model=choice.name,
            system=system,
            images=history.images(prompt, context.read_picture),
            think=asked.think if asked.think is not None else wanted.think,
            options=given,
            history=before,
        )
    )
    left_out = len(before) + 1 + bool(system) - len(made.turns)
    return Planned(prompt, made, choice, left_out)


def _scaled(pictures: Sequence[Picture], longest_side: int) -> tuple[Picture, ...]:
    """Make of pictures what models see: PNG or JPEG, no larger than is looked at."""
    return tuple(
        history.picture(read_image(one.data, longest_side=longest_side).base64, one.name)
        for one in pictures
    )
