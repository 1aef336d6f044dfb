"""``%ollama``: the server, its models, and what this kernel chose.

`COMMANDS` is the table of subcommands; ``%ollama?`` and completion are made from it.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ollama_lab import errors, hosts, models, options, settings, terminal
from ollama_lab.errors import BadUsage, one_of
from ollama_lab.magics import arguments, progressing
from ollama_lab.magics.words import Table, Words
from ollama_lab.progress import size

if TYPE_CHECKING:
    from collections.abc import Callable

    from ollama_lab.magics.history import History
    from ollama_lab.magics.stored import Chats
    from ollama_lab.session import Session


@dataclass(frozen=True, slots=True)
class Kernel:
    """What both magics work on: one shell, its way to a server, and its conversations."""

    shell: Any
    session: Session
    history: History
    chats: Chats


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand: how it is written, what it does, the function that does it.

    ``takes_models`` is whether its words are names of models, for completion.
    """

    usage: str
    help: str
    run: Callable[[Kernel, list[str]], Any]
    takes_models: bool = False


def run(kernel: Kernel, line: str) -> Any:
    """Run one line and return what it shows.

    Raises
    ------
    OllamaLabError
        Whatever went wrong, in one sentence.
    """
    name, *words = arguments.split(line) or ["status"]
    command = COMMANDS.get(name)
    if command is None:
        raise _unknown(name)
    return command.run(kernel, words)


def _unknown(name: str) -> BadUsage:
    near = difflib.get_close_matches(name, COMMANDS, n=2, cutoff=0.6)
    hint = "A prompt goes below %%ollama; see all commands with: %ollama?"
    if near:
        hint = f"Did you mean %ollama {one_of(near)}?"
    return BadUsage(f"%ollama has no command '{name}'.", hint=hint)


def _no_words(words: list[str], usage: str) -> None:
    if words:
        raise BadUsage(f"'{words[0]}' is one word too many.", hint=f"Write: %ollama {usage}")


def _one(words: list[str], usage: str) -> str:
    if len(words) != 1:
        raise _miscounted(words, usage)
    return words[0]


def _miscounted(words: list[str], usage: str) -> BadUsage:
    found = {0: "nothing", 1: "one word"}.get(len(words), f"{len(words)} words")
    return BadUsage(
        f"%ollama {usage.partition(' ')[0]} got {found}.", hint=f"Write: %ollama {usage}"
    )


# ---------------------------------------------------------------- looking


def _status(kernel: Kernel, words: list[str]) -> Words:
    _no_words(words, "status")
    session = kernel.session
    client = session.client()
    kind = "Embedded engine" if client.host.is_embedded else "Ollama"
    lines = [f"{kind} {client.version()} at {client.host.url} ({client.host.why})"]
    try:
        choice = session.default_model()
        lines.append(f"Prompts go to {choice.name} ({choice.why})")
    except errors.ModelNotFound as exc:
        lines.append(str(exc))
    loaded = client.ps()
    memory = ", ".join(f"{name} ({there.where})" for name, there in loaded.items())
    lines.append(f"In memory: {memory or 'nothing'}")
    if turns := len(kernel.history):
        lines.append(f"--history continues {turns} {'turn' if turns == 1 else 'turns'}")
    return Words(tuple(lines))


def _models(kernel: Kernel, words: list[str]) -> Table:
    _no_words(words, "models")
    client = kernel.session.client()
    listed = models.with_loaded(kernel.session.list_models(fresh=True), client.ps())
    rows = [_model_row(model) for model in listed]
    notes = () if rows else ("The server has no models. Pull one with: %ollama pull llama3.2:1b",)
    head = ("model", "size", "parameters", "window", "can", "in memory")
    return Table(head, tuple(rows), notes)


def _model_row(model: models.Model) -> tuple[str, ...]:
    can = sorted((model.capabilities or frozenset()) - {"completion"})
    kind = ["runs elsewhere"] if model.runs_elsewhere else []
    kind += ["demonstration"] if model.is_demo else []
    return (
        model.name,
        size(model.size_bytes),
        f"{model.parameter_size} {model.quantization}".strip(),
        f"{model.context_length:,}" if model.context_length else "",
        ", ".join([*kind, *can]),
        _in_memory(model.loaded),
    )


def _in_memory(loaded: models.Loaded | None) -> str:
    if loaded is None:
        return ""
    if loaded.expires_at is None:
        return f"{loaded.where}, for ever"
    minutes = max(0.0, (loaded.expires_at - datetime.now(UTC)).total_seconds() / 60)
    return f"{loaded.where}, {minutes:.0f} min more"


