"""The bytes of a file that the user named, or one sentence that says why not."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path

from .errors import BadUsage


def read_bytes(path: str | os.PathLike[str], *, limit_bytes: int) -> bytes:
    """Read a regular file that is not too long.

    Parameters
    ----------
    path : str or PathLike
        As typed; ``~`` is the home directory, the rest is relative to the working directory.
    limit_bytes : int
        What is longer is refused before it is read.

    Raises
    ------
    BadUsage
        Missing, a directory, a device, not readable, or too long.
    """
    shown = os.fspath(path)
    try:
        place = Path(path).expanduser()
        _check_kind(place, shown)
        with place.open("rb") as file:
            # Files in /proc say that they have 0 bytes, so the limit holds while reading.
            data = file.read(limit_bytes + 1)
            size = max(os.fstat(file.fileno()).st_size, len(data))
    except FileNotFoundError as exc:
        raise BadUsage(f"There is no file {shown!r}.", hint=_where_to_look(place)) from exc
    except PermissionError as exc:
        raise BadUsage(
            f"You may not read {shown!r}.",
            hint="Change its permissions or copy it to a place of yours.",
        ) from exc
    except (OSError, ValueError, RuntimeError) as exc:  # a NUL in the name; ~nobody
        said = getattr(exc, "strerror", None) or str(exc)
        raise BadUsage(f"{shown!r} cannot be read: {said}.", hint="Name another file.") from exc
    if size > limit_bytes:
        raise BadUsage(
            f"{shown!r} has {_megabytes(size)}; the limit is {_megabytes(limit_bytes)}.",
            hint="Read the part that matters in Python and put it into the prompt as {name}.",
        )
    return data


def _check_kind(place: Path, shown: str) -> None:
    mode = place.stat().st_mode
    if stat.S_ISDIR(mode):
        raise BadUsage(f"{shown!r} is a directory.", hint="Name a file in it.")
    # Opening a pipe waits for a writer, and a device may never end.
    if not stat.S_ISREG(mode):
        raise BadUsage(f"{shown!r} is not a regular file.", hint="Copy what it gives into one.")


def _where_to_look(place: Path) -> str:
    try:
        names = os.listdir(place.parent)  # noqa: PTH208 (names are compared, no paths are needed)
    except OSError:
        return f"Paths start at {Path.cwd()}."
    near = difflib.get_close_matches(place.name, names, n=1)
    return f"Near it is {near[0]!r}." if near else f"Paths start at {Path.cwd()}."


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
