"""What Markdown must look like to be unable to act, said a second time and in another way.

`complaints` reads the text; `acting` reads what two parsers make of it, with raw HTML let through.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import mistune
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"(`{3,})[\w+#.-]*")
_OWN_TAGS = re.compile(r"</?(?:code|pre)>|<span>&#(?:36|92);</span>")
_LINK = re.compile(r"\]\((?:https?://|mailto:)[^\s()<>\"'`\\$\[\]{}]*\)", re.IGNORECASE)
_DEFINITION = re.compile(r"^[ \t>]*\[.+\]: (?:https?://|mailto:)[^\s()<>\"'`\\$]*$", re.IGNORECASE)
_BRACES = r"\{(?:[^{}\\]|\\.)*\}"
_NESTED = rf"\{{(?:[^{{}}\\]|\\.|{_BRACES})*\}}"
_FORMULA = re.compile(rf"(\$\$?)(?!\$)(?:[^${{}}\\]|\\.|{_NESTED})+?\1")
_RULES = {
    "tag": re.compile("<"),
    "image": re.compile(r"!\["),
    "link": re.compile(r"\]\("),
    "definition": re.compile(r"\]:"),
    "backslash": re.compile(r"\\"),
    "dollar": re.compile(r"\$"),
    "control": re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    ),
}
_IN_FORMULAS = re.compile(
    r"[<\"`\n]|\\(?:href|url|style|class|cssId|unicode|require|bbox|data|mmlToken|html\w*|def|let|newcommand)\b"
)
_ALLOWED = {
    **dict.fromkeys(
        [
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "li",
            "blockquote",
            "pre",
            "em",
            "strong",
            "del",
            "s",
            "br",
            "hr",
            "table",
            "thead",
            "tbody",
            "tr",
            "span",
        ],
        "",
    ),
    "a": "href",
    "code": "class",
    "ol": "start",
    "td": "style align",
    "th": "style align",
}
_TARGET = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_MARKDOWN_IT = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_MISTUNE = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])


def complaints(markdown: str) -> list[str]:
    """Say what in the text could act."""
    prose = list(_outside_fences(markdown))
    return [said for line in prose for said in _in_line(line)]


def _outside_fences(markdown: str) -> Iterator[str]:
    lines = [*markdown.split("\n"), ""]
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if fence is None:
            yield lines[at]
            at += 1
            continue
        end = lines.index(fence[1], at + 1)
        assert at == 0 or not lines[at - 1].strip(), "a fence follows text"
        assert not lines[end + 1].strip(), "text follows a fence"
        at = end + 1


def _in_line(line: str) -> Iterator[str]:
    formulas = [found[0].strip("$") for found in _FORMULA.finditer(line)]
    yield from (f"formula: {tex}" for tex in formulas if _IN_FORMULAS.search(tex))
    rest = (
        ""
        if _DEFINITION.match(line)
        else _FORMULA.sub("·", _OWN_TAGS.sub("·", _LINK.sub("·", line)))
    )
    yield from (f"{name}: {line}" for name, rule in _RULES.items() if rule.search(rest))
    if "ftp://" in line.lower():  # in an address as well: marked reads one in mid-word
        yield f"ftp: {line}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ALLOWED:
            self.acting.append(f"<{tag}>")
        self.acting += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name not in _ALLOWED.get(tag, "").split()
            or (name == "href" and not _TARGET.match(value or ""))
        ]

    def handle_comment(self, data: str) -> None:
        self.acting.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.acting.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.acting.append(f"<?{data}")

    def unknown_decl(self, data: str) -> None:
        self.acting.append(f"<![{data}")


def acting(markdown: str) -> list[str]:
    """Name the elements and attributes, in what two parsers make of the text, that could act."""
    reader = _Reader()
    reader.feed(_MARKDOWN_IT.render(markdown))
    reader.feed(str(_MISTUNE(markdown)))
    reader.close()
    return reader.acting
