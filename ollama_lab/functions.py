"""Python's side: the prompts of ``%%ollama`` as functions.

``import ollama_lab as ol`` brings them: `ask`, `stream`, `chat`, `embed`, and `aask`, `astream`,
`aembed` for an event loop. They share servers, models and settings with the magics of the same
kernel, and take the same path: a `Request`, `Session.prepare`, `Session.stream`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from ollama_lab import wire
from ollama_lab.errors import BadUsage, OllamaLabError, Stopped
from ollama_lab.given import Given, documented, request
from ollama_lab.plan import exchange
from ollama_lab.sharing import borrowed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from ollama_lab.answer import Answer, Record
    from ollama_lab.forms import Fields
    from ollama_lab.hosts import Host
    from ollama_lab.plan import Plan
    from ollama_lab.prompts import Turn
    from ollama_lab.session import Session
    from ollama_lab.tools import Toolbox
    from ollama_lab.wire import ToolCall

    Keep = Callable[[Answer, Plan], None]
    Vectors = npt.NDArray[np.float32]

_Found = TypeVar("_Found")
#: How long an answer that comes slowly is left alone between two reads: pieces merge meanwhile.
_PACE_SECONDS = 0.05
#: Texts of one request: an interrupt, and a limit of time, count between two of them.
_EMBEDDED_AT_ONCE = 64


@documented
def ask(prompt: str, **given: Unpack[Given]) -> Answer:
    """Ask a model, and wait for the whole answer.

    Parameters
    ----------
    prompt : str
        The prompt, as it is sent: nothing in braces is put in.

    Returns
    -------
    Answer
        ``str(answer)`` is its text; see `Answer` for the rest.

    Raises
    ------
    OllamaLabError
        Whatever went wrong, in one sentence.
    Stopped
        The user interrupted; the model has stopped. A `stream` keeps what had come.

    Examples
    --------
    >>> answer = ol.ask("Why is the sky blue?", temperature=0)  # doctest: +SKIP
    """
    return _whole(Stream(prompt, given, insists=True))


@documented
def stream(prompt: str, **given: Unpack[Given]) -> Stream:
    """Ask a model, and get the answer while it is written.

    Parameters
    ----------
    prompt : str
        The prompt, as it is sent.

    Returns
    -------
    Stream
        Iterate over it for the pieces of text; ``.answer`` is what came so far. Leaving a
        ``with`` block around it stops the model.

    Examples
    --------
    >>> with ol.stream("Tell me about Ada Lovelace.") as answer:  # doctest: +SKIP
    ...     for piece in answer:
    ...         print(piece, end="")
    """
    return Stream(prompt, given)


@documented
async def aask(prompt: str, **given: Unpack[Given]) -> Answer:
    """Ask a model on an event loop, and wait for the whole answer; see `ask`.

    Cancel the task to stop the model.
    """
    return await _awhole(AsyncStream(prompt, given, insists=True))


@documented
def astream(prompt: str, **given: Unpack[Given]) -> AsyncStream:
    """Ask a model on an event loop, and get the answer while it is written; see `stream`.

    Examples
    --------
    >>> async with ol.astream("Tell me about Ada Lovelace.") as answer:  # doctest: +SKIP
    ...     async for piece in answer:
    ...         print(piece, end="")
    """
    return AsyncStream(prompt, given)


@documented
def chat(**given: Unpack[Given]) -> Chat:
    """Begin a conversation; what is given here counts for all of its prompts.

    Examples
    --------
    >>> talk = ol.chat(system="Be brief.")  # doctest: +SKIP
    >>> talk.ask("Name a planet.")  # doctest: +SKIP
    >>> talk.ask("And its largest moon?")  # doctest: +SKIP
    """
    return Chat(given)


# ---------------------------------------------------------------- answers as they come


class _Coming:
    """What a `Stream` and an `AsyncStream` have in common: the answer so far.

    Parameters
    ----------
    prompt : str
        As it is sent.
    given : Given
        Checked when the prompt is sent.
    history : sequence of Turn, optional
        Earlier turns, oldest first.
    keep : callable, optional
        Called with a whole answer and its plan.
    insists : bool, optional
        Ask again where an answer does not fit its form; the pieces of all follow each other.
    """

    def __init__(
        self,
        prompt: str,
        given: Given,
        history: Iterable[Turn] = (),
        keep: Keep | None = None,
        *,
        insists: bool = False,
    ) -> None:
        self._prompt, self._given, self._history = prompt, given, tuple(history)
        self._keep, self._insists = keep, insists
        self._plan: Plan | None = None
        self._record: Record | None = None
        self._fields: Fields | None = None
        self._tools: Toolbox | None = None
        self._ending = ""

    @property
    def answer(self) -> Answer:
        """The answer so far; ``done_reason`` says whether and how it ended."""
        if self._record is None:
            from ollama_lab.answer import Answer

            return Answer("", done_reason=self._ending)
        return self._record.answer(self._ending)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of this answer, such as messages left out; a sentence each."""
        return self._plan.notes if self._plan else ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.answer!r}>"

    def _prepared(self, session: Session) -> Plan:
        return self._begun(
            session.prepare(request(session, self._prompt, self._given, self._history))
        )

    def _begun(self, plan: Plan) -> Plan:
        self._plan, self._record = plan, plan.record()
        self._fields = plan.fields()
        return plan

    def _take(self, chunk: wire.Chunk) -> str:
        assert self._record is not None
        self._record.add(chunk)
        if self._fields is None:
            return chunk.content
        return self._fields.add(chunk.content, is_last=chunk.done)

    def _wanted(self, plan: Plan) -> tuple[ToolCall, ...]:
        """Return the calls that the answer wants, if it may call."""
        return self.answer.tool_calls if plan.tools else ()

    def _again(self, plan: Plan) -> Plan | None:
        following = plan.again(self.answer) if self._insists else None
        return following and self._begun(following)

    def _toolbox(self, session: Session, plan: Plan) -> Toolbox:
        self._tools = self._tools or session.toolbox(plan)
        return self._tools

    def _ended(self) -> None:
        if self._keep is not None and self._plan is not None:
            self._keep(self.answer, self._plan)


