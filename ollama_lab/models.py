"""What a model is: the server's tags, ps and show as one value, and which one is the default.

No I/O: a client asks, this module understands the answers.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ollama_lab.errors import BadUsage, Forbidden, ModelNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REGISTRY, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
#: The model that comes with the embedded engine: it shows the pipeline, it knows nothing.
DEMO = "demo:latest"

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,79}")
_NAMESPACE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,79}")
_HOST_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,349}")


def normalize(name: str) -> str:
    """Return a model's name as the server lists it: defaults hidden, tag shown.

    The rules are Ollama's (types/model/name.go): ``[host/][namespace/]model[:tag]``.

    Raises
    ------
    BadUsage
        The name breaks these rules.

    Examples
    --------
    >>> normalize("llama3.2"), normalize("me/tiny:v1"), normalize("hf.co/u/r:Q4_0")
    ('llama3.2:latest', 'me/tiny:v1', 'hf.co/u/r:Q4_0')
    >>> normalize("registry.ollama.ai/library/qwen3:0.6b")
    'qwen3:0.6b'
    """
    rest = re.sub(r"^[a-z]+://", "", name.strip())
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        path, tag = rest, TAG
    parts = path.split("/")
    rules = [_HOST_PART, _NAMESPACE_PART, _PART][-len(parts) :]
    if len(parts) > 3 or not all(  # noqa: PLR2004 (host, namespace, model)
        rule.fullmatch(part) for rule, part in zip([*rules, _PART], [*parts, tag], strict=True)
    ):
        raise BadUsage(
            f"'{name}' is no model name.", hint="Names look like llama3.2, qwen3:0.6b or me/tiny:v1"
        )
    host, namespace, model = ([REGISTRY, NAMESPACE][: 3 - len(parts)] + parts)[:3]
    shown = [part for part in (host,) if part != REGISTRY]
    shown += [namespace] if shown or namespace != NAMESPACE else []
    return "/".join([*shown, model]) + ":" + tag


def same(one: str, other: str) -> bool:
    """Whether two names mean one model: names compare without case.

    >>> same("Llama3.2", "llama3.2:latest"), same("a b", "a b"), same("a b", "a")
    (True, True, False)
    """
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    # A server's list may hold names that Ollama itself would not take; they are themselves.
    try:
        return normalize(name).casefold()
    except BadUsage:
        return name.casefold()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory; ``expires_at`` None means never, sizes in bytes."""

    size_bytes: int
    gpu_bytes: int
    expires_at: datetime | None
    context_tokens: int | None

    @property
    def gpu_share(self) -> float:
        """Share of the model on the GPU, 0 to 1."""
        return self.gpu_bytes / self.size_bytes if self.size_bytes else 0.0

    @property
    def where(self) -> str:
        """``CPU``, ``GPU`` or ``60% GPU, 40% CPU``."""
        percent = round(100 * self.gpu_share)
        if percent in (0, 100):
            return "GPU" if percent else "CPU"
        return f"{percent}% GPU, {100 - percent}% CPU"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of one server.

    ``capabilities`` are Ollama's words (completion, tools, thinking, vision, insert, embedding),
    None where the server does not say; ``tags`` can lack some that ``show`` has.
    ``parameters`` are the model's own defaults for options, ``license`` is its first sentence.
    """

    name: str
    digest: str = ""
    size_bytes: int = 0
    modified_at: datetime | None = None
    family: str = ""
    parameter_size: str = ""
    quantization: str = ""
    context_length: int | None = None
    capabilities: frozenset[str] | None = None
    remote_host: str = ""
    loaded: Loaded | None = None
    parameters: Mapping[str, Any] | None = None
    system: str = ""
    architecture: str = ""
    license: str = ""
    template: str = ""

    @property
    def runs_elsewhere(self) -> bool:
        """Whether prompts leave the machine: a cloud model behind a local name."""
        tag = self.name.rpartition(":")[2]
        return bool(self.remote_host) or tag == "cloud" or tag.endswith("-cloud")

    @property
    def is_demo(self) -> bool:
        """Whether this is the engine's demonstration model."""
        return self.name == DEMO

    @property
    def can_chat(self) -> bool:
        """Whether it writes text; believed where an old server does not say."""
        if self.capabilities is not None:
            return "completion" in self.capabilities
        return "bert" not in self.family and "embed" not in self.name

    def can(self, capability: str) -> bool | None:
        """Whether it has a capability; None where the server does not say."""
        return None if self.capabilities is None else capability in self.capabilities


# ---------------------------------------------------------------- from the wire


def from_tags(reply: Mapping[str, Any]) -> list[Model]:
    """Read the reply of ``/api/tags``, newest first as the server has it."""
    return [_listed(entry) for entry in reply.get("models") or ()]


def _listed(entry: Mapping[str, Any]) -> Model:
    details = entry.get("details") or {}
    told = entry.get("capabilities")
    return Model(
        name=entry.get("name") or entry.get("model") or "",
        digest=entry.get("digest") or "",
        size_bytes=int(entry.get("size") or 0),
        modified_at=_time(entry.get("modified_at")),
        family=details.get("family") or "",
        parameter_size=details.get("parameter_size") or "",
        quantization=details.get("quantization_level") or "",
        context_length=details.get("context_length"),
        capabilities=None if told is None else frozenset(told),
        remote_host=entry.get("remote_host") or "",
    )


def from_ps(reply: Mapping[str, Any]) -> dict[str, Loaded]:
    """Read the reply of ``/api/ps``: the models in memory, by name."""
    return {
        entry.get("name") or entry.get("model") or "": Loaded(
            size_bytes=int(entry.get("size") or 0),
            gpu_bytes=int(entry.get("size_vram") or 0),
            expires_at=_expiry(entry.get("expires_at")),
            context_tokens=entry.get("context_length"),
        )
        for entry in reply.get("models") or ()
    }


