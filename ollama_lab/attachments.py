"""What a user attaches to a prompt: files as text, pictures, values of the notebook.

The parts are `read_file` and `as_prompt` here, `read_image` (`images`) and `render` (`values`).
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import BadUsage
from .files import read_bytes
from .images import Image, looks_like_image, read_image
from .values import render

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

__all__ = ["Attachment", "Image", "as_prompt", "read_file", "read_image", "render"]

# About a million tokens: more than the window of any local model.
TEXT_BYTES = 4_000_000
# Notebooks are mostly outputs, which are left out.
NOTEBOOK_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it goes into a prompt.

    Parameters
    ----------
    name : str
        The name of the file, without its directory.
    text : str
        Its text; of a notebook, its cells.
    """

    name: str
    text: str = field(repr=False)


def read_file(path: str | os.PathLike[str]) -> Attachment:
    """Read a text file of up to 4 MB, or a notebook of up to 50 MB as its cells without outputs.

    Raises
    ------
    BadUsage
        The file is missing, not readable, too long, or not text.
    """
    name = Path(path).name
    is_notebook = name.lower().endswith(".ipynb")
    data = read_bytes(path, limit_bytes=NOTEBOOK_BYTES if is_notebook else TEXT_BYTES)
    text = _decoded(data, name)
    return Attachment(name, _cells(text, name) if is_notebook else text)


def _decoded(data: bytes, name: str) -> str:
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        if b"\0" in data or looks_like_image(data) or data.startswith(b"%PDF"):
            raise _binary(data, name) from exc
        raise BadUsage(
            f"{name!r} is not UTF-8 text: byte {exc.start:,} is 0x{data[exc.start]:02X}.",
            hint="Save it as UTF-8, or read it in Python with its own encoding and put it in as {name}.",
        ) from exc
    if "\0" in text or text.startswith("%PDF"):
        raise _binary(data, name)
    return text


def _binary(data: bytes, name: str) -> BadUsage:
    if looks_like_image(data):
        return BadUsage(f"{name!r} is an image, not text.", hint=f"Attach it with: --image {name}")
    return BadUsage(
        f"{name!r} is not a text file.",
        hint="Take its text out in Python and put it into the prompt as {name}.",
    )


def _cells(text: str, name: str) -> str:
    try:
        notebook: Any = json.loads(text)
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        return "\n\n".join(_cell(cell, str(language)) for cell in notebook["cells"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise BadUsage(
            f"{name!r} is not a notebook that can be read (format 4).",
            hint="Open it in Jupyter and save it, or attach a copy named .txt.",
        ) from exc


def _cell(cell: dict[str, Any], language: str) -> str:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return _fenced(text, language) if cell["cell_type"] == "code" else text


class Named(Protocol):
    """What goes into a prompt under its name: an `Attachment`, or one of a stored message."""

    @property
    def name(self) -> str:
        """The name of the file."""

    @property
    def text(self) -> str:
        """Its text."""


def as_prompt(attachments: Sequence[Named], text: str = "") -> str:
    """Write attachments, and then the prompt, as one text.

    Each is headed by its name and stands in a fence that nothing in it can close. Expand ``{name}``
    in the prompt first: what is in a file is sent as it is.

    Examples
    --------
    >>> print(as_prompt([Attachment("a.csv", "x,y")], "Sum x."))
    File `a.csv`:
    <BLANKLINE>
    ```csv
    x,y
    ```
    <BLANKLINE>
    Sum x.
    """
    return "\n\n".join((*_headed(attachments), *([text] if text else [])))


def _headed(attachments: Sequence[Named]) -> Iterator[str]:
    for attachment in attachments:
        name = re.sub(r"[`\s\x00-\x1f\x7f]+", " ", attachment.name)
        suffix = re.sub(r"\W", "", Path(name).suffix)
        language = "markdown" if suffix.lower() == "ipynb" else suffix
        yield f"File `{name}`:\n\n{_fenced(attachment.text, language)}"


def _fenced(text: str, language: str) -> str:
    runs = re.findall(r"`{3,}", text)
    fence = "`" * max(3, *(len(run) + 1 for run in runs)) if runs else "```"
    return f"{fence}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"
