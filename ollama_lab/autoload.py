"""Load the magics in every kernel, by one startup file of ours that IPython finds.

IPython runs the files of two ``startup`` directories, one of the environment and one of the
user. A file of our own is written there; nobody else's file is ever opened for writing.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ollama_lab.errors import BadUsage, Forbidden

FILE_NAME = "50-ollama-lab.py"
HEADER = "# Written by 'ollama-lab autoload on'. Remove it with: ollama-lab autoload off\n"

# The user's directory serves every environment, also those without ollama_lab: there it is silent.
_TEXT = (
    HEADER
    + """
def _load_ollama_lab(shell):
    from importlib.util import find_spec

    if find_spec("ollama_lab"):
        shell.extension_manager.load_extension("ollama_lab")


_load_ollama_lab(get_ipython())
del _load_ollama_lab
"""
)


@dataclass(frozen=True, slots=True)
class Place:
    """A startup directory of IPython.

    Parameters
    ----------
    scope : str
        Whose kernels it reaches: ``"environment"`` or ``"user"``.
    file : Path
        Our file in it, whether it exists or not.
    """

    scope: str
    file: Path

    @property
    def is_on(self) -> bool:
        """Whether the file is there and ours."""
        return _is_ours(self.file)


def places() -> tuple[Place, Place]:
    """Name the two places, the environment's first.

    Raises
    ------
    BadUsage
        IPython is not installed here, so there are no kernels to load anything in.
    """
    try:
        from IPython.paths import get_ipython_dir
    except ImportError as exc:
        raise BadUsage(
            "IPython is not installed in this environment, so it has no kernels.",
            hint="Install it with: pip install 'ollama-lab[jupyter]'",
        ) from exc
    return (
        Place("environment", Path(sys.prefix, "etc", "ipython", "startup", FILE_NAME)),
        Place("user", Path(get_ipython_dir(), "profile_default", "startup", FILE_NAME)),
    )


def switch_on(scope: str | None = None) -> Place:
    """Write the startup file.

    Parameters
    ----------
    scope : str, optional
        ``"environment"`` or ``"user"``; without it the environment where it may be written,
        else the user.

    Returns
    -------
    Place
        Where it was written.

    Raises
    ------
    Forbidden
        The directory cannot be written, or holds a file of that name that is not ours.
    """
    environment, user = places()
    if scope is None:
        scope = "environment" if os.access(sys.prefix, os.W_OK) else "user"
    place = environment if scope == "environment" else user
    _write(place.file)
    return place


def switch_off() -> list[Place]:
    """Remove what `switch_on` wrote, in both places.

    Returns
    -------
    list of Place
        Where a file was removed; empty where none was.

    Raises
    ------
    Forbidden
        A file of ours is in a directory that cannot be written.
    """
    removed = [place for place in places() if place.is_on]
    for place in removed:
        try:
            place.file.unlink()
        except OSError as exc:
            raise Forbidden(
                f"{place.file} cannot be removed: {exc.strerror}.",
                hint="Remove it as the user who owns it.",
            ) from exc
        if place.scope == "environment":
            _remove_empty(place.file.parent)
    return removed


def _is_ours(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.readline() == HEADER
    except (OSError, UnicodeDecodeError):
        return False


def _write(file: Path) -> None:
    if file.exists() and not _is_ours(file):
        raise Forbidden(
            f"{file} exists and was not written by ollama-lab.",
            hint="Move it away, then run the command again.",
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_TEXT, encoding="utf-8")
    except OSError as exc:
        raise Forbidden(
            f"{file} cannot be written: {exc.strerror}.",
            hint="Write to your own profile with: ollama-lab autoload on --user",
        ) from exc


def _remove_empty(directory: Path) -> None:
    """Remove the directories of the environment that `switch_on` had to make."""
    for emptied in (directory, directory.parent, directory.parent.parent):
        try:
            emptied.rmdir()
        except OSError:
            return