class Stream(_Coming):
    """An answer as it comes: iterate for its text."""

    def __init__(self, *asked: Any, insists: bool = False) -> None:
        super().__init__(*asked, insists=insists)
        self._pieces = self._run()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the model, unless the answer has ended; what came stays in ``.answer``."""
        self._ending = self._ending or "stopped"
        self._pieces.close()

    def _run(self) -> Generator[str]:
        try:
            with borrowed() as session:
                plan: Plan | None = self._prepared(session)
                while plan is not None:
                    with contextlib.closing(session.stream(plan, pace=_PACE_SECONDS)) as chunks:
                        for chunk in chunks:
                            if text := self._take(chunk):
                                yield text
                    if calls := self._wanted(plan):
                        runs = self._toolbox(session, plan).run(calls)
                        plan = self._begun(plan.after_tools(self.answer, runs))
                    else:
                        plan = self._again(plan)
        except OllamaLabError:
            self._ending = "broken"
            raise
        except KeyboardInterrupt:
            self._ending = "stopped"
            raise Stopped("the model has stopped, and what came is kept.") from None
        self._ended()


class AsyncStream(_Coming):
    """An answer as it comes on an event loop: ``async for`` its text."""

    def __init__(self, *asked: Any, insists: bool = False) -> None:
        super().__init__(*asked, insists=insists)
        self._pieces = self._run()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        return await anext(self._pieces)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the model, unless the answer has ended; what came stays in ``.answer``."""
        self._ending = self._ending or "stopped"
        await self._pieces.aclose()

    async def _run(self) -> AsyncGenerator[str]:
        try:
            # Which server, which model, which window: asked in a thread, as it may take a while.
            plan: Plan | None = await asyncio.to_thread(_in_session, self._prepared)
            with borrowed() as session:
                while plan is not None:
                    chunks = session.astream(plan, pace=_PACE_SECONDS)
                    async with contextlib.aclosing(chunks):
                        async for chunk in chunks:
                            if text := self._take(chunk):
                                yield text
                    if calls := self._wanted(plan):
                        runs = await self._toolbox(session, plan).arun(calls)
                        plan = self._begun(plan.after_tools(self.answer, runs))
                    else:
                        plan = self._again(plan)
        except OllamaLabError:
            self._ending = "broken"
            raise
        except asyncio.CancelledError:
            self._ending = "stopped"
            raise
        self._ended()


def _in_session(work: Callable[[Session], _Found]) -> _Found:
    with borrowed() as session:
        return work(session)


def _whole(coming: Stream) -> Answer:
    with coming:
        for _ in coming:
            pass
        return coming.answer


async def _awhole(coming: AsyncStream) -> Answer:
    async with coming:
        async for _ in coming:
            pass
        return coming.answer


# ---------------------------------------------------------------- a conversation


