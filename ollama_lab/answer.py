"""What a user keeps of an answer: text, thinking, data, code, numbers, and what wrote it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage
from ollama_lab.wire import Stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ollama_lab.forms import Form, Found
    from ollama_lab.tools import Run
    from ollama_lab.wire import Chunk, Json, ToolCall

#: Version of the shape of `Provenance.metadata`, which stays in saved notebooks.
SCHEMA = 1
_REPR_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Provenance:
    """What wrote an answer; never a prompt, a host, a key or a path.

    ``seed`` is the one sent, drawn where the user gave none; None where the model has its own.
    """

    model: str
    digest: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    server_version: str = ""

    def metadata(self, stats: Stats, done_reason: str) -> dict[str, Any]:
        """Return what is stored beside the output in the notebook."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "digest": self.digest,
            "options": dict(self.options),
            "seed": self.seed,
            "server_version": self.server_version,
            "tokens": {"prompt": stats.prompt_tokens, "answer": stats.answer_tokens},
            "durations": {
                "total": round(stats.total_seconds, 6),
                "load": round(stats.load_seconds, 6),
                "prompt": round(stats.prompt_eval_seconds, 6),
                "answer": round(stats.eval_seconds, 6),
            },
            "done_reason": done_reason,
        }


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of an answer; `str` gives the code."""

    language: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole or partial.

    Parameters
    ----------
    text : str
        The model's exact words.
    thinking : str
        What it thought before, empty where it did not.
    data : object
        The answer of a form (``--format``, ``format=``): parsed JSON, or an object of the user's
        type. None without a form, and where the JSON was cut off.
    problem : str
        Why ``data`` is not what the form asks for; empty where it is.
    messages : tuple of dict
        The conversation as sent, with this answer as its last message.
    stats : Stats
        Tokens and seconds; zeros for a partial answer.
    provenance : Provenance
        What wrote it.
    trail : tuple of Run
        What tools were called before this answer, and what each gave.
    done_reason : str
        ``stop``, ``length`` (cut by a limit), ``stopped`` (by the user) or ``broken``.
    """

    text: str
    thinking: str = ""
    data: Any = None
    problem: str = ""
    messages: tuple[Json, ...] = ()
    stats: Stats = field(default_factory=Stats)
    provenance: Provenance = field(default_factory=lambda: Provenance(""))
    done_reason: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    trail: tuple[Run, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = " ".join(self.text.split())
        if len(text) > _REPR_CHARACTERS:
            text = text[:_REPR_CHARACTERS] + "…"
        of = f" of {self.provenance.model}" if self.provenance.model else ""
        return f"<Answer{of}, {self.done_reason or 'unfinished'}: {text!r}>"

    @property
    def code(self) -> list[CodeBlock]:
        """The fenced code blocks of the answer, in order."""
        return code_blocks(self.text)

    def frame(self) -> Any:
        """Return the data as a pandas DataFrame.

        A list is a row an item, an object that holds one list is that list, and any other object
        is one row.

        Raises
        ------
        BadUsage
            There is no data that has rows.
        ImportError
            pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as exc:
            raise ImportError("A frame needs pandas: pip install pandas") from exc
        return pd.DataFrame(rows(self.data))

    @property
    def is_complete(self) -> bool:
        """Whether the model came to its own end."""
        return self.done_reason == "stop"

    def kept(
        self,
        *,
        context_tokens: int,
        first_token_seconds: float | None,
        thought_seconds: float | None,
        left_out: int,
        notes: Sequence[str],
        error: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        """Return what a stored chat keeps of it beside its words and what wrote it.

        Parameters
        ----------
        context_tokens : int
            The window that was sent.
        first_token_seconds, thought_seconds : float or None
            From sending to the first token, and from the first thought to the last.
        left_out : int
            Messages that did not fit the window.
        notes : sequence of str
            What a person was told.
        error : mapping or None
            Message, hint and kind of what ended it early.
        """
        is_whole = self.done_reason not in ("stopped", "broken")
        return {
            **(self.stats.numbers() if is_whole else {}),
            "context_tokens": context_tokens,
            "first_token_seconds": _rounded(first_token_seconds),
            "thought_seconds": _rounded(thought_seconds),
            "left_out": left_out,
            "notes": list(notes),
            "error": error,
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from ollama_lab.sanitize import sanitize, visible

        return {"text/plain": visible(self.text), "text/markdown": sanitize(self.text)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def rows(data: Any) -> list[dict[str, Any]]:
    """Find the rows in an answer's data.

    Raises
    ------
    BadUsage
        There are none.

    Examples
    --------
    >>> rows({"cities": [{"name": "Oslo"}, {"name": "Rome"}]})
    [{'name': 'Oslo'}, {'name': 'Rome'}]
    >>> rows([1, 2])
    [{'value': 1}, {'value': 2}]
    """
    data = _plain(data)
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        data = lists[0] if len(lists) == len(data) == 1 else [data]
    if not isinstance(data, list):
        hint = "Ask for some with --format, or format=."
        raise BadUsage(f"The data is {data!r:.60}; it has no rows.", hint=hint)
    return [item if isinstance(item, dict) else {"value": item} for item in map(_plain, data)]


def _plain(value: Any) -> Any:
    """Make a dict of a pydantic model or a dataclass, and of anything else itself."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


_FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`\n]*$")


def code_blocks(markdown: str) -> list[CodeBlock]:
    r"""Find the fenced blocks of a Markdown text, an unclosed last one too.

    >>> code_blocks("Run\n```python\nprint(1)\n```\nor\n~~~\nls")
    [CodeBlock(language='python', text='print(1)\n'), CodeBlock(language='', text='ls\n')]
    """
    blocks: list[CodeBlock] = []
    lines: list[str] = []
    mark = language = ""
    for line in markdown.split("\n"):
        if not mark:
            if opened := _FENCE.match(line):
                mark, language, lines = opened["mark"], opened["language"], []
        elif _closes(line, mark):
            blocks.append(CodeBlock(language, _joined(lines)))
            mark = ""
        else:
            lines.append(line)
    if mark:
        blocks.append(CodeBlock(language, _joined(lines)))
    return blocks


def _closes(line: str, mark: str) -> bool:
    text = line.strip()
    return len(text) >= len(mark) and set(text) == {mark[0]} and not line.startswith("    ")


def _joined(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)


class Record:
    """An answer in the making: takes chunks, gives the `Answer` so far at any moment.

    Parameters
    ----------
    messages : sequence of dict
        The conversation as sent.
    provenance : Provenance
        What writes it.
    form : Form, optional
        What the answer is to look like, so that ``data`` is read at the end.
    trail : sequence of Run, optional
        What tools were called before.
    """

    def __init__(
        self,
        messages: Sequence[Json],
        provenance: Provenance,
        *,
        form: Form | None = None,
        trail: Sequence[Run] = (),
    ) -> None:
        self._messages = tuple(messages)
        self._provenance = provenance
        self._form, self._trail = form, tuple(trail)
        self._found: Found | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[ToolCall] = []
        self._stats = Stats()
        self._done_reason = ""
        self.pieces = 0

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        if chunk.content:
            self._text.append(chunk.content)
        if chunk.thinking:
            self._thinking.append(chunk.thinking)
        self._calls.extend(chunk.tool_calls)
        if chunk.content or chunk.thinking:
            self.pieces += chunk.pieces
        if chunk.done:
            self._stats = chunk.stats or self._stats
            # An old server may leave the reason out; its last line says that it ended.
            self._done_reason = chunk.done_reason or "stop"

    def answer(self, done_reason: str = "") -> Answer:
        """Return the answer so far.

        Parameters
        ----------
        done_reason : str, optional
            ``stopped`` or ``broken`` where the server did not get to say its own.
        """
        text, thinking = "".join(self._text), "".join(self._thinking)
        data, problem = None, ""
        if self._form is not None:
            text = self._form.restored(text)
            if self._done_reason and not self._calls:
                # Once: a type of the user's runs code of theirs, and gives one object.
                self._found = self._found or self._form.read(text)
                data, problem = self._found.data, self._found.problem
        said: Json = {"role": "assistant", "content": text}
        if thinking:
            said["thinking"] = thinking
        return Answer(
            text=text,
            thinking=thinking,
            data=data,
            problem=problem,
            messages=(*self._messages, said),
            stats=self._stats,
            provenance=self._provenance,
            done_reason=self._done_reason or done_reason,
            tool_calls=tuple(self._calls),
            trail=self._trail,
        )
