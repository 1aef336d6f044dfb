"""Where a link may lead, and how that is written so that every parser reads the same."""

from __future__ import annotations

import html
import re

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_ODD = re.compile(r"[^\w\-./:?#@!&=+,;%~]|@(?=@)|(?<=[fF][tT][pP]):(?=//)")
DESTINATION = re.compile(
    r"""\]\(\s*
    (?P<to><[^<>\n]*>|[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*){0,8})
    (?:\s+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?\s*\)""",
    re.VERBOSE,
)
DEFINITION = re.compile(
    r"""(?P<mark>[ \t>]{0,12})\[(?P<label>(?:[^\[\]\\]|\\.){1,300})\]:[ \t]*
    (?P<to><[^<>\n]*>|[^\s<>]+)
    (?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*""",
    re.VERBOSE,
)
AUTOLINK = re.compile(
    r"<(?:(?P<url>(?:https?://|mailto:)[^\s<>]{1,2000})|(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+))>",
    re.IGNORECASE,
)


def address(written: str) -> str | None:
    """Canonical form of a link's destination; None for one that is not to be followed."""
    told = html.unescape(ESCAPED.sub(r"\1", written.removeprefix("<").removesuffix(">")))
    if _SAFE_ADDRESS.fullmatch(told) is None:
        return None
    return _ODD.sub(_percent, told).replace("&", "&amp;")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
