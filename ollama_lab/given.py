"""What a call from Python can be given by name, and the `Request` made of it."""

from __future__ import annotations

import difflib
import inspect
import os  # noqa: TC003 (`Given` is read at run time)
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_type_hints

from ollama_lab import options
from ollama_lab.attachments import as_prompt, read_file, read_image
from ollama_lab.errors import BadUsage, one_of
from ollama_lab.options import OPTIONS, Options
from ollama_lab.plan import Request
from ollama_lab.wire import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ollama_lab.prompts import Turn
    from ollama_lab.session import Session

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Given(Options, total=False):
    """What every prompt can be given by name; Ollama's own options with it."""

    model: Annotated[str, "the model's name; without it as %%ollama chooses"]
    system: Annotated[str, "the system prompt: how the model is to behave"]
    images: Annotated[
        Any, "one picture or a list: path, bytes, Pillow image, figure, array of pixels"
    ]
    files: Annotated[
        str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        "text files and notebooks, put before the prompt",
    ]
    format: Annotated[
        Any, "'json', a JSON schema, a pydantic model, a dataclass or a TypedDict; see .data"
    ]
    tools: Annotated[
        Sequence[Callable[..., Any]], "functions the model may call; calls and results are .trail"
    ]
    think: Annotated[bool | str, "off, on, or 'low', 'medium', 'high', 'max'"]
    keep_alive: Annotated[str, "how long the model stays in memory: '10m', '0', '-1'"]
    host: Annotated[str, "the server, for this call only"]


#: Ours, with what they do; the others are Ollama's.
OWN: Mapping[str, str] = {
    name: get_args(hint)[1]
    for name, hint in get_type_hints(Given, include_extras=True).items()
    if name not in OPTIONS
}


def documented(function: _Function) -> _Function:
    """Write out in a function's help, and for completion, what ``**given`` stands for."""
    signature = inspect.signature(function)
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in (*OWN, *OPTIONS)
    ]
    kept = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    function.__signature__ = signature.replace(parameters=[*kept, *named])  # type: ignore[attr-defined]  # (a function takes any attribute)
    rows = [f"{name}\n    {words}" for name, words in OWN.items()]
    rows += [f"{one.name} : {_kind(one)}\n    {_described(one)}" for one in OPTIONS.values()]
    parts = (inspect.getdoc(function) or "", "\nOther Parameters\n----------------", *rows)
    function.__doc__ = "\n".join(parts)
    return function


def _kind(option: options.Option) -> str:
    return "str or list of str" if option.kind is list else option.kind.__name__


def _described(option: options.Option) -> str:
    low, high = option.lowest, option.highest
    span = ""
    if low is not None:
        span = f", from {low:g} " + ("up" if high is None else f"to {high:,.10g}")
    return f"{option.help} (default {option.default}{span})"


def request(
    session: Session, prompt: str, given: Mapping[str, Any], history: Sequence[Turn] = ()
) -> Request:
    """Read what a call was given.

    Raises
    ------
    BadUsage
        A name that is none, a value of a wrong kind, a file or an image that cannot be read.
    """
    _check_names(given)
    if not isinstance(prompt, str):
        raise BadUsage(
            f"The prompt is a {type(prompt).__name__}; it is text.",
            hint='Put values into text: ol.ask(f"Describe: {value}")',
        )
    known = {name: value for name, value in given.items() if value is not None}
    files = [read_file(path) for path in _several("files", known)]
    pixels = session.settings.image_pixels
    images = [read_image(_source(one), longest_side=pixels) for one in _several("images", known)]
    return Request(
        prompt=as_prompt(files, prompt) if files else prompt,
        model=_text("model", known),
        system=known.get("system"),
        images=[image.base64 for image in images],
        format=known.get("format"),
        tools=_several("tools", known),
        think=_think(known.get("think")),
        options=options.check_all({n: v for n, v in known.items() if n in OPTIONS}),
        keep_alive=str(known["keep_alive"]) if "keep_alive" in known else None,
        host=_text("host", known),
        history=history,
    )


def _check_names(given: Mapping[str, Any]) -> None:
    names = (*OWN, *OPTIONS)
    for name in given:
        if name in names:
            continue
        if name in options.GONE:
            options.check(name, None)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
        meant = one_of([f"{n}=" for n in near])
        raise BadUsage(
            f"There is no {name}= to give.",
            hint=f"Did you mean {meant}?" if near else "See them all with: help(ol.ask)",
        )


def _text(name: str, known: Mapping[str, Any]) -> str:
    value = known.get(name, "")
    if not isinstance(value, str):
        raise BadUsage(f"{name} is a {type(value).__name__}; it is text.")
    return value


def _several(name: str, known: Mapping[str, Any]) -> Sequence[Any]:
    """Take one alone, too: a path, a picture."""
    value = known.get(name, ())
    return value if isinstance(value, list | tuple) else [value]


def _source(image: Any) -> Any:
    return Path(image) if isinstance(image, str) else image


def _think(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool) or value in LEVELS:
        return value  # type: ignore[no-any-return]  # (one of these three)
    raise BadUsage(f"think is {value!r}; it is True, False, {one_of([repr(n) for n in LEVELS])}.")
