"""What goes into a prompt: the user's values, the messages, and only as many as fit the window.

Everything here is a value: nothing is read, no clock, no environment.

`expand` puts in a value only where the name is known and the braces cannot be anything else; whatever
it leaves alone stays byte for byte. Never ``str.format``: over a prompt it is the oldest bug of our
neighbors, where a cell with ``{"a": 1}`` fails before any model is asked.
"""

from __future__ import annotations

import keyword
import re
import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import braces
from .errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# The window's size is a multiple of this for the server anyway; an even one is what `ps` shows.
WINDOW_STEP_TOKENS = 256
# What the server itself counts for an image before it has looked at one.
IMAGE_TOKENS = 768
# The template's marks around one message: <|im_start|>user ... <|im_end|> and a line feed or two.
MESSAGE_TOKENS = 5

_STEP = re.compile(r"\.(?P<attribute>\w+)|\[(?P<index>-?\d+)\]|\[[\"'](?P<key>.*?)[\"']\]")


@dataclass(frozen=True, slots=True)
class Expansion:
    """A prompt with the user's values in it.

    Parameters
    ----------
    text : str
        The prompt as it is sent.
    used : tuple of str
        What was put in, such as ``"x"`` or ``"df.shape"``: each once, in order.
    missing : tuple of str
        Words in braces that would have been put in, had the namespace known them: each once.
    """

    text: str
    used: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def expand(
    text: str, ns: Mapping[str, Any], *, render: Callable[[Any, str], str] = format
) -> Expansion:
    r"""Put the values of a namespace where a prompt names them in braces.

    ``{name}``, ``{name:format}``, ``{df.shape}``, ``{row[0]}`` and ``{d["key"]}`` are replaced
    when `ns` has the first name; a format is one of Python's own (``.2f``, ``>8``, ``,``) or one
    with ``%``, as dates have. No function is called, but an attribute that is a property runs its
    code. Inline code, fences, math (``$...$`` by Pandoc's rule, so that prices are none),
    braces behind a backslash word, ``_``, ``^``, ``$`` or a ``}`` that stays, and ``{{`` are left
    alone; an expression alone on its line is replaced inside a fence too. Values are not read
    again: braces in them stay.

    Parameters
    ----------
    text : str
        The prompt as typed.
    ns : Mapping
        Names and values; builtins are none of them.
    render : callable, optional
        ``render(value, format) -> str``; the format is ``""`` where none is given.

    Returns
    -------
    Expansion
        The text, what was put in, and the words that no name stands for.

    Raises
    ------
    BadUsage
        A value could not be reached or formatted; names the expression and the error.

    Examples
    --------
    >>> expand("Is {x:.1f} {more} than {y}?", {"x": 2.25, "y": [1, 2]})
    Expansion(text='Is 2.2 {more} than [1, 2]?', used=('x', 'y'), missing=('more',))
    >>> expand(r'\frac{a}{b}, x_{i}, `{a}`, ${a}, {"a": {}}', {"a": 1, "b": 2, "i": 3}).used
    ()
    """
    pieces: list[str] = []
    used: dict[str, None] = {}
    missing: dict[str, None] = {}
    copied = 0
    for match in braces.expressions(text):
        start, end = match.span("expression")
        # \frac{a}{b}: the second argument. In {a}{b} the first brace is gone and `b` is free.
        if text[start - 1 : start] == "}" and start != copied:
            continue
        if match["name"] in ns:
            pieces += text[copied:start], _value(match, ns, render)
            used[match["path"]] = None
            copied = end
        elif _is_plain(match):
            missing[match["name"]] = None
    return Expansion("".join((*pieces, text[copied:])), tuple(used), tuple(missing))


def _is_plain(match: re.Match[str]) -> bool:
    name = match["name"]
    return (
        match["expression"] == f"{{{name}}}" and name.isidentifier() and not keyword.iskeyword(name)
    )


def _value(match: re.Match[str], ns: Mapping[str, Any], render: Callable[[Any, str], str]) -> str:
    try:
        value = ns[match["name"]]
        for step in _STEP.finditer(match["steps"]):
            value = _follow(value, step)
        return render(value, match["format"] or "")
    except Exception as exc:  # (a property or __format__ of the user's may raise anything)
        said = " ".join(f"{type(exc).__name__}: {exc}"[:300].split()).rstrip(":. ")
        raise BadUsage(
            f"{match['expression']} in the prompt has no value: {said}.",
            hint="Correct it, put it in backticks, or send the prompt as typed with --no-expand.",
        ) from exc


