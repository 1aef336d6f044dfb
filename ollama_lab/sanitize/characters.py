"""Single characters: those that act or hide, and those Markdown gives a meaning to."""

from __future__ import annotations

import re

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_ENDS = "\x85\u2028\u2029"


def visible(text: str) -> str:
    r"""Make characters that would act on a terminal, or hide, visible.

    >>> visible("a\x1b[31mb\r\n\x07 \x9b0m \u202ex \ud83d \u2028")
    'a␛[31mb\n␇ ␛[0m ‹U+202E›x � ␤'
    """
    if _UNSEEN.search(text) is None:
        return text
    return _UNSEEN.sub(_sign, text.replace("\r\n", "\n"))


def _sign(match: re.Match[str]) -> str:
    sign = match[0]
    code = ord(sign)
    if sign in _LINE_ENDS:
        return "␤"
    if code < 0x20:  # noqa: PLR2004 (C0: Unicode has a picture for each)
        return chr(0x2400 + code)
    if code == 0x7F:  # noqa: PLR2004 (DEL, likewise)
        return "␡"
    if code < 0xA0:  # noqa: PLR2004 (C1 is ESC and a letter in one)
        return "␛" + chr(code - 0x40)
    return f"‹U+{code:04X}›" if code < 0xD800 else "\ufffd"  # noqa: PLR2004 (first surrogate)


def escape(text: str) -> str:
    r"""Turn any text into HTML that shows it, which no Markdown parser takes for more.

    For text inside an element of ours; line ends become ``&#10;``, so it is one line.

    >>> escape("<b>\n**x**")
    '&#60;b&#62;&#10;&#42;&#42;x&#42;&#42;'
    """
    return _MEANING.sub(_numbered, visible(text))


# ASCII signs that some parser gives a meaning to in mid-line.
_MEANING = re.compile(r"[&<>\"'`*_~\[\]!|\\$@:{}\n]|(?<=www)\.", re.IGNORECASE)


def _numbered(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