def _ps(kernel: Kernel, words: list[str]) -> Table:
    _no_words(words, "ps")
    rows = [
        (
            name,
            size(loaded.size_bytes),
            f"{loaded.context_tokens:,}" if loaded.context_tokens else "",
            _in_memory(loaded),
        )
        for name, loaded in kernel.session.client().ps().items()
    ]
    notes = () if rows else ("No model is in memory.",)
    return Table(("model", "size", "window", "where"), tuple(rows), notes)


def _show(kernel: Kernel, words: list[str]) -> Table:
    name = _one(words, "show MODEL")
    kernel.session.forget_models()
    model = kernel.session.model(name)
    own = model.parameters or {}
    rows = [
        ("digest", model.digest[:12]),
        ("size", size(model.size_bytes)),
        ("family", model.family),
        ("parameters", f"{model.parameter_size} {model.quantization}".strip()),
        ("trained window", f"{model.context_length:,} tokens" if model.context_length else ""),
        ("can", ", ".join(sorted(model.capabilities or ()))),
        ("own options", ", ".join(f"{key}={value}" for key, value in own.items())),
        ("system prompt", model.system),
    ]
    return Table((model.name, ""), tuple(row for row in rows if row[1]))


def _doctor(kernel: Kernel, words: list[str]) -> Table:
    from ollama_lab import doctor

    _no_words(words, "doctor")
    rows = [
        ("well" if check.is_ok else "WRONG", check.what, f"{check.found} {check.remedy}".strip())
        for check in doctor.checks(kernel.session)
    ]
    return Table(("", "part", "finding"), tuple(rows))


def _chats(kernel: Kernel, words: list[str]) -> Table:
    from ollama_lab.magics import listing  # brings sqlite3: not at %load_ext

    return listing.found(kernel.chats, " ".join(words))


# ---------------------------------------------------------------- managing models


def _pull(kernel: Kernel, words: list[str]) -> Words:
    name = _one(words, "pull MODEL")
    models.normalize(name)
    client = kernel.session.client()
    board = progressing.board(kernel.shell)
    try:
        with contextlib.closing(client.pull(name)) as steps:
            board.follow(steps)
    except KeyboardInterrupt:
        raise errors.Stopped("what came stays on the server; pull again to go on.") from None
    finally:
        board.clear()
        kernel.session.forget_models()
    return Words((f"{name} is on the server. Ask it: %%ollama {name}",))


def _rm(kernel: Kernel, words: list[str]) -> Words:
    is_sure = any(word in ("-y", "--yes") for word in words)
    name = _one([word for word in words if word not in ("-y", "--yes")], "rm MODEL [--yes]")
    listed = kernel.session.list_models(fresh=True)
    model = models.find(name, listed)
    if model is None:
        raise errors.model_not_found(name, models.nearest(name, listed))
    if not is_sure and not _confirmed(model):
        return Words((f"{model.name} stays.",))
    kernel.session.client().delete(model.name)
    kernel.session.forget_models()
    return Words((f"{model.name} is removed.",))


def _confirmed(model: models.Model) -> bool:
    answer = terminal.confirmed(f"Remove {model.name} ({size(model.size_bytes)})?")
    if answer is None:
        hint = f"Write: %ollama rm {model.name} --yes"
        raise BadUsage("Nobody can be asked here.", hint=hint)
    return answer


def _cp(kernel: Kernel, words: list[str]) -> Words:
    if len(words) != 2:  # noqa: PLR2004 (a source and a destination)
        raise _miscounted(words, "cp MODEL NEW")
    source, destination = words[0], models.normalize(words[1])
    kernel.session.client().copy(source, destination)
    kernel.session.forget_models()
    return Words((f"{source} is also called {destination}.",))


def _load(kernel: Kernel, words: list[str]) -> Words:
    name = _one(words, "load MODEL")
    board = progressing.board(kernel.shell)
    began = time.monotonic()
    try:
        kernel.session.load(name, tick=lambda past: board.say(f"loading {name}, {past:.0f} s"))
    except KeyboardInterrupt:
        raise errors.Stopped("the server has given up loading.") from None
    finally:
        board.clear()
    return Words((f"{name} is in memory after {time.monotonic() - began:.1f} s.",))


def _unload(kernel: Kernel, words: list[str]) -> Words:
    name = _one(words, "unload MODEL")
    kernel.session.client().unload(name)
    return Words((f"{name} leaves memory as soon as its running answers have ended.",))


# ---------------------------------------------------------------- choosing


def _use(kernel: Kernel, words: list[str]) -> Words:
    name = _one(words, "use MODEL")
    model = kernel.session.model(name)
    if not model.can_chat:
        raise errors.cannot(model.name, "chat")
    kernel.session.settings.model = model.name
    kernel.session.settings.sources["model"] = "%ollama use"
    return Words((f"Prompts of this kernel go to {model.name}.",))