def _follow(value: Any, step: re.Match[str]) -> Any:
    if step["attribute"] is not None:
        return getattr(value, step["attribute"])
    return value[step["key"] if step["index"] is None else int(step["index"])]


def with_form(prompt: str, instruction: str) -> str:
    """Say below a prompt what form the answer is to have; the grammar shows it to nobody."""
    return f"{prompt}\n\n{instruction}" if instruction else prompt


def system(text: str) -> dict[str, Any]:
    """Build the message that says how the model is to behave."""
    return {"role": "system", "content": text}


def user(text: str, images: Sequence[str] = ()) -> dict[str, Any]:
    """Build the user's message; images are base64 without a ``data:`` prefix."""
    message: dict[str, Any] = {"role": "user", "content": text}
    if images:
        message["images"] = list(images)
    return message


def assistant(text: str, thinking: str = "") -> dict[str, Any]:
    """Build the message of an earlier answer."""
    message = {"role": "assistant", "content": text}
    if thinking:
        message["thinking"] = thinking
    return message


def calling(text: str, calls: Sequence[tuple[str, Mapping[str, Any], str]]) -> dict[str, Any]:
    """Build the message of an answer that called tools: name, arguments and id of each."""
    made = []
    for name, arguments, id_ in calls:
        function = {"function": {"name": name, "arguments": dict(arguments)}}
        made.append({"id": id_, **function} if id_ else function)
    return {**assistant(text), "tool_calls": made}


def tool_result(name: str, text: str, call_id: str = "") -> dict[str, Any]:
    """Build the message that tells a model what its call gave."""
    message = {"role": "tool", "tool_name": name, "content": text}
    return {**message, "tool_call_id": call_id} if call_id else message


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation and what it takes of the window.

    Parameters
    ----------
    message : dict
        In Ollama's shape, such as `user` builds it.
    tokens : int, optional
        Its share of a real count (see `measured`); None means that it is estimated.
    """

    message: dict[str, Any]
    tokens: int | None = None

    @property
    def role(self) -> str:
        """Who speaks: ``system``, ``user``, ``assistant`` or ``tool``."""
        return str(self.message["role"])

    @property
    def size_tokens(self) -> int:
        """The real count where it is known, else an estimate."""
        if self.tokens is not None:
            return self.tokens
        images = len(self.message.get("images", ()))
        calls = str(self.message.get("tool_calls", ""))
        # Earlier thinking is left out: templates do not send it on.
        words = estimate_tokens(str(self.message.get("content", "")) + calls)
        return MESSAGE_TOKENS + words + images * IMAGE_TOKENS


@dataclass(frozen=True, slots=True)
class Fitted:
    """The turns that fit the window.

    Parameters
    ----------
    turns : tuple of Turn
        What is sent, in order.
    dropped : int
        How many messages were left out, for a line that tells the user.
    """

    turns: tuple[Turn, ...]
    dropped: int = 0

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as they go into the request."""
        return [turn.message for turn in self.turns]


def fit(messages: Sequence[Turn], *, context_tokens: int, reserve_tokens: int) -> Fitted:
    """Leave out the oldest exchanges until the rest fits the window.

    A user's message goes together with what answered it. System messages and everything from the
    last user's message on always stay, even if that alone is too long by our estimate: the server
    counts exactly, and says so where it is asked not to truncate.

    Parameters
    ----------
    messages : sequence of Turn
        The conversation, the new prompt last.
    context_tokens : int
        The window, as sent in ``num_ctx``.
    reserve_tokens : int
        Room to keep free for the answer.
    """
    room = context_tokens - reserve_tokens
    size = sum(turn.size_tokens for turn in messages)
    dropped: set[int] = set()
    for exchange in _exchanges(messages):
        if size <= room:
            break
        size -= sum(messages[index].size_tokens for index in exchange)
        dropped.update(exchange)
    kept = tuple(turn for index, turn in enumerate(messages) if index not in dropped)
    return Fitted(kept, len(dropped))


def _exchanges(turns: Sequence[Turn]) -> list[list[int]]:
    """Group what may be left out, oldest first: positions of a user's message and its answers."""
    asked = [index for index, turn in enumerate(turns) if turn.role == "user"]
    newest = asked[-1] if asked else len(turns) - 1
    groups: list[list[int]] = []
    for index, turn in enumerate(turns[: max(newest, 0)]):
        if turn.role == "system":
            continue
        if turn.role == "user" or not groups:
            groups.append([])
        groups[-1].append(index)
    return groups


