"""The one place for settings: every door reads this Configurable.

For each trait the first found wins: a flag; ``%ollama set/use/host`` (this kernel only); the
door's own traitlets file; ``ollama_lab_config.py`` or ``.json`` on Jupyter's config path; the
environment (``OLLAMA_LAB_<TRAIT>``); the default.
"""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Dict, Float, Int, TraitError, Unicode, default, validate
from traitlets.config import Config, Configurable
from traitlets.config.loader import (
    DeferredConfig,
    DeferredConfigString,
    JSONFileConfigLoader,
    LazyConfigValue,
    PyFileConfigLoader,
)

from ollama_lab.errors import BadUsage
from ollama_lab.options import Value, check_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traitlets import TraitType

CONFIG_FILE = "ollama_lab_config"
_ENVIRONMENT = "OLLAMA_LAB_"
#: Settings whose values no message and no table shows.
SECRET = frozenset({"api_key", "headers"})
_CONTEXT_STEP = 256
#: Ollama's durations are Go's; a bare number is seconds.
_DURATION = re.compile(r"-?\d+(\.\d+)?|-?((\d+(\.\d+)?)(ns|us|µs|ms|s|m|h))+")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[!-~]([\t -~]*[!-~])?")
_KINDS: tuple[tuple[type[TraitType[Any, Any]], str], ...] = (
    (Bool, "true or false"),
    (Int, "a whole number"),
    (Float, "a number"),
    (Dict, 'a dict such as {"temperature": 0.2}'),
    (Unicode, "text"),
)
_SWITCHES = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


