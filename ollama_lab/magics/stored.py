"""``--chat``: a cell's prompt and its answer, kept in the file of chats that the sidebar shows.

Whatever the disk does, the cell is answered: what cannot be kept is said below the answer.
"""

from __future__ import annotations

import contextlib
import os
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ollama_lab import display, prompts
from ollama_lab.attachments import as_prompt
from ollama_lab.errors import BadUsage, OllamaLabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ollama_lab.answer import Answer
    from ollama_lab.attachments import Attachment
    from ollama_lab.conversations import (
        Chat,
        Message,
        Parameters,
        Store,
        Writer,
    )
    from ollama_lab.images import Image
    from ollama_lab.magics.watching import Watch
    from ollama_lab.plan import Plan, Request
    from ollama_lab.wire import Chunk


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a cell says, its parts apart: variables are put in, files are not."""

    text: str
    files: Sequence[Attachment] = ()
    images: Sequence[Image] = ()

    @property
    def whole(self) -> str:
        """The prompt as it is sent, files first."""
        return as_prompt(self.files, self.text) if self.files else self.text


class Chats:
    """The stored chats as one kernel sees them; nothing is opened before the first use.

    It knows which cell made which message, so that a cell that is run again makes a branch.
    """

    def __init__(self) -> None:
        self._store: Store | None = None
        self._made: dict[str, int] = {}
        self._told = {""}

    def store(self) -> Store:
        """Return the open store.

        Raises
        ------
        Forbidden, NoRoom, Busy
            The file cannot be made or opened.
        """
        from ollama_lab.conversations import Store, chats_path  # brings sqlite3: not at %load_ext

        # OLLAMA_LAB_DATA_DIR may be set in a notebook, too.
        if self._store is not None and self._store.path != chats_path():
            self.close()
        if self._store is None:
            self._store = Store()
        return self._store

    def notices(self) -> list[str]:
        """Return what is worth saying once a kernel: a file set aside, chats out of sight."""
        found = [self._store.notice if self._store is not None else "", _elsewhere()]
        new = [words for words in found if words not in self._told]
        self._told.update(new)
        return new

    def close(self) -> None:
        """Write what waits, and close the file."""
        if self._store is not None:
            self._store.close()
            self._store = None
            self._made.clear()

    def made_by(self, cell: str) -> int | None:
        """Return the message that a cell made last, if it made one."""
        return self._made.get(cell)

    def note(self, cell: str, message_id: int) -> None:
        """Remember which message a cell made."""
        if cell:
            self._made[cell] = message_id


class StoredChat:
    """One cell's part in a stored chat: what was said before, what is asked, what is answered.

    Parameters
    ----------
    chats : Chats
        The kernel's.
    title : str
        Which chat; made with the prompt when it is missing.
    cell : str
        The front end's name for the cell; empty where it gives none.
    is_new : bool
        Begin another chat of this title.

    Raises
    ------
    BadUsage
        No chat can have this title. A store that cannot be opened raises nothing: see `notes`.
    """

    def __init__(self, chats: Chats, title: str, cell: str, *, is_new: bool) -> None:
        from ollama_lab.conversations import Parameters
        from ollama_lab.conversations.chat import checked_title

        self.title = checked_title(title)
        #: What the chat asks of its model, where the cell asks for nothing else.
        self.parameters = Parameters()
        #: Why nothing is kept, or not yet.
        self.error: OllamaLabError | None = None
        self._chats = chats
        self._cell = cell
        self._chat: Chat | None = None
        self._same_title = 0
        self._is_unread = False
        self._is_new = is_new
        self._is_overtaken = False
        self._before: Sequence[Message] = ()
        self._instead_of: int | None = None
        self._prompt = Prompt("")
        self._sent_messages = 0
        self._writer: Writer | None = None
        try:
            store = chats.store()
            if not is_new:
                self._find(store)
        except OllamaLabError as exc:
            self.error = exc
            self._is_unread = not is_new

    def _find(self, store: Store) -> None:
        found = store.find(self.title)
        self._same_title = len(found)
        if not found:
            return
        branch = store.read(found[0].id)
        self._chat, self.parameters = branch.chat, branch.chat.parameters
        self._before = branch.messages
        made = self._chats.made_by(self._cell)
        places = [message.id for message in branch.messages]
        # What is on another branch, or in another chat, is not what this cell goes on from.
        if made in places:
            self._instead_of = made
            self._before = branch.messages[: places.index(made)]

    # ------------------------------------------------------------ before

    def request(self, request: Request, prompt: Prompt, default_system: str) -> Request:
        """Complete a request with what the chat says: history, model, system prompt, options."""
        own = self.parameters
        self._prompt = prompt
        if self._chat is None:
            self.parameters = _asked(request)
        system = request.system if request.system is not None else own.system or None
        said = default_system if system is None else system
        try:
            history = self._turns(said)
        except OllamaLabError as exc:
            history, self.error, self._is_unread = [], exc, True
        # With the system prompt and the prompt: what a whole request would hold.
        self._sent_messages = len(history) + 1 + bool(said)
        return replace(
            request,
            model=request.model or own.model,
            system=system,
            options={**own.options, **request.options},
            think=own.think if request.think is None else request.think,
            history=history,
        )

    def _turns(self, system: str) -> list[prompts.Turn]:
        """Return the turns of the branch, with the server's own counts where they are known."""
        if not self._before:
            return []
        from ollama_lab.conversations import turns

        picture = self._chats.store().picture
        return turns.measured(self._before, system, compose=as_prompt, picture=picture)

    @property
    def names_the_model(self) -> bool:
        """Whether the chat has a model of its own."""
        return self._chat is not None and bool(self.parameters.model)

    # ------------------------------------------------------------ the answer

    def begin(self) -> None:
        """Keep the prompt, and begin its answer; a store that cannot do that is told in `notes`."""
        if self.error is not None:
            return
        try:
            store = self._chats.store()
            chat = self._chat or self._made(store)
            asked = self._append(store, chat)
            self._writer = store.begin(chat.id, after=asked)
        except OllamaLabError as exc:
            self.error = exc
        else:
            self._chats.note(self._cell, asked)

    def _made(self, store: Store) -> Chat:
        if self._is_new:
            return store.create(self.title, self.parameters)
        chat, is_made = store.find_or_create(self.title, self.parameters)
        self._is_overtaken = not is_made
        return chat

    def _append(self, store: Store, chat: Chat) -> int:
        from ollama_lab.conversations import AttachedText, Picture

        # Nothing before it makes it a first message, also beside one that came meanwhile.
        leaf = self._before[-1].id if self._before else 0
        return store.append(
            chat.id,
            self._prompt.text,
            pictures=[
                Picture.of(image.name, b64decode(image.base64)) for image in self._prompt.images
            ],
            attachments=[AttachedText(file.name, file.text) for file in self._prompt.files],
            after=leaf if self._instead_of is None else None,
            instead_of=self._instead_of,
        )

    def add(self, chunk: Chunk) -> None:
        """Take the next piece of the answer."""
        if self._writer is not None:
            self._writer.add(chunk.content, chunk.thinking)

    def finish(
        self,
        answer: Answer,
        plan: Plan,
        failure: BaseException | None,
        watch: Watch,
    ) -> None:
        """Write the end of the answer, with what wrote it and its numbers."""
        if self._writer is None:
            return
        state = answer.done_reason if answer.done_reason in ("stopped", "broken") else "done"
        stats = answer.kept(
            context_tokens=plan.context_tokens,
            first_token_seconds=watch.first_token_seconds,
            thought_seconds=watch.thought_seconds or None,
            left_out=self._sent_messages - len(plan.turns),
            notes=[*plan.notes, *display.cut(answer, plan.context_tokens, plan.own_limit)],
            error=_told(failure) if isinstance(failure, OllamaLabError) else None,
        )
        provenance = answer.provenance.metadata(answer.stats, answer.done_reason)
        try:
            self._writer.finish(state, provenance=provenance, stats=stats)
        except OllamaLabError as exc:
            self.error = exc

    def abandon(self) -> None:
        """End an answer that nothing else has ended, so that it does not seem to run on."""
        if self._writer is not None and not self._writer.is_finished and self.error is None:
            with contextlib.suppress(OllamaLabError):
                self._writer.finish("broken")

    # ------------------------------------------------------------ what is said

    def notes(self) -> Iterator[str]:
        """Say below the answer where it is kept, or why it is not."""
        yield from self._chats.notices()
        if self.error is None:
            yield self._kept()
        elif self._writer is None or isinstance(self.error, BadUsage):
            unread = ", and asked without what was said there" if self._is_unread else ""
            yield f"Not stored in the chat '{self.title}'{unread}: {self.error}"
        else:
            yield f"Not stored yet in the chat '{self.title}': {self.error}"

    def _kept(self) -> str:
        if self._is_overtaken:
            return (
                f"chat '{self.title}' branched at its beginning: another kernel had just begun it"
            )
        if self._chat is None:
            return f"chat '{self.title}' begun"
        how = "continued" if self._instead_of is None else "branched where this cell stood"
        several = self._same_title
        newest = f", the newest of {several} with this title" if several > 1 else ""
        return f"chat '{self.title}' {how}{newest}"


def _asked(request: Request) -> Parameters:
    """Return what a chat that begins with this request asks of its model from then on."""
    from ollama_lab.conversations import Parameters

    return Parameters(request.model, request.system or "", request.options, request.think)


def _elsewhere() -> str:
    """Say that the sidebar keeps its chats on another machine, where a kernel can know that."""
    # Kernel Gateway and Enterprise Gateway set it: the Jupyter server is behind a network.
    if os.environ.get("KERNEL_GATEWAY") != "1":
        return ""
    return "this kernel runs behind a gateway and cannot see the chats of the sidebar"


def _told(error: OllamaLabError) -> dict[str, str]:
    return {"message": error.message, "hint": error.hint, "kind": type(error).__name__}