def with_loaded(listed: Iterable[Model], loaded: Mapping[str, Loaded]) -> list[Model]:
    """Join tags and ps."""
    return [replace(model, loaded=loaded.get(model.name)) for model in listed]


def from_show(name: str, reply: Mapping[str, Any], listed: Model | None = None) -> Model:
    """Read the reply of ``/api/show``, which decides about capabilities."""
    base = listed or _listed({"name": name, "details": reply.get("details")})
    info = reply.get("model_info") or {}
    trained = info.get(f"{info.get('general.architecture')}.context_length")
    told = reply.get("capabilities")
    return replace(
        base,
        context_length=int(trained) if trained else base.context_length,
        capabilities=base.capabilities if told is None else frozenset(told),
        remote_host=reply.get("remote_host") or base.remote_host,
        parameters=_parameters(reply.get("parameters") or ""),
        system=reply.get("system") or "",
        architecture=str(info.get("general.architecture") or ""),
        license=_first_sentence(reply.get("license")),
        template=reply.get("template") or "",
    )


def _first_sentence(text: Any) -> str:
    r"""Give the first sentence of a license, which is at most its first paragraph.

    >>> _first_sentence("\n   Apache License\n   Version 2.0, January 2004\n\n   TERMS")
    'Apache License Version 2.0, January 2004'
    >>> _first_sentence("Free to use. Not to sell.")
    'Free to use.'
    """
    if not isinstance(text, str):
        return ""
    paragraph = re.split(r"\n[ \t]*\n", text.strip(), maxsplit=1)[0]
    return re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()), maxsplit=1)[0][:300]


def _parameters(text: str) -> dict[str, Any]:
    r"""Read show's text of parameters: a name, blanks, a value; ``stop`` may come repeatedly.

    >>> _parameters('num_ctx      512\nstop    "@@"\nstop    "##"')
    {'num_ctx': 512, 'stop': ['@@', '##']}
    """
    found: dict[str, Any] = {}
    for line in text.split("\n"):
        name, _, value = line.strip().partition(" ")
        value = value.strip()
        if name == "stop":
            found.setdefault("stop", []).append(value.strip('"'))
        elif name and value:
            found[name] = _number(value)
    return found


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text.strip('"'))


#: ``keep_alive: -1`` is an expiry about 292 years ahead.
_FOREVER_YEAR = 2100


def _expiry(text: Any) -> datetime | None:
    when = _time(text)
    return None if when is None or when.year >= _FOREVER_YEAR else when


def _time(text: Any) -> datetime | None:
    """Read RFC 3339 with up to nine digits of a second; Python takes six."""
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


# ---------------------------------------------------------------- the choice


@dataclass(frozen=True, slots=True)
class Choice:
    """The model a prompt goes to, and why this one."""

    name: str
    why: str


def choose(listed: Sequence[Model], *, allow_remote: bool = False) -> Choice:
    """Choose the default where nobody named a model.

    A loaded chat model (of several the one that expires last), else the newest chat model; never
    an embedding model, never one that runs elsewhere unless that is allowed, never `demo` where
    there is another.

    Raises
    ------
    ModelNotFound
        The server has no chat model.
    """
    able = [m for m in listed if m.can_chat and (allow_remote or not m.runs_elsewhere)]
    real = [m for m in able if not m.is_demo] or able
    if not real:
        raise ModelNotFound(
            "The server has no chat model.", hint="Pull one with: %ollama pull llama3.2:1b"
        )
    if in_memory := [m for m in real if m.loaded]:
        return Choice(max(in_memory, key=_expires_last).name, "in memory")
    if len(real) == 1:
        return Choice(real[0].name, "the only one here")
    newest = max(real, key=lambda m: m.modified_at or datetime.min.replace(tzinfo=UTC))
    return Choice(newest.name, "the newest here")


def _expires_last(model: Model) -> datetime:
    never = datetime.max.replace(tzinfo=UTC)
    return never if model.loaded is None else model.loaded.expires_at or never


def find(name: str, listed: Sequence[Model]) -> Model | None:
    """Return the listed model of this name, whatever its case."""
    return next((model for model in listed if same(name, model.name)), None)


def nearest(name: str, listed: Iterable[Model]) -> list[str]:
    """Return up to three listed names that a person may have meant.

    A name without a tag is compared with names without theirs: ``lama3`` is near ``llama3:latest``.
    """
    wanted = name.casefold()
    stem = _stem(wanted)
    forms: dict[str, list[str]] = {}
    for model in listed:
        folded = model.name.casefold()
        forms.setdefault(_stem(folded) if wanted == stem else folded, []).append(model.name)
    near = difflib.get_close_matches(wanted, forms, n=3, cutoff=0.6)
    near += [form for form in forms if _stem(form) == stem and form not in near]
    return [full for form in near for full in forms[form]][:3]


def _stem(name: str) -> str:
    path, slash, last = name.rpartition("/")
    return path + slash + last.partition(":")[0]


def refuse_remote(model: Model, *, allow_remote: bool) -> None:
    """Let nothing leave the machine unasked.

    Raises
    ------
    Forbidden
        The model runs elsewhere and the settings do not allow that.
    """
    if model.runs_elsewhere and not allow_remote:
        where = model.remote_host or "another machine"
        raise Forbidden(
            f"Model '{model.name}' runs elsewhere ({where}): your prompt would leave this machine.",
            hint="Allow it with: %ollama set allow_remote_models=true",
        )
