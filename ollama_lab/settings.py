"""The one place for settings: every door reads this Configurable.

For each trait the first found wins: a flag; ``%ollama set/use/host`` (this kernel only); the
door's own traitlets file; ``ollama_lab_config.py`` or ``.json`` on Jupyter's config path; the
environment (``OLLAMA_LAB_<TRAIT>``); the default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Dict, Float, Int, TraitError, Unicode, default, validate
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from ollama_lab.errors import BadUsage
from ollama_lab.options import Value, check_all

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG_FILE = "ollama_lab_config"
_ENVIRONMENT = "OLLAMA_LAB_"
SECRET = frozenset({"api_key", "headers"})
_CONTEXT_STEP = 256


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
        return os.environ.get("OLLAMA_API_KEY", "")

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
        try:
            setattr(self, name, trait.from_string(text))
        except (TraitError, ValueError) as exc:
            kind = type(trait).__name__.lower()
            raise BadUsage(f"{name} is {text!r}; it takes a {kind} value.") from exc
        self.sources[name] = "%ollama set"

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
    merged, sources = Config(), {}
    for words, layer in _layers(parent):
        section = layer.get("OllamaLab", {})
        sources.update(dict.fromkeys(section, words))
        merged.merge(Config(OllamaLab=section))
    try:
        settings = OllamaLab(parent=parent, config=merged)
    except TraitError as exc:
        raise BadUsage(f"A setting has a value it cannot take: {exc}") from exc
    settings.sources = sources
    return settings


def _layers(parent: Configurable | None) -> Iterator[tuple[str, Config]]:
    """Yield the layers of configuration with their names, weakest first."""
    yield from _environment()
    yield from _files()
    if parent is not None:
        yield f"the configuration of {type(parent).__name__}", parent.config


def _environment() -> Iterator[tuple[str, Config]]:
    for name, trait in OllamaLab.class_traits(config=True).items():
        variable = _ENVIRONMENT + name.upper()
        text = os.environ.get(variable)
        if text is None:
            continue
        try:
            value = trait.from_string(text)
        except (TraitError, ValueError) as exc:
            shown = "a value" if name in SECRET else repr(text)
            raise BadUsage(f"{variable} is {shown} that its setting cannot take.") from exc
        yield variable, Config(OllamaLab={name: value})


def _files() -> Iterator[tuple[str, Config]]:
    for folder in reversed(_config_path()):
        for loader, ending in ((JSONFileConfigLoader, ".json"), (PyFileConfigLoader, ".py")):
            name = CONFIG_FILE + ending
            if not (Path(folder) / name).is_file():
                continue
            try:
                yield f"{name} in {folder}", loader(name, folder).load_config()
            except ConfigFileNotFound:
                continue
            except Exception as exc:  # a config file runs a person's own code
                raise BadUsage(f"{Path(folder) / name} cannot be read: {exc}.") from exc


def _config_path() -> list[str]:
    try:
        from jupyter_core.paths import jupyter_config_path
    except ImportError:  # without Jupyter there is no such path
        return [str(Path.home() / ".jupyter")]
    return list(jupyter_config_path())


def _under_jupyterhub() -> bool:
    return bool(os.environ.get("JUPYTERHUB_API_URL") or os.environ.get("JUPYTERHUB_USER"))
