"""The options of ``%%ollama``: said once here, shown by ``%%ollama?``, read from the first line.

Ollama's own model options come from `ollama_lab.options`: a new row there is a new flag here.
"""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from ollama_lab import options
from ollama_lab.errors import BadUsage, one_of
from ollama_lab.wire import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The forms an answer can be shown in; ``html``, ``json`` and ``code`` as highlighted source.
FORMS = ("markdown", "text", "html", "json", "code")
_ON, _OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class CellArguments:
    """What the first line of a ``%%ollama`` cell said."""

    model: str = ""
    system: str | None = None
    output: str = ""
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    format: str = ""
    tools: tuple[str, ...] = ()
    think: bool | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_alive: str | None = None
    host: str = ""
    form: str = "markdown"
    is_raw: bool = False
    makes_next_cell: bool = False
    continues: bool = False
    is_new: bool = False
    chat: str = ""
    expands: bool = True
    is_quiet: bool = False
    saves_thinking: bool | None = None


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are errors of ours."""

    def error(self, message: str) -> NoReturn:
        words = message.removeprefix("argument ").replace(
            ": expected one argument", " wants a value"
        )
        if choice := _CHOICE.fullmatch(words):
            wanted = one_of(choice["wanted"].replace("'", "").split(", "))
            words = f"{choice['flag']} is {choice['given']}; it takes {wanted}"
        raise BadUsage(f"%%ollama: {words}.", hint="See all options with: %%ollama?")


_CHOICE = re.compile(r"(?P<flag>\S+): invalid choice: (?P<given>.*) \(choose from (?P<wanted>.*)\)")


def _parser() -> _Parser:
    made = _Parser(
        prog="%%ollama",
        add_help=False,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%%%%ollama [MODEL] [options]",
    )
    add = made.add_argument
    add(
        "name",
        nargs="?",
        default="",
        metavar="MODEL",
        help="the model, as %%ollama models lists it",
    )
    add("-m", "--model", default="", help="the same, by a flag")
    add("-s", "--system", help="system prompt: how the model is to behave")
    add("-o", "--output", default="", metavar="NAME", help="keep the answer in this variable")
    add(
        "-i",
        "--image",
        action="append",
        default=[],
        metavar="PATH|NAME",
        help="show the model an "
        "image: a file, or a variable (bytes, PIL image, figure, array); may be repeated",
    )
    add(
        "-f",
        "--file",
        action="append",
        default=[],
        metavar="PATH",
        help="put a text file or a notebook before the prompt; may be repeated",
    )
    add(
        "--format",
        default="",
        metavar="json|NAME",
        help="answer in JSON, or in the form that this variable holds: a JSON schema, a pydantic "
        "model, a dataclass, a TypedDict; the checked answer is .data",
    )
    add(
        "--tools",
        default="",
        metavar="NAME,...",
        help="functions of yours that the model may call; calls and results are folded above the "
        "answer, and .trail",
    )
    add(
        "--think",
        default=None,
        choices=(_ON, *LEVELS),
        metavar="[LEVEL]",
        help=f"let the model think first: alone, or {one_of(LEVELS)}",
    )
    add(
        "--no-think", action="store_const", dest="think", const=_OFF, help="answer without thinking"
    )
    for option in options.OPTIONS.values():
        add(
            options.flag(option.name),
            action="append",
            dest=f"option_{option.name}",
            metavar=_metavar(option),
            help=f"{option.help} (default {option.default})",
        )
    add(
        "-O",
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any of Ollama's options by its own name",
    )
    add("--keep-alive", metavar="TIME", help="how long the model stays in memory: 10m, 1h, 0, -1")
    add("--raw", action="store_true", help="send the prompt without the model's chat template")
    add(
        "--as",
        dest="form",
        choices=FORMS,
        default="markdown",
        metavar="FORM",
        help=f"how the answer is shown: {one_of(FORMS)}",
    )
    add(
        "--next",
        action="store_true",
        help="put the answer's first code block into a new cell below; nothing runs by itself",
    )
    add("--history", action="store_true", help="continue this kernel's conversation")
    add("--new", action="store_true", help="begin that conversation anew with this cell")
    add(
        "--chat",
        metavar="NAME",
        help="continue the stored chat of this title, made when missing, which the sidebar shows "
        "too; with --new another one of this title",
    )
    add("--host", default="", metavar="URL", help="the server for this cell only")
    add("--no-expand", action="store_true", help="leave {name} as typed")
    add("--no-save-thinking", action="store_true", help="keep the thinking out of the notebook")
    add("-q", "--quiet", action="store_true", help="the answer alone: no status, no footer")
    return made


def _metavar(option: options.Option) -> str:
    return {list: "TEXT", bool: "true|false"}.get(option.kind, "N")


#: Go's durations, or seconds as a bare number.
_TIME = re.compile(r"-?(\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h))+)")


def parse(line: str) -> CellArguments:
    """Read the first line of a cell.

    Raises
    ------
    BadUsage
        An option that does not exist (the nearest one is named) or a value it cannot take.

    Examples
    --------
    >>> parse('qwen3 -o a --temperature 0 -s "be brief" --think low').options
    {'temperature': 0.0}
    """
    words = _with_think_values(split(line))
    known, unknown = _PARSER.parse_known_args(words)
    if unknown:
        raise _unknown(unknown[0])
    if known.name and known.model and known.name != known.model:
        raise BadUsage(
            f"Two models are named: '{known.name}' and '{known.model}'.",
            hint="The prompt goes below the first line.",
        )
    if known.output and (not known.output.isidentifier() or keyword.iskeyword(known.output)):
        raise BadUsage(f"-o is '{known.output}'; it takes a variable's name.")
    if known.keep_alive and not _TIME.fullmatch(known.keep_alive):
        raise BadUsage(
            f"--keep-alive is '{known.keep_alive}'; it takes a time such as 10m, 1h30m, 0 or -1."
        )
    if known.raw and (lost := _lost_in_raw(known)):
        raise BadUsage(
            f"--raw sends the prompt as it is: {lost} has no place in it.", hint="Leave one out."
        )
    if known.chat is not None:
        _check_chat(known)
    return CellArguments(
        model=known.model or known.name,
        system=known.system,
        output=known.output,
        images=tuple(known.image),
        files=tuple(known.file),
        format=known.format,
        tools=tuple(filter(None, map(str.strip, known.tools.split(",")))),
        think={None: None, _ON: True, _OFF: False}.get(known.think, known.think),
        options=_options(known),
        keep_alive=known.keep_alive,
        host=known.host,
        form=known.form,
        is_raw=known.raw,
        makes_next_cell=known.next,
        continues=(known.history or known.new) and known.chat is None,
        is_new=known.new,
        chat=known.chat or "",
        expands=not known.no_expand,
        is_quiet=known.quiet,
        saves_thinking=False if known.no_save_thinking else None,
    )


def _check_chat(known: argparse.Namespace) -> None:
    if known.history:
        raise BadUsage(
            "--history continues this kernel's conversation, --chat a stored one.",
            hint="Leave one out.",
        )
    if known.tools:
        raise BadUsage(
            "A stored chat keeps no calls of tools.", hint="Leave out --tools or --chat."
        )
    if not known.chat.strip():
        raise BadUsage("--chat is empty; it takes the title of a chat.", hint="List: %ollama chats")


def split(line: str) -> list[str]:
    r"""Split a line into words as a shell does, but keep backslashes: Windows paths have them.

    >>> split(r'-f C:\data\a.txt -s "be brief"')
    ['-f', 'C:\\data\\a.txt', '-s', 'be brief']
    """
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = reader.escape = ""
    try:
        return list(reader)
    except ValueError as exc:
        raise BadUsage(f"A quotation mark is left open in: {line.strip()}") from exc


def _with_think_values(words: list[str]) -> list[str]:
    """Give a lone ``--think`` its value, so that it does not take the model's name for one."""
    found: list[str] = []
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        is_lone = word == "--think" and following not in (_ON, *LEVELS)
        found.append(f"--think={_ON}" if is_lone else word)
    return found


