"""Ollama's model options: names, types, ranges, defaults and what they do.

One table serves the magic's flags, ``-O NAME=VALUE``, ``%ollama set`` and the docs. Ranges are
those Ollama's own sampling code accepts or makes sense of; what it ignores in silence or answers
with status 500 is caught here (options of Ollama 0.33, api/types.go).
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, get_args, get_type_hints

from ollama_lab.errors import BadUsage, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value = bool | int | float | list[str]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``lowest`` and ``highest`` are inclusive, None where there is no bound.

    ``reloads`` marks what takes effect when the model is loaded: another value than the one in
    memory makes the server load the model anew, for everybody.
    """

    default: str
    help: str
    lowest: float | None = None
    highest: float | None = None
    reloads: bool = False
    name: str = ""
    kind: type = float


class Options(TypedDict, total=False):
    """Ollama's model options as keyword arguments; the table of this module."""

    temperature: Annotated[
        float, Option("0.8", "how freely words are drawn; 0 is the same each time", 0, 5)
    ]
    seed: Annotated[
        int, Option("drawn", "the same seed and prompt give the same answer", -1, 2**32 - 1)
    ]
    top_p: Annotated[
        float, Option("0.9", "draw from the likeliest words of this total probability", 0, 1)
    ]
    top_k: Annotated[
        int, Option("40", "draw from this many likeliest words; 0 is all", 0, 1_000_000)
    ]
    min_p: Annotated[
        float, Option("0", "leave out words less likely than this share of the best", 0, 1)
    ]
    typical_p: Annotated[float, Option("1", "locally typical sampling; 1 is off", 0, 1)]
    num_predict: Annotated[
        int, Option("-1", "most tokens of an answer; -1 is up to the window", -2)
    ]
    num_keep: Annotated[int, Option("4", "tokens kept at the front when the window overflows", -1)]
    repeat_last_n: Annotated[
        int, Option("64", "tokens looked back at for repeats; -1 is the window", -1)
    ]
    repeat_penalty: Annotated[float, Option("1", "above 1 makes repeats less likely", 0, 10)]
    presence_penalty: Annotated[float, Option("0", "lowers words that occurred at all", -2, 2)]
    frequency_penalty: Annotated[
        float, Option("0", "lowers words by how often they occurred", -2, 2)
    ]
    stop: Annotated[
        str | list[str], Option("none", "text that ends the answer and is left out of it")
    ]
    num_ctx: Annotated[int, Option("8192", "the context window, in tokens", 4, reloads=True)]
    num_batch: Annotated[int, Option("512", "prompt tokens read at once", 1, reloads=True)]
    num_gpu: Annotated[
        int, Option("-1", "layers on the GPU; -1 is automatic, 0 none", -1, reloads=True)
    ]
    main_gpu: Annotated[int, Option("0", "the GPU for small tensors", 0, reloads=True)]
    num_thread: Annotated[int, Option("0", "CPU threads; 0 is automatic", 0, reloads=True)]
    use_mmap: Annotated[
        bool, Option("automatic", "map the model file instead of reading it", reloads=True)
    ]
    draft_num_predict: Annotated[int, Option("automatic", "tokens a draft model guesses ahead", 0)]


def _rows() -> Iterator[Option]:
    """Read the table: what `Options` says of each option, with its name and kind."""
    for name, hint in get_type_hints(Options, include_extras=True).items():
        kind, option = get_args(hint)
        yield replace(option, name=name, kind=kind if isinstance(kind, type) else list)


OPTIONS: Mapping[str, Option] = {option.name: option for option in _rows()}

#: Options of older releases that every server since 0.7.0 ignores without a word.
GONE = frozenset(
    [
        "low_vram",
        "f16_kv",
        "logits_all",
        "vocab_only",
        "use_mlock",
        "numa",
        "tfs_z",
        "penalize_newline",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
    ]
)


def read(name: str, text: str, *, shown: str = "") -> Value:
    """Check a value given as text, such as a flag's.

    >>> read("top_k", "20"), read("stop", "##")
    (20, ['##'])
    """
    value = text if _kind(name) is list else _value(text)
    return check(name, value, shown=shown)


def _kind(name: str) -> type | None:
    option = OPTIONS.get(name)
    return option.kind if option else None