def measured(sent: Sequence[Turn], prompt_tokens: int) -> list[Turn]:
    """Share the server's real count among the turns that were sent.

    Turns whose share is known keep it; the others divide what is left in proportion to their
    estimates. Where that leaves nothing (another model, a template that drops old thinking) all
    are shared anew. The sum is always `prompt_tokens`.

    Parameters
    ----------
    sent : sequence of Turn
        What the request held, such as ``Fitted.turns``.
    prompt_tokens : int
        Ollama's ``prompt_eval_count`` for it, which counts cached tokens too.

    Returns
    -------
    list of Turn
        The same messages in the same order, every one with its ``tokens``.

    Examples
    --------
    >>> [turn.tokens for turn in measured([Turn(system("Be brief."), 12), Turn(user("Hi"))], 20)]
    [12, 8]
    """
    known = sum(turn.tokens for turn in sent if turn.tokens is not None)
    unknown = sum(turn.size_tokens for turn in sent if turn.tokens is None)
    is_new = [turn.tokens is None for turn in sent]
    rest = prompt_tokens - known
    if rest < sum(is_new) or (rest and not unknown):
        known, rest, unknown = 0, prompt_tokens, sum(turn.size_tokens for turn in sent)
        is_new = [True] * len(sent)
    turns: list[Turn] = []
    for turn, takes_part in zip(sent, is_new, strict=True):
        if not takes_part:
            turns.append(turn)
            continue
        share = rest * turn.size_tokens // max(unknown, 1)
        rest, unknown = rest - share, unknown - turn.size_tokens
        turns.append(replace(turn, tokens=share))
    return turns


_LETTERS = string.ascii_letters.encode()
_SIGNS = (string.digits + string.punctuation).encode()
_BEYOND_ASCII = bytes(range(128, 256))


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text takes, where no real count is known.

    A token for each digit and each sign, for four letters, and for three UTF-8 bytes beyond ASCII;
    blanks are free. Over real tokenizers (Mistral v3 with 32,000 words, Tekken and Llama 3 with
    about 130,000; November 2026) on English, Spanish, Chinese, Japanese and Korean prose, Python,
    JSON and tables of numbers it gave 0.8 to 1.5 times the true count, and twice for bare numbers
    with Llama 3, which takes three digits as one. The usual "four characters a token" gives a
    quarter to a half of the true count for numbers, and less than a half for Chinese. Never refuse
    a prompt on it.

    >>> estimate_tokens("Why is the sky blue?"), estimate_tokens("3.14159"), estimate_tokens("天空")
    (5, 7, 2)
    """
    data = text.encode(errors="replace")
    signs = len(data) - len(data.translate(None, _SIGNS))
    letters = len(data) - len(data.translate(None, _LETTERS))
    beyond = len(data) - len(data.translate(None, _BEYOND_ASCII))
    return signs + -(-letters // 4) + -(-beyond // 3)


def context_tokens(
    flag: int | None,
    chat: int | None,
    model_parameter: int | None,
    setting: int,
    trained: int | None,
) -> int:
    """Choose the one ``num_ctx`` that every call for a model sends.

    Ollama's own default cuts a long prompt without a word, and another value than the last call's
    reloads the model for everybody; so it is always sent, and rounded up to a multiple of 256,
    which is what the server allocates. The trained length is the upper limit even where it is no
    such multiple: the server caps there too.

    Parameters
    ----------
    flag : int, optional
        What the user asked for in this call; it wins.
    chat : int, optional
        The chat's parameter, next.
    model_parameter : int, optional
        ``PARAMETER num_ctx`` of the model, next.
    setting : int
        The setting, otherwise.
    trained : int, optional
        The length the model was trained for; None if the server does not say.

    Raises
    ------
    BadUsage
        The value is below 1.

    Examples
    --------
    >>> context_tokens(None, None, None, 8192, 131072), context_tokens(5000, None, 2048, 8192, None)
    (8192, 5120)
    >>> context_tokens(None, 100_000, None, 8192, 32768)
    32768
    """
    asked = next((value for value in (flag, chat, model_parameter) if value is not None), setting)
    if asked < 1:
        raise BadUsage(
            f"The context window is {asked} tokens; it is at least 1.",
            hint="Give a number of tokens such as --num-ctx 8192.",
        )
    rounded = -(-asked // WINDOW_STEP_TOKENS) * WINDOW_STEP_TOKENS
    return min(rounded, trained) if trained else rounded