def _host(kernel: Kernel, words: list[str]) -> Words:
    if not words:
        return _status(kernel, [])
    text = _one(words, "host URL")
    hosts.parse(text)
    kernel.session.settings.host = text
    kernel.session.settings.sources["host"] = "%ollama host"
    kernel.session.forget_host()
    return _status(kernel, [])


def _set(kernel: Kernel, words: list[str]) -> Table | Words:
    chosen = kernel.session.settings
    if not words:
        return _settings_table(chosen)
    # Checked whole before any of it counts.
    pairs = [_pair(word) for word in words]
    names = chosen.traits(config=True)
    given = dict(
        options.parse(word)
        for word, (name, _) in zip(words, pairs, strict=True)
        if name not in names
    )
    for name, text in pairs:
        if name in names:
            chosen.set_from_text(name, text)
    if given:
        chosen.options = {**chosen.options, **given}
        chosen.sources["options"] = "%ollama set"
    if any(name in ("host", "headers", "api_key", "ca_file", "verify_tls") for name, _ in pairs):
        kernel.session.forget_host()
    return Words((f"Set for this kernel: {', '.join(name for name, _ in pairs)}.",))


def _pair(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals:
        raise BadUsage(f"'{word}' sets nothing.", hint="Write NAME=VALUE, as in temperature=0.2")
    return name.strip().replace("-", "_"), text


def _settings_table(chosen: settings.OllamaLab) -> Table:
    rows = []
    for name in sorted(chosen.traits(config=True)):
        value = getattr(chosen, name)
        is_secret = name in settings.SECRET
        shown = ("set" if value else "") if is_secret else str(value)
        rows.append((name, shown, chosen.sources.get(name, "default")))
    return Table(("setting", "value", "from"), tuple(rows))


def _reset(kernel: Kernel, words: list[str]) -> Words:
    _no_words(words, "reset")
    kernel.history.clear()
    kernel.session.settings.reset(settings.load(kernel.shell))
    kernel.session.forget_host()
    return Words(("The conversation and the choices of this kernel are forgotten.",))


# ---------------------------------------------------------------- help


def _help(kernel: Kernel, words: list[str]) -> Table:
    del kernel
    wanted = [word.strip("%-?.,").casefold() for word in words]
    found = [
        topic for topic in topics() if all(word in " ".join(topic).casefold() for word in wanted)
    ]
    if not found:
        raise BadUsage(f"Nothing is known about '{' '.join(words)}'.", hint="Try: %ollama help")
    return Table(("write", "what it does"), tuple(found))


def topics() -> list[tuple[str, str]]:
    """Return everything that can be written, and what it does."""
    found = [(f"%ollama {command.usage}", command.help) for command in COMMANDS.values()]
    found += [(f"%%ollama {flag}", words) for flag, words in arguments.described()]
    return found + [
        (f"%ollama set {name}=VALUE", str(trait.help))
        for name, trait in settings.OllamaLab.class_traits(config=True).items()
    ]


def help_text() -> str:
    """Return what ``%ollama?`` shows of the commands."""
    width = max(len(command.usage) for command in COMMANDS.values())
    return "\n".join(
        f"    %ollama {command.usage.ljust(width)}  {command.help}" for command in COMMANDS.values()
    )


COMMANDS = {
    "status": Command("status", "which server answers and why, and the default model", _status),
    "models": Command("models", "the models on the server", _models),
    "ps": Command("ps", "the models in memory", _ps),
    "show": Command("show MODEL", "one model: window, abilities, its own options", _show, True),
    "pull": Command("pull MODEL", "download a model; interrupt keeps what came", _pull),
    "rm": Command("rm MODEL [--yes]", "remove a model from the server's disk", _rm, True),
    "cp": Command("cp MODEL NEW", "give a model a second name", _cp, True),
    "load": Command("load MODEL", "bring a model into memory now", _load, True),
    "unload": Command("unload MODEL", "take a model out of memory", _unload, True),
    "use": Command("use MODEL", "the model of this kernel's prompts", _use, True),
    "host": Command("host URL", "the server of this kernel's prompts", _host),
    "chats": Command("chats [WORDS]", "the stored chats, or those that hold the words", _chats),
    "set": Command("set [NAME=VALUE ...]", "options and settings of this kernel", _set),
    "reset": Command("reset", "forget the conversation and what was chosen", _reset),
    "doctor": Command("doctor", "check every part, with its remedy", _doctor),
    "help": Command("help [WORDS]", "find a command, an option or a setting", _help),
}
