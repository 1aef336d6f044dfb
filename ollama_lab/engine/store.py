"""Ollama's model store on disk: manifests and blobs, in several roots.

The first root is ours and is written to; the others, such as an Ollama's ``~/.ollama/models``,
are only read. The layout is Ollama's own, so either program reads what the other one pulled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import platformdirs

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_PREFIX = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
#: Where a service install on Linux keeps its models; readable where its permissions allow.
_SERVICE_MODELS = "/usr/share/ollama/.ollama/models"


@dataclass(frozen=True, slots=True)
class Model:
    """One manifest: which blobs make up the model of this name."""

    name: Name
    path: Path
    root: Path
    manifest: dict[str, Any]
    digest: str

    def layers(self, kind: str) -> list[dict[str, Any]]:
        """Layers of one kind: ``model``, ``template``, ``system``, ``params``, ..."""
        return [one for one in self._layers if one.get("mediaType") == LAYER_PREFIX + kind]

    @property
    def blobs(self) -> list[str]:
        """Digests of all layers and of the config."""
        return [one["digest"] for one in [*self._layers, self.config_layer] if one.get("digest")]

    @property
    def config_layer(self) -> dict[str, Any]:
        """The layer with format, family and size; empty when there is none."""
        return dict(self.manifest.get("config") or {})

    @property
    def size_bytes(self) -> int:
        """All layers and the config together."""
        return sum(int(one.get("size", 0)) for one in [*self._layers, self.config_layer])

    @property
    def _layers(self) -> list[dict[str, Any]]:
        return list(self.manifest.get("layers") or [])


class Store:
    """Models on disk.

    Parameters
    ----------
    root : Path
        Our own store; made when something is written.
    readonly : Sequence[Path]
        Further stores; nothing is ever written to them.
    """

    def __init__(self, root: Path, readonly: Sequence[Path] = ()) -> None:
        self.root = Path(root)
        self.roots = [self.root, *map(Path, readonly)]

    def blob(self, digest: str) -> Path | None:
        """Path of a blob in any of the roots, or None."""
        for root in self.roots:
            path = root / "blobs" / f"sha256-{digest_hex(digest)}"
            if path.is_file():
                return path
        return None

    def own_blob(self, digest: str) -> Path:
        """Path where our own store keeps, or would keep, a blob; the folder is there."""
        path = self.root / "blobs" / f"sha256-{digest_hex(digest)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, data: bytes) -> str:
        """Store bytes as a blob and return their digest; a blob that is there stays."""
        digest = digest_of(data)
        if self.blob(digest) is None:
            with self.incoming(self.own_blob(digest)) as file:
                file.write(data)
        return digest

    @contextmanager
    def incoming(self, path: Path) -> Iterator[IO[bytes]]:
        """Write a file beside its place and move it there when all went well."""
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=".incoming-", delete=False
        ) as file:
            try:
                yield file
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise

    def find(self, text: str) -> Model | None:
        """Return the model of this name, or None; the first root that has it wins.

        Raises
        ------
        EngineError
            ``invalid model name``, status 400.
        """
        name = Name.parse(text)
        for root in self.roots:
            if model := _load(root, name):
                return model
        return next((one for one in self.list() if one.name.key == name.key), None)

    def get(self, text: str) -> Model:
        """Return the model of this name.

        Raises
        ------
        EngineError
            ``model 'NAME' not found``, status 404; ``invalid model name``, status 400.
        """
        if model := self.find(text):
            return model
        raise EngineError(f"model '{text}' not found", 404)

    def list(self) -> list[Model]:
        """All models, newest first; a name in an earlier root hides the same name in a later."""
        models: dict[str, Model] = {}
        for model in self._manifests():
            models.setdefault(model.name.key, model)
        return sorted(models.values(), key=_modified, reverse=True)

    def write_manifest(self, name: Name, raw: bytes) -> None:
        """Give a model its manifest, byte for byte; an older one is replaced."""
        path = self.root / "manifests" / name.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.incoming(path) as file:
            file.write(raw)

    def copy(self, model: Model, name: Name) -> None:
        """Give a model a second name in our own store; no blob is copied."""
        self.write_manifest(name, model.path.read_bytes())

    def delete(self, model: Model) -> None:
        """Delete a model, and those of its blobs that no other model needs.

        Raises
        ------
        EngineError
            Status 403: the model lies in a read-only store.
        """
        self.refuse_readonly(model)
        model.path.unlink()
        for folder in list(model.path.parents)[:3]:
            with suppress(OSError):  # not empty: another tag, model or namespace lives there
                folder.rmdir()
        self.drop_unused(model.blobs)

    def refuse_readonly(self, model: Model) -> None:
        """Raise where a model is not in our own store.

        Raises
        ------
        EngineError
            Status 403.
        """
        if model.root != self.root:
            raise EngineError(
                f"model '{model.name.short}' is in the read-only store {model.root} and stays "
                "there. Delete it with the Ollama that store belongs to.",
                403,
            )

    def drop_unused(self, digests: Sequence[str]) -> None:
        """Remove blobs of our own that no manifest in any root names."""
        used = {digest for model in self._manifests() for digest in model.blobs}
        for digest in set(digests) - used:
            self.own_blob(digest).unlink(missing_ok=True)

    def _manifests(self) -> Iterator[Model]:
        for root in self.roots:
            base = root / "manifests"
            for path in sorted(base.glob("*/*/*/*")):
                if path.name.startswith("."):
                    continue
                if model := _load(root, Name(*path.relative_to(base).parts)):
                    yield model


def digest_of(data: bytes) -> str:
    """Return the digest by which bytes are stored."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_hex(digest: str) -> str:
    """Return the 64 digits of ``sha256:...`` or ``sha256-...``.

    Raises
    ------
    EngineError
        ``invalid digest format``, status 400.
    """
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise EngineError("invalid digest format", 400)
    return match.group(1)


def default_store(environment: Mapping[str, str] = os.environ) -> Store:
    """Return the store of this user: our own, then what an Ollama keeps, then the demo model.

    ``OLLAMA_LAB_ENGINE_MODELS`` moves our own; ``OLLAMA_MODELS`` names one more to read.
    """
    own = environment.get("OLLAMA_LAB_ENGINE_MODELS") or Path(
        platformdirs.user_data_dir("ollama-lab", appauthor=False), "models"
    )
    others = [
        environment.get("OLLAMA_MODELS", ""),
        "~/.ollama/models",
        _SERVICE_MODELS,
        str(Path(__file__).with_name("demo")),
    ]
    paths = dict.fromkeys(Path(other).expanduser() for other in others if other)
    root = Path(own).expanduser()
    return Store(root, [path for path in paths if path != root and _is_store(path)])


def _is_store(path: Path) -> bool:
    return os.access(path / "manifests", os.R_OK | os.X_OK) and os.access(path / "blobs", os.R_OK)


def _load(root: Path, name: Name) -> Model | None:
    path = root / "manifests" / name.path
    try:
        raw = path.read_bytes()
        manifest = json.loads(raw)
    except (OSError, ValueError):
        return None  # gone meanwhile, or no manifest: Ollama skips these as well
    if not isinstance(manifest, dict):
        return None
    return Model(name, path, root, manifest, hashlib.sha256(raw).hexdigest())


def _modified(model: Model) -> float:
    try:
        return model.path.stat().st_mtime
    except OSError:
        return 0.0