def parse(assignment: str) -> tuple[str, Value]:
    """Read ``NAME=VALUE``, as ``-O`` and ``%ollama set`` take it.

    Raises
    ------
    BadUsage
        No ``=``, a name that Ollama does not know, or a value it cannot take.

    Examples
    --------
    >>> parse("temperature=0.2"), parse("stop=###"), parse("use_mmap=false")
    (('temperature', 0.2), ('stop', ['###']), ('use_mmap', False))
    """
    name, equals, text = assignment.partition("=")
    name = name.strip().replace("-", "_")
    if not equals:
        raise BadUsage(
            f"'{assignment}' is no option.", hint="Write NAME=VALUE, as in temperature=0.2"
        )
    return name, read(name, text.strip())


def check(name: str, value: Any, *, shown: str = "") -> Value:
    """Return the value as Ollama takes it: whole numbers whole, ``stop`` as a list.

    Parameters
    ----------
    shown : str, optional
        What the person wrote, such as ``--top-p``; default the name.

    Raises
    ------
    BadUsage
        The name is unknown (the nearest ones are named), the type is wrong, or the value is out
        of range.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise _unknown(name)
    option = replace(option, name=shown or name)
    checked = _of_kind(option, value)
    if isinstance(checked, int | float) and not isinstance(checked, bool):
        _within(option, checked)
    if name == "num_predict" and checked == 0:
        # Native chat answers one token, generate has no limit at all: nobody means either.
        raise BadUsage(f"{option.name} is 0; it goes from 1 up, and -1 means no limit.")
    return checked


def check_all(options: Mapping[str, Any]) -> dict[str, Value]:
    """Check a whole mapping of options; see `check`."""
    return {name: check(name, value) for name, value in options.items()}


def flag(name: str) -> str:
    """Return the magic's flag for an option.

    >>> flag("num_ctx")
    '--num-ctx'
    """
    return "--" + name.replace("_", "-")


def _value(text: str) -> Any:
    """Read a value as JSON where it is JSON, else as the text it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _of_kind(option: Option, value: Any) -> Value:
    if option.kind is list:
        return _texts(option, value)
    if option.kind is bool:
        if not isinstance(value, bool):
            raise BadUsage(f"{option.name} is {value!r}; it takes true or false.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadUsage(f"{option.name} is {value!r}; it takes a number.")
    if option.kind is int and not (math.isfinite(value) and value == int(value)):
        raise BadUsage(f"{option.name} is {value}; it takes a whole number.")
    return int(value) if option.kind is int else float(value)


def _texts(option: Option, value: Any) -> list[str]:
    """Make a list of one text: a bare string is an error to Ollama (status 500)."""
    texts = [value] if isinstance(value, str | int | float) else value
    if not isinstance(texts, list | tuple) or not texts:
        raise BadUsage(f"{option.name} is {value!r}; it takes text, or a list of texts.")
    return [str(text) for text in texts]


def _within(option: Option, value: float) -> None:
    low, high = option.lowest, option.highest
    finite = value == value and abs(value) != float("inf")  # noqa: PLR0124 (NaN is not itself)
    if finite and (low is None or value >= low) and (high is None or value <= high):
        return
    span = f"from {_figure(low)} up" if high is None else f"from {_figure(low)} to {_figure(high)}"
    raise BadUsage(f"{option.name} is {_figure(value)}; it goes {span}.")


def _figure(value: float | None) -> str:
    """Write a number with all its digits, and whole ones whole.

    >>> _figure(2.0), _figure(1_000_000), _figure(0.25), _figure(float("nan"))
    ('2', '1000000', '0.25', 'nan')
    """
    number = value or 0
    return str(int(number) if math.isfinite(number) and number == int(number) else number)


def _unknown(name: str) -> BadUsage:
    if name in GONE:
        return BadUsage(
            f"Ollama has ignored the option '{name}' since 0.7.0.", hint="Leave it out."
        )
    near = difflib.get_close_matches(name, OPTIONS, n=3, cutoff=0.6)
    meant = one_of([f"'{n}'" for n in near])
    hint = f"Did you mean {meant}?" if near else f"There are: {', '.join(OPTIONS)}."
    return BadUsage(f"Ollama has no option '{name}'.", hint=hint)
