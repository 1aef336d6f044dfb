"""Every part that an answer needs, checked, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ollama_lab import errors, hosts, models, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ollama_lab.client import Client
    from ollama_lab.session import Session

#: Where an Ollama often is when it is not where one looked: beside a container, or on its host.
_OTHER_PLACES = (
    f"http://localhost:{hosts.PORT}",
    f"http://ollama:{hosts.PORT}",
    f"http://host.docker.internal:{hosts.PORT}",
    f"http://host.containers.internal:{hosts.PORT}",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is well, what was found, what to do."""

    what: str
    is_ok: bool
    found: str
    remedy: str = ""


def checks(session: Session, host_flag: str = "") -> Iterator[Check]:
    """Check everything, the cheap things first; never raises for what it finds.

    The embedded engine is not started for this: what it needs is looked at instead.
    """
    yield _python()
    yield from _engine(session)
    check, client = _server(session, host_flag)
    yield check
    if client is not None:
        for probe in (_version, _models):
            yield _guarded(probe, session, client, host_flag)
    yield from _proxies(session, host_flag)


def _python() -> Check:
    found = [f"Python {platform.python_version()} on {platform.system()}"]
    for package in ("ollama-lab", "ipython", "jupyterlab", "ipywidgets"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return Check("packages", is_ok=True, found=", ".join(found))


def _engine(session: Session) -> Iterator[Check]:
    if not session.settings.allow_engine:
        yield Check("embedded engine", is_ok=True, found="switched off (allow_engine)")
        return
    if not hosts.engine_installed():
        yield Check(
            "embedded engine",
            is_ok=True,
            found='not installed; needed only without an Ollama: pip install "ollama-lab[engine]"',
        )
        return
    from ollama_lab.engine.requirements import problems

    found = problems()
    for problem in found:
        yield Check("embedded engine", is_ok=False, found=problem.what, remedy=problem.remedy)
    if not found:
        yield Check("embedded engine", is_ok=True, found="can run on this machine")
        if sys.platform != "linux":
            yield Check("embedded engine", is_ok=True, found="has no memory limit on this system")


def _server(session: Session, host_flag: str) -> tuple[Check, Client | None]:
    """Look for the server without starting an engine; a client comes with one that answers."""
    settings = session.settings
    allowed, settings.allow_engine = settings.allow_engine, session.is_connected
    try:
        client = session.client(host_flag)
        client.version()
    except errors.OllamaLabError as exc:
        session.forget_host()
        if allowed and hosts.engine_installed() and not _is_set(session, host_flag):
            return Check("server", is_ok=True, found="no Ollama answers: the engine starts"), None
        return Check("server", is_ok=False, found=exc.message, remedy=_elsewhere(exc)), None
    finally:
        settings.allow_engine = allowed
    found = f"{client.host.url} ({client.host.why})"
    return Check("server", is_ok=True, found=found), client


def _is_set(session: Session, host_flag: str) -> bool:
    return bool(host_flag or session.settings.host or os.environ.get("OLLAMA_HOST"))


def _elsewhere(exc: errors.OllamaLabError) -> str:
    """Name the place where an Ollama does answer, if it is one of the usual ones."""
    for url in _OTHER_PLACES:
        if hosts.answers(url):
            return f"An Ollama answers at {url}: %ollama host {url}"
    return exc.hint


def _guarded(
    probe: Callable[[Session, Client, str], Check], session: Session, client: Client, flag: str
) -> Check:
    try:
        return probe(session, client, flag)
    except errors.OllamaLabError as exc:
        name = probe.__name__.removeprefix("_")
        return Check(name, is_ok=False, found=exc.message, remedy=exc.hint)


def _version(session: Session, client: Client, host_flag: str) -> Check:
    del session, host_flag
    version = client.version()
    if wire.release(version) >= wire.TRUNCATE_SINCE:
        return Check("version", is_ok=True, found=f"Ollama {version}")
    return Check(
        "version",
        is_ok=False,
        found=f"Ollama {version} cuts prompts that are too long without a word",
        remedy="Update it to 0.12.6 or newer.",
    )


def _models(session: Session, client: Client, host_flag: str) -> Check:
    listed = client.list()
    if not listed:
        return Check(
            "models",
            is_ok=False,
            found="the server has none",
            remedy="Pull one with: %ollama pull llama3.2:1b",
        )
    choice = session.default_model(host_flag)
    if choice.name == models.DEMO:
        return Check(
            "models",
            is_ok=True,
            found="only the demo model, which knows little: %ollama pull llama3.2:1b",
        )
    return Check(
        "models", is_ok=True, found=f"{len(listed)}, prompts go to {choice.name} ({choice.why})"
    )


def _proxies(session: Session, host_flag: str) -> Iterator[Check]:
    proxies = sorted(
        name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")
    )
    if not proxies:
        return
    try:
        # Where nobody said where the server is, it is on this machine.
        is_near = session.hosts.must_look(host_flag) or session.hosts.resolve(host_flag).is_near
    except errors.OllamaLabError:
        return
    use = "not used: the server is near" if is_near else "used for this host"
    yield Check("proxy", is_ok=True, found=f"{', '.join(proxies)}: {use}")