class OllamaLab(Configurable):
    """Settings of ollama-lab; make one with `load`."""

    host = Unicode(
        help="Where Ollama answers, as OLLAMA_HOST is written; empty means OLLAMA_HOST, then "
        "localhost:11434, then the embedded engine.",
    ).tag(config=True)
    model = Unicode(
        help="The model of prompts that name none; empty means the one in memory, else the newest.",
    ).tag(config=True)
    system = Unicode(help="The system prompt where a prompt gives none.").tag(config=True)
    options = Dict(
        help="Model options sent with every prompt, such as {'temperature': 0.2}.",
    ).tag(config=True)
    context_tokens = Int(
        8192,
        help="The context window (num_ctx) in tokens, a multiple of 256, where neither a flag nor "
        "the model's own PARAMETER num_ctx says otherwise. Another value than the one in memory "
        "makes the server load the model anew, for everybody.",
    ).tag(config=True)
    keep_alive = Unicode(
        help="How long a model stays in memory after an answer, such as 10m, or -1 for ever; "
        "empty leaves it to the server.",
    ).tag(config=True)
    allow_remote_models = Bool(
        default_value=False,
        help="Whether models that run on another company's machines may be used.",
    ).tag(config=True)
    allow_probe = Bool(
        help="Whether localhost:11434 is tried where no host is set. Off under JupyterHub: another "
        "user of the machine may own that port.",
    ).tag(config=True)
    allow_engine = Bool(
        help="Whether the embedded engine is started where no Ollama answers. Off under "
        "JupyterHub: an engine a user takes the memory of all.",
    ).tag(config=True)
    api_key = Unicode(
        help="Bearer key, sent only to the host of the setting or of OLLAMA_HOST; default "
        "OLLAMA_API_KEY.",
    ).tag(config=True)
    headers = Dict(help="Extra headers for that host, such as a proxy's.").tag(config=True)
    ca_file = Unicode(help="Certificates (PEM) that an https host is checked with.").tag(
        config=True
    )
    verify_tls = Bool(
        default_value=True, help="Whether an https host's certificate is checked at all."
    ).tag(config=True)
    connect_seconds = Float(3.0, help="Longest wait for a connection, in seconds.").tag(config=True)
    first_byte_seconds = Float(
        0.0,
        help="Longest wait for an answer's first byte, in seconds; 0 waits for ever. Loading a "
        "model and reading a long prompt take minutes on a small machine.",
    ).tag(config=True)
    idle_seconds = Float(
        120.0, help="Longest silence inside an answer, in seconds; 0 waits for ever."
    ).tag(config=True)
    expand = Bool(default_value=True, help="Whether {name} in a prompt stands for a variable.").tag(
        config=True
    )
    show_thinking = Bool(
        default_value=True, help="Whether a model's thinking is shown, folded."
    ).tag(config=True)
    save_thinking = Bool(
        default_value=True, help="Whether thinking stays in the saved notebook."
    ).tag(config=True)
    tool_rounds = Int(
        8, help="How often a model may call tools before it has to answer without them."
    ).tag(config=True)
    tool_seconds = Float(
        120.0, help="Time for all tools of one answer, in seconds; 0 sets no limit."
    ).tag(config=True)
    ask_before_tools = Bool(
        default_value=False, help="Whether you are asked before each call of a tool."
    ).tag(config=True)
    table_rows = Int(20, help="Rows of a DataFrame that go into a prompt.").tag(config=True)
    image_pixels = Int(
        1024, help="Longest side of an image that goes into a prompt, in pixels."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        #: Trait name to the words that say where its value came from.
        self.sources: dict[str, str] = {}

    @default("allow_probe")
    def _allow_probe_default(self) -> bool:
        return not _under_jupyterhub()

    @default("allow_engine")
    def _allow_engine_default(self) -> bool:
        return not _under_jupyterhub()

    @default("api_key")
    def _api_key_default(self) -> str:
        # A key that was read from a file ends with a newline.
        return _checked_key(os.environ.get("OLLAMA_API_KEY", ""), "OLLAMA_API_KEY")

    @validate("api_key")
    def _check_api_key(self, proposal: Any) -> str:
        return _checked_key(proposal["value"], "api_key")

    @validate("headers")
    def _check_headers(self, proposal: Any) -> dict[str, str]:
        for name, value in proposal["value"].items():
            if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
                raise BadUsage(f"headers has {name!r}, which is no name of a header.")
            if not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
                raise BadUsage(f"headers has no plain text for {name}.")
        return dict(proposal["value"])

    @validate("ca_file")
    def _check_ca_file(self, proposal: Any) -> str:
        path: str = proposal["value"]
        return os.path.expanduser(path)  # noqa: PTH111 (an empty one stays empty)

    @validate("keep_alive")
    def _check_keep_alive(self, proposal: Any) -> str:
        text = str(proposal["value"]).strip()
        if text and not _DURATION.fullmatch(text):
            raise BadUsage(f"keep_alive is {text!r}; it takes a time such as 10m, or -1 for ever.")
        return text

    @validate("context_tokens")
    def _check_context_tokens(self, proposal: Any) -> int:
        tokens = int(proposal["value"])
        if tokens < _CONTEXT_STEP:
            raise BadUsage(f"context_tokens is {tokens}; it goes from {_CONTEXT_STEP} up.")
        return -(-tokens // _CONTEXT_STEP) * _CONTEXT_STEP

    @validate("options")
    def _check_options(self, proposal: Any) -> dict[str, Value]:
        return check_all(proposal["value"])

    @validate("connect_seconds", "first_byte_seconds", "idle_seconds")
    def _check_seconds(self, proposal: Any) -> float:
        if proposal["value"] < 0:
            name = proposal["trait"].name
            raise BadUsage(f"{name} is {proposal['value']:g}; it goes from 0 up.")
        return float(proposal["value"])

    @validate("table_rows", "image_pixels")
    def _check_count(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise BadUsage(f"{proposal['trait'].name} is {proposal['value']}; it goes from 1 up.")
        return int(proposal["value"])

    def set_from_text(self, name: str, text: str) -> None:
        """Set a trait from what a person typed, for this process only.

        Raises
        ------
        BadUsage
            No such setting, or a value it cannot take.
        """
        trait = self.traits(config=True).get(name)
        if trait is None:
            raise BadUsage(f"There is no setting '{name}'.", hint="See them with: %ollama help set")
        self._assign(name, trait, _from_text(name, trait, text))
        self.sources[name] = "%ollama set"

    def take(self, name: str, value: Any, source: str) -> None:
        """Set a trait from configuration, and remember where its value stands.

        Parameters
        ----------
        source : str
            Where that is, in words; the message of an error ends with them.

        Raises
        ------
        BadUsage
            A value the setting cannot take.
        """
        trait = self.traits(config=True).get(name)
        if trait is None:
            # A newer version's setting in a shared file must not stop an older one.
            warnings.warn(f"ollama-lab has no setting '{name}' ({source}).", stacklevel=2)
            return
        if isinstance(value, LazyConfigValue):
            value = value.get_value(getattr(self, name))
        try:
            if isinstance(value, DeferredConfig):
                value = _from_text(name, trait, str(value))
            self._assign(name, trait, value)
        except BadUsage as exc:
            where = source if exc.message.startswith(name) else f"{name}: {source}"
            raise BadUsage(f"{exc.message.removesuffix('.')} ({where}).", hint=exc.hint) from exc
        self.sources[name] = source

    def _assign(self, name: str, trait: TraitType[Any, Any], value: Any) -> None:
        try:
            setattr(self, name, value)
        except TraitError as exc:
            raise _cannot_take(name, trait, value) from _shown(name, exc)

    def reset(self, fresh: OllamaLab) -> None:
        """Forget what this process changed, for the values a new one has."""
        for name in self.traits(config=True):
            setattr(self, name, getattr(fresh, name))
        self.sources = dict(fresh.sources)


def load(parent: Configurable | None = None) -> OllamaLab:
    """Read the settings for a door.

    Parameters
    ----------
    parent : Configurable, optional
        The shell or the server application: its own config files win over ours.

    Raises
    ------
    BadUsage
        A value that a setting cannot take; the message names the setting and where it stands.
    """
    # Without the parent's configuration, which is the strongest layer and not the only one.
    settings = OllamaLab(parent=parent, config=Config())
    for source, section in _layers(parent):
        if not isinstance(section, Mapping):
            raise BadUsage(f"OllamaLab is no section of settings ({source}).")
        for name, value in section.items():
            settings.take(name, value, source)
    return settings


def _layers(parent: Configurable | None) -> Iterator[tuple[str, Any]]:
    """Yield the layers of configuration with their names, weakest first."""
    yield from _environment()
    yield from _files()
    if parent is not None:
        source = f"the configuration of {type(parent).__name__}"
        yield source, parent.config.get("OllamaLab", {})


def _environment() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in OllamaLab.class_traits(config=True):
        variable = _ENVIRONMENT + name.upper()
        if variable in os.environ:
            yield variable, {name: DeferredConfigString(os.environ[variable])}


def _files() -> Iterator[tuple[str, Any]]:
    for folder in reversed(_config_path()):
        for loader, ending in ((JSONFileConfigLoader, ".json"), (PyFileConfigLoader, ".py")):
            path = Path(folder) / (CONFIG_FILE + ending)
            if not path.is_file():
                continue
            try:
                found = loader(path.name, folder).load_config()
            except Exception as exc:  # a config file runs a person's own code
                raise BadUsage(f"{path} cannot be read: {type(exc).__name__}: {exc}.") from exc
            yield f"{path.name} in {folder}", found.get("OllamaLab", {})


def _config_path() -> list[str]:
    try:
        from jupyter_core.paths import jupyter_config_path
    except ImportError:  # without Jupyter there is no such path
        return [str(Path.home() / ".jupyter")]
    return list(jupyter_config_path())


def _under_jupyterhub() -> bool:
    return bool(os.environ.get("JUPYTERHUB_API_URL") or os.environ.get("JUPYTERHUB_USER"))


# ---------------------------------------------------------------- one value


def _from_text(name: str, trait: TraitType[Any, Any], text: str) -> Any:
    """Read a value that stands as text, such as a variable's."""
    if isinstance(trait, Unicode):
        return text
    try:
        if isinstance(trait, Bool):
            return _SWITCHES[text.strip().lower()]
        if isinstance(trait, Dict):
            return _dict(text)
        return trait.from_string(text)
    except (KeyError, ValueError, SyntaxError) as exc:
        raise _cannot_take(name, trait, text) from _shown(name, exc)


def _dict(text: str) -> Any:
    """Read JSON, or what Python writes for a dict."""
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(text.strip())


def _cannot_take(name: str, trait: TraitType[Any, Any], value: Any) -> BadUsage:
    kind = next((words for kind, words in _KINDS if isinstance(trait, kind)), "another value")
    if name in SECRET:
        return BadUsage(
            f"{name} has a value it cannot take; it takes {kind.partition(' such')[0]}."
        )
    return BadUsage(f"{name} is {value!r}; it takes {kind}.")


def _shown(name: str, exc: Exception) -> Exception | None:
    """Give the cause of an error, unless a traceback would show a secret with it."""
    return None if name in SECRET else exc


def _checked_key(text: str, where: str) -> str:
    key = text.strip()
    if key and not _HEADER_VALUE.fullmatch(key):
        raise BadUsage(f"{where} has a character that no key can have.")
    return key
