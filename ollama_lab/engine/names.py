"""Names of models, read and written as Ollama does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ollama_lab.engine.failure import EngineError

HOST, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
_MOST_PARTS = 3
# Ollama's types/model/name.go: first character a letter, digit or "_"; no dot in a namespace.
_RULES = {
    "host": re.compile(r"\w[\w.:-]{0,349}", re.ASCII),
    "namespace": re.compile(r"\w[\w-]{0,79}", re.ASCII),
    "model": re.compile(r"\w[\w.-]{0,79}", re.ASCII),
    "tag": re.compile(r"\w[\w.-]{0,79}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A model's full name: ``host/namespace/model:tag``."""

    host: str
    namespace: str
    model: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Name:
        """Read a name as a person writes it; what is left out is filled in.

        >>> Name.parse("llama3.2").full
        'registry.ollama.ai/library/llama3.2:latest'
        >>> Name.parse("http://127.0.0.1:5000/me/tiny:v1").host
        '127.0.0.1:5000'

        Raises
        ------
        EngineError
            ``invalid model name``, status 400.
        """
        rest = text.strip().rpartition("://")[2]
        tag = TAG
        if rest.rfind(":") > rest.rfind("/"):
            rest, _, tag = rest.rpartition(":")
        parts = rest.split("/")
        if len(parts) > _MOST_PARTS:
            raise EngineError("invalid model name", 400)
        host, namespace, model = [*[HOST, NAMESPACE][: _MOST_PARTS - len(parts)], *parts]
        name = cls(host, namespace, model, tag)
        if not all(_is_part(getattr(name, key), rule) for key, rule in _RULES.items()):
            raise EngineError("invalid model name", 400)
        return name

    @property
    def path(self) -> Path:
        """Where its manifest lies below ``manifests/``."""
        return Path(self.host, self.namespace, self.model, self.tag)

    @property
    def full(self) -> str:
        """The long form, which Ollama uses in some of its errors."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def short(self) -> str:
        """The form people see: default host and namespace hidden, the tag always there.

        >>> Name.parse("tiny").short, Name.parse("hf.co/me/tiny").short
        ('tiny:latest', 'hf.co/me/tiny:latest')
        """
        if self.host != HOST:
            return self.full
        if self.namespace != NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    @property
    def key(self) -> str:
        """What two names are compared by: Ollama ignores case."""
        return self.full.lower()

    @property
    def is_cloud(self) -> bool:
        """Whether the name asks for a model that runs on ollama.com."""
        return self.tag == "cloud" or self.tag.endswith("-cloud")


def _is_part(part: str, rule: re.Pattern[str]) -> bool:
    # ".." would leave the store's folder.
    return rule.fullmatch(part) is not None and ".." not in part