class Chat:
    """A conversation in memory: each prompt is sent with what was said before.

    Only whole answers are remembered. What no longer fits the window is left out, oldest first,
    and a stream's ``.notes`` say so.
    """

    def __init__(self, given: Given | None = None) -> None:
        self._given: Given = given or {}
        self._turns: list[Turn] = []

    @property
    def messages(self) -> list[wire.Json]:
        """What was said, in Ollama's shape, oldest first."""
        return [turn.message for turn in self._turns]

    @documented
    def ask(self, prompt: str, **given: Unpack[Given]) -> Answer:
        """Ask the next question, and wait for the whole answer; see `ollama_lab.ask`."""
        whole: Given = {**self._given, **given}
        return _whole(Stream(prompt, whole, self._turns, self._remember, insists=True))

    @documented
    def stream(self, prompt: str, **given: Unpack[Given]) -> Stream:
        """Ask the next question, and get the answer while it is written."""
        return Stream(prompt, {**self._given, **given}, self._turns, self._remember)

    @documented
    async def aask(self, prompt: str, **given: Unpack[Given]) -> Answer:
        """Ask the next question on an event loop, and wait for the whole answer."""
        whole: Given = {**self._given, **given}
        return await _awhole(AsyncStream(prompt, whole, self._turns, self._remember, insists=True))

    @documented
    def astream(self, prompt: str, **given: Unpack[Given]) -> AsyncStream:
        """Ask the next question on an event loop, and get the answer while it is written."""
        return AsyncStream(prompt, {**self._given, **given}, self._turns, self._remember)

    def forget(self) -> None:
        """Begin anew; what was given stays."""
        self._turns.clear()

    def __len__(self) -> int:
        return len(self._turns)

    def __repr__(self) -> str:
        return f"<Chat of {len(self)} {'message' if len(self) == 1 else 'messages'}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from ollama_lab.sanitize import sanitize, visible

        said = [(str(one["role"]), str(one["content"])) for one in self.messages]
        plain = "\n\n".join(f"{role}: {visible(text)}" for role, text in said)
        shown = "\n\n".join(f"**{role}**\n\n{sanitize(text)}" for role, text in said)
        return {"text/plain": plain or repr(self), "text/markdown": shown or f"`{self!r}`"}

    def _remember(self, answer: Answer, plan: Plan) -> None:
        self._turns.extend(exchange(answer, plan))


# ---------------------------------------------------------------- vectors


def embed(
    texts: str | Iterable[str],
    model: str,
    *,
    dimensions: int | None = None,
    host: str = "",
) -> Vectors:
    """Turn texts into vectors.

    Parameters
    ----------
    texts : str or iterable of str
        None may be empty, or longer than the model reads: nothing is cut in silence.
    model : str
        An embedding model, such as ``"all-minilm"``.
    dimensions : int, optional
        Shorter vectors, where the model can.
    host : str, optional
        The server, for this call only.

    Returns
    -------
    ndarray of float32
        Shape (texts, dimensions), a row a text in their order; (dimensions,) for a single text.

    Raises
    ------
    BadUsage
        A text is empty or none.
    ImportError
        numpy is not installed.
    """
    rows = _texts(texts)
    found: list[list[float]] = []
    with borrowed() as session:
        client, name = session.client(host), session.model(model, host).name
        how = _how(session, dimensions)
        for part in _parts(rows):
            found += client.embed(name, part, **how)
    return _array(found, is_one=isinstance(texts, str))


async def aembed(
    texts: str | Iterable[str],
    model: str,
    *,
    dimensions: int | None = None,
    host: str = "",
) -> Vectors:
    """Turn texts into vectors on an event loop; see `embed`."""
    from ollama_lab import aclient

    rows = _texts(texts)

    def planned(session: Session) -> tuple[Host, list[wire.Call]]:
        name = session.model(model, host).name
        how = _how(session, dimensions)
        return session.client(host).host, [wire.embed(name, p, **how) for p in _parts(rows)]

    server, calls = await asyncio.to_thread(_in_session, planned)
    with borrowed() as session:
        patience = session.patience
    found: list[list[float]] = []
    for call in calls:
        found += wire.embeddings(await aclient.fetch(server, call, patience))
    return _array(found, is_one=isinstance(texts, str))


def _texts(texts: str | Iterable[str]) -> list[str]:
    rows = [texts] if isinstance(texts, str) else list(texts)
    for position, text in enumerate(rows):
        if not isinstance(text, str):
            raise BadUsage(f"The text at position {position} is a {type(text).__name__}.")
        if not text.strip():
            raise BadUsage(
                f"The text at position {position} is empty.", hint="Leave empty texts out."
            )
    return rows


def _parts(rows: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(rows), _EMBEDDED_AT_ONCE):
        yield rows[start : start + _EMBEDDED_AT_ONCE]


def _how(session: Session, dimensions: int | None) -> dict[str, Any]:
    # A text that is too long is an error: cut in silence, its vector would be of another text.
    return {"truncate": False, "dimensions": dimensions, "keep_alive": session.keep_alive}


def _array(vectors: list[list[float]], *, is_one: bool) -> Vectors:
    try:
        import numpy as np
    except ImportError as exc:
        raise ImportError("Vectors are numpy arrays: pip install numpy") from exc
    if not vectors:
        return np.empty((0, 0), np.float32)
    made = np.asarray(vectors, np.float32)
    return made[0] if is_one else made