def _options(known: argparse.Namespace) -> dict[str, options.Value]:
    """Collect the flags of Ollama's options; ``-O`` first, so that a flag of the name wins."""
    given = dict(options.parse(word) for word in known.option)
    for name in options.OPTIONS:
        texts = getattr(known, f"option_{name}")
        if texts is None:
            continue
        shown = options.flag(name)
        values = [options.read(name, text, shown=shown) for text in texts]
        if isinstance(values[0], list):
            given[name] = [text for value in values if isinstance(value, list) for text in value]
        else:
            given[name] = values[-1]
    return given


def _lost_in_raw(known: argparse.Namespace) -> str:
    """Return the first option that a raw prompt would lose without a word."""
    given = {
        "--system": known.system is not None,
        "--history": known.history,
        "--new": known.new,
        "--chat": known.chat is not None,
        "--think": known.think is not None,
        "--tools": bool(known.tools),
    }
    return next((flag for flag, is_given in given.items() if is_given), "")


def takes_value(flag: str) -> bool:
    """Whether the word behind a flag is its value."""
    action = _PARSER._option_string_actions.get(flag)  # noqa: SLF001 (argparse has no public list)
    return action is not None and action.nargs != 0


def flags() -> list[str]:
    """Return every long flag, for completion and for near misses."""
    return [word for word in _PARSER._option_string_actions if word.startswith("--")]  # noqa: SLF001 (argparse has no public list)


def described() -> list[tuple[str, str]]:
    """Return every option as it is written, with what it does."""
    return [
        (_written(action), (action.help or "").replace("%%", "%"))
        for action in _PARSER._actions  # noqa: SLF001 (argparse has no public list)
    ]


def _written(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    return " ".join(filter(None, (", ".join(action.option_strings), value)))


def help_text() -> str:
    """Return what ``%%ollama?`` shows of the options."""
    return _PARSER.format_help()


def _unknown(word: str) -> BadUsage:
    if not word.startswith("-"):
        return BadUsage(
            f"'{word}' is one word too many on the first line.",
            hint="The prompt goes below it; quote values that hold blanks.",
        )
    name = word.partition("=")[0]
    near = [flag for flag in flags() if flag.startswith(name)][:3]
    near = near or difflib.get_close_matches(name, flags(), n=2, cutoff=0.6)
    hint = f"Did you mean {one_of(near)}?" if near else "See all options with: %%ollama?"
    return BadUsage(f"%%ollama has no option {name}.", hint=hint)


_PARSER = _parser()
