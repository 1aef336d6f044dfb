"""Functions of the user's that a model may call: their schemas, and what becomes of a call.

Only functions that were passed ever run, with arguments that fit their annotations. What goes wrong
in one goes to the model, as a result that says so, and into the trail that the answer keeps.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage
from ollama_lab.terminal import confirmed
from ollama_lab.values import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ollama_lab.wire import Json, ToolCall

    Confirm = Callable[[str], bool]

#: A result that goes back to the model: longer ones fill its window and no more.
_RESULT_CHARACTERS = 20_000
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Tool:
    """A function as a model sees it.

    Parameters
    ----------
    name, description : str
        The function's name, and the first words of its docstring.
    parameters : dict
        JSON schema of its arguments.
    function : callable
        What is called; a coroutine function is awaited.
    """

    name: str
    description: str
    parameters: Json = field(repr=False)
    function: Callable[..., Any] = field(repr=False)
    model: Any = field(repr=False, compare=False, default=None)

    @property
    def schema(self) -> Json:
        """The tool in Ollama's shape."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self.parameters,
            },
        }

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check what a model wants to pass, and bring it to the annotated types.

        Raises
        ------
        ValueError
            Something is missing, unknown or of a wrong type.
        """
        made = self.model.model_validate(dict(given))
        return {name: getattr(made, name) for name in type(made).model_fields if name in given}


@dataclass(frozen=True, slots=True)
class Run:
    """One call, and what came of it.

    Parameters
    ----------
    result : str
        What the model was told.
    is_error : bool
        Whether the call did not run to its end.
    """

    name: str
    arguments: Mapping[str, Any]
    result: str
    is_error: bool = False
    seconds: float = 0.0
    id: str = ""

    def __str__(self) -> str:
        return f"{written(self.name, self.arguments)} → {self.result}"


def tool(function: Any) -> Tool:
    """Read a function's signature and docstring.

    Parameters
    ----------
    function : callable
        With annotated parameters; a NumPy, Google or reST docstring describes them.

    Raises
    ------
    BadUsage
        It is no function, has no name, or takes what a model cannot give.
    ImportError
        pydantic or docstring-parser is not installed.
    """
    if isinstance(function, Tool):
        return function
    name = getattr(function, "__name__", "")
    if not callable(function) or not name.isidentifier():
        kind = type(function).__name__
        raise BadUsage(
            f"A {kind} is no tool.", hint="Pass a function with a name: def or async def."
        )
    try:
        import docstring_parser
        import pydantic
    except ImportError as exc:
        raise ImportError("Tools need: pip install pydantic docstring-parser") from exc
    described = docstring_parser.parse(inspect.getdoc(function) or "")
    words = {one.arg_name: " ".join((one.description or "").split()) for one in described.params}
    try:
        fields = _fields(function, words, pydantic)
        model = pydantic.create_model(
            name, __config__=pydantic.ConfigDict(extra="forbid"), **fields
        )
        parameters = model.model_json_schema()
    except BadUsage:
        raise
    except Exception as exc:  # (pydantic has many, and annotations may name anything)
        said = " ".join(str(exc).split())[:200]
        raise BadUsage(
            f"{name} cannot be a tool: {said}", hint="Annotate its parameters with plain types."
        ) from exc
    for part in (parameters, *parameters.get("properties", {}).values()):
        part.pop("title", None)
    parameters.pop("additionalProperties", None)
    return Tool(name, (described.description or name).strip(), parameters, function, model)


def _fields(function: Any, words: Mapping[str, str], pydantic: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise BadUsage(
                f"{function.__name__} cannot be a tool: it takes {parameter}.",
                hint="A model passes arguments by name.",
            )
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        is_bare = parameter.annotation is parameter.empty
        annotation = Any if is_bare else parameter.annotation
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (annotation, pydantic.Field(default, description=words.get(name) or None))
    return fields


class Toolbox:
    """The tools of one answer, with their limits.

    Parameters
    ----------
    tools : sequence of Tool
        What may be called.
    seconds : float, optional
        For all calls together; looked at before each, and it cuts an ``async`` one short.
    confirm : callable, optional
        Asked before each call, with the call as text.
    """

    def __init__(
        self, tools: Sequence[Tool], *, seconds: float = 0.0, confirm: Confirm | None = None
    ) -> None:
        self._tools = {one.name: one for one in tools}
        self._left = seconds or float("inf")
        self._confirm = confirm

    def run(self, calls: Sequence[ToolCall]) -> list[Run]:
        """Run calls one after the other; an interrupt travels on."""
        return [self._timed(call, time.monotonic(), self._called(call)) for call in calls]

    async def arun(self, calls: Sequence[ToolCall]) -> list[Run]:
        """Run calls on an event loop; a plain function runs in a thread of its own."""
        found = []
        for call in calls:
            began = time.monotonic()
            found.append(self._timed(call, began, await self._acalled(call)))
        return found

    def _timed(self, call: ToolCall, began: float, found: tuple[str, bool]) -> Run:
        took = time.monotonic() - began
        self._left -= took
        text, is_error = found
        return Run(call.name, dict(call.arguments), _bounded(text), is_error, took, call.id)

    def _called(self, call: ToolCall) -> tuple[str, bool]:
        try:
            one, arguments = self._checked(call)
            value = one.function(**arguments)
            if inspect.isawaitable(value):
                value = _awaited(value, self._left)
            return render(value), False
        except Exception as exc:  # noqa: BLE001 (whatever a function raises is for the model to read)
            return _said(exc), True

    async def _acalled(self, call: ToolCall) -> tuple[str, bool]:
        try:
            one, arguments = await asyncio.to_thread(self._checked, call)
            async with asyncio.timeout(self._left if self._left < float("inf") else None):
                if inspect.iscoroutinefunction(one.function):
                    value = await one.function(**arguments)
                else:
                    value = await asyncio.to_thread(one.function, **arguments)
            return render(value), False
        except Exception as exc:  # noqa: BLE001 (the same)
            return _said(exc), True

    def _checked(self, call: ToolCall) -> tuple[Tool, dict[str, Any]]:
        one = self._tools.get(call.name)
        if one is None:
            raise LookupError(
                f"There is no tool {call.name!r}. There are: {', '.join(self._tools)}."
            )
        if self._left <= 0:
            raise TimeoutError("The time for tools is over: answer without them.")
        arguments = one.arguments(call.arguments)
        if self._confirm is not None and not self._confirm(written(call.name, call.arguments)):
            raise PermissionError("The user does not allow this call.")
        return one, arguments


def ask_first(words: str) -> bool:
    """Ask the person at the keyboard whether a call may run; nobody there means no."""
    return bool(confirmed(f"Call {words}?"))


def written(name: str, arguments: Mapping[str, Any]) -> str:
    """Write a call as code, each argument cut to a line's length.

    >>> written("add", {"a": 1, "b": "two"})
    "add(a=1, b='two')"
    """
    parts = []
    for key, value in arguments.items():
        text = repr(value)
        is_long = len(text) > _SHOWN_CHARACTERS
        parts.append(f"{key}={text[:_SHOWN_CHARACTERS] + '…' if is_long else text}")
    return f"{name}({', '.join(parts)})"


def _awaited(value: Any, seconds: float) -> Any:
    """Wait for a coroutine where there may be a running loop, as in every kernel."""
    import threading

    async def bounded() -> Any:
        async with asyncio.timeout(seconds if seconds < float("inf") else None):
            return await value

    loop = asyncio.new_event_loop()
    task = loop.create_task(bounded())
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="ollama-lab tool")
    done = threading.Event()
    task.add_done_callback(lambda _: done.set())
    thread.start()
    try:
        while not done.wait(0.1):  # in pieces, so that an interrupt gets through
            pass
        return task.result()
    finally:
        loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        if not loop.is_running():
            loop.close()


def _said(exc: Exception) -> str:
    words = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {words}" if words else type(exc).__name__


def _bounded(text: str) -> str:
    if len(text) <= _RESULT_CHARACTERS:
        return text
    return f"{text[:_RESULT_CHARACTERS]}\n(the rest of {len(text):,} characters is left out)"
