"""What an administrator allows the sidebar to do, and the words when it does not."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from traitlets import Bool, Int, List, Unicode
from traitlets.config import Configurable

from ollama_lab import hosts, models
from ollama_lab.errors import Forbidden, PromptTooLong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ollama_lab.hosts import Host

_ASK = "Ask whoever runs this Jupyter server."


class Administration(Configurable):
    """Switches for the sidebar. They bind no one who has a kernel: that talks to any host.

    To hold everybody, put an authenticating proxy or a network policy before Ollama.
    """

    hosts_allowed = List(
        Unicode(),
        help="The only hosts that may be used, written as OLLAMA_HOST is; empty allows the one "
        "that the settings lead to, whichever it is. The embedded engine is governed by "
        "OllamaLab.allow_engine.",
    ).tag(config=True)
    models_allowed = List(
        Unicode(),
        help="The only models that may be used, as names or patterns such as 'qwen3:*'; empty "
        "allows all.",
    ).tag(config=True)
    can_pull = Bool(default_value=True, help="Whether models may be pulled and copied.").tag(
        config=True
    )
    can_delete = Bool(default_value=True, help="Whether models may be deleted.").tag(config=True)
    largest_prompt_characters = Int(
        2_000_000,
        min=0,
        help="Longest message with everything attached to it, in characters; 0 is no limit.",
    ).tag(config=True)
    streams_per_user = Int(
        8,
        min=0,
        help="Most answers that are written at once on this Jupyter server, which is one "
        "user's; 0 is no limit.",
    ).tag(config=True)
    fixed_context_tokens = Int(
        0,
        min=0,
        help="The one context window of all chats, in tokens: another one makes Ollama load the "
        "model anew, for everybody. 0 lets each chat choose.",
    ).tag(config=True)
    read_only = Bool(
        default_value=False,
        help="Whether chats and models can only be looked at: nothing is asked, stored or changed.",
    ).tag(config=True)

    @property
    def may_pull(self) -> bool:
        """Whether models may be pulled and copied."""
        return self.can_pull and not self.read_only

    @property
    def may_delete(self) -> bool:
        """Whether models may be deleted."""
        return self.can_delete and not self.read_only

    def allows_model(self, name: str) -> bool:
        """Whether a model may be used, by any form of its name."""
        return not self.models_allowed or any(
            _matches(name, pattern) for pattern in self.models_allowed
        )

    def allowed(self, listed: Iterable[models.Model]) -> list[models.Model]:
        """Keep the models that may be used."""
        return [model for model in listed if self.allows_model(model.name)]

    # ------------------------------------------------------------ refusals

    def check_change(self) -> None:
        """Refuse whatever asks, stores or changes, where only looking is allowed."""
        if self.read_only:
            raise Forbidden("This Jupyter server only lets you look (read_only).", hint=_ASK)

    def check_pull(self) -> None:
        """Refuse pulls and copies where they are not allowed."""
        self.check_change()
        if not self.can_pull:
            raise Forbidden("Models cannot be pulled from here (can_pull is off).", hint=_ASK)

    def check_delete(self) -> None:
        """Refuse to delete models where that is not allowed."""
        self.check_change()
        if not self.can_delete:
            raise Forbidden("Models cannot be deleted from here (can_delete is off).", hint=_ASK)

    def check_model(self, name: str) -> None:
        """Refuse a model that may not be used."""
        if not self.allows_model(name):
            allowed = ", ".join(self.models_allowed)
            raise Forbidden(f"Model '{name}' is not allowed here.", hint=f"Allowed are: {allowed}.")

    def check_host(self, host: Host) -> None:
        """Refuse a host that may not be used."""
        if host.is_embedded or not self.hosts_allowed:
            return
        if host.url not in {hosts.parse(text)[0] for text in self.hosts_allowed}:
            allowed = ", ".join(self.hosts_allowed)
            raise Forbidden(
                f"{host.url} ({host.why}) is not a host that is allowed here.",
                hint=f"Allowed are: {allowed}.",
            )

    def check_prompt(self, characters: int) -> None:
        """Refuse a message that is longer than allowed."""
        most = self.largest_prompt_characters
        if most and characters > most:
            raise PromptTooLong(
                f"The message has {characters:,} characters; {most:,} are the most here.",
                hint="Shorten it, or attach the part that matters.",
            )


def _matches(name: str, pattern: str) -> bool:
    folded = models.normalize(name).casefold()
    if any(sign in pattern for sign in "*?["):
        return fnmatch.fnmatchcase(folded, pattern.casefold())
    return models.same(name, pattern)
