r"""A model's Markdown -> Markdown that cannot act, wherever it is rendered.

JupyterLab trusts the output of a cell that was just run: the HTML in it is inserted as it stands,
mermaid is drawn, MathJax typesets what looks like LaTeX. So what goes out holds nothing that could
act, and holds it in a form on which no two renderers can disagree:

* outside code every ``<`` is ``&lt;``; the only tags are our own ``<code>``, ``<pre>`` and ``<span>``;
* code keeps its characters in one place only, a fence at the left margin between blank lines, longer
  than any run of backticks in it; wherever else code holds a sign that means something, it is written
  as ``<code>`` with every such sign a numeric entity, which is text to every parser;
* a destination is http, https or mailto, with everything odd in it percent-encoded;
* formulas are one line, with no ``<``, no quote (JupyterLab puts formulas back into the HTML after
  the Markdown parser: a quote there could leave an attribute) and no command that acts; a dollar or
  backslash of the prose is a ``<span>`` of its own, so that MathJax does not pair it.

No Markdown parser is used: which of them will render is not known, and what is written must be safe
in each. A scanner that never looks further than one line (for a displayed formula, one paragraph) also
costs the same per character whatever was written.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace

__all__ = ["LiveMarkdown", "escape", "sanitize", "visible"]

# One line of text is looked at in parts of this many characters at most.
_PART = 8192
# A construct that opens and does not close within this many characters is text.
_REACH = 2048
# After this many constructs that did not close, the rest of a line is text: keeps the work linear.
_MISSES = 48
_FORMULA_LINES = 64

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


# ---------------------------------------------------------------- addresses

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_ODD = re.compile(r"[^\w\-./:?#@!&=+,;%~]|@(?=@)")
_DESTINATION = re.compile(
    r"""\]\(\s*
    (?P<to><[^<>\n]*>|[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*){0,8})
    (?:\s+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?\s*\)""",
    re.VERBOSE,
)
_DEFINITION = re.compile(
    r"""(?P<mark>[ \t>]{0,12})\[(?P<label>(?:[^\[\]\\]|\\.){1,300})\]:[ \t]*
    (?P<to><[^<>\n]*>|[^\s<>]+)
    (?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*""",
    re.VERBOSE,
)
_AUTOLINK = re.compile(
    r"<(?:(?P<url>(?:https?://|mailto:)[^\s<>]{1,2000})|(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+))>",
    re.IGNORECASE,
)


def _address(written: str) -> str | None:
    """Canonical form of a link's destination; None for one that is not to be followed."""
    told = html.unescape(_ESCAPED.sub(r"\1", written.removeprefix("<").removesuffix(">")))
    if _SAFE_ADDRESS.fullmatch(told) is None:
        return None
    return _ODD.sub(_percent, told).replace("&", "&amp;")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))


# ---------------------------------------------------------------- formulas

# Commands that link, load, style, name, hide, or change what later formulas mean (MathJax, KaTeX).
_ACTIVE = frozenset(
    """href url class cssid style data unicode require mmltoken bbox includegraphics toggle mathtip
    texttip mathtoolsset setoptions def edef gdef xdef let futurelet global long newcommand
    renewcommand providecommand newenvironment renewenvironment newtagform renewtagform usetagform
    newcolumntype newextarrow definecolor csname endcsname input include write openout special
    catcode char loop htmlclass htmlid htmlstyle htmldata""".split()  # noqa: SIM905 (reads better)
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_DECLARES = re.compile(r"declare|html|new[a-km-z]|renew|provide")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_STEP = re.compile(r"\\.|[{}$\n]", re.DOTALL)
_ENVIRONMENT = re.compile(
    r"\\begin\{((?:align|alignat|gather|flalign|multline|equation|eqnarray)\*?|aligned|gathered|split|cases"
    r"|array|[bBpvV]?(?:small)?matrix)\}"
)
# Signs that would mean something to a parser that does not see the formula.
_TAMED = (
    ("<=>", "⇌"),  # mhchem reads this arrow in \ce{}; in mathematics it is the same statement
    ("<", r"\lt "),
    ('"', "”"),
    ("`", "‘"),
    ("](", "] ("),
    ("]:", "] :"),
    ("![", "! ["),
    ("://", ": //"),
    ("www.", "www ."),
)


def _formula(source: str) -> str | None:
    """TeX on one line that is inert to Markdown and HTML; None where it is no whole formula."""
    tex = " ".join(_COMMENT.sub("", source).split())
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        tex = tex.replace(entity, sign)
    for sign, tame in _TAMED:
        tex = tex.replace(sign, tame)
    tex = re.sub(r"&(?=[A-Za-z#])", "& ", tex)
    return tex if tex and _is_balanced(tex) else None


def _is_balanced(tex: str) -> bool:
    """Whether JupyterLab, which counts braces, ends this formula where we do."""
    depth = 0
    for step in _STEP.finditer(tex):
        depth += {"{": 1, "}": -1}.get(step[0], 0)
        if depth < 0 or (step[0] == "$" and depth == 0):
            return False
    return depth == 0 and not tex.endswith("\\")


def _acts(tex: str) -> bool:
    names = (name.lower() for name in _COMMAND.findall(tex))
    return any(name in _ACTIVE or _DECLARES.match(name) for name in names)


# ---------------------------------------------------------------- one line of prose

# First the character, then what follows it: `re` skips to a set of characters fast, but not to a
# choice of words.
_SIGN = re.compile(
    r"""[<&$\\`\]!~:wW>\-*+\[_](?:
      (?<=[<&$\\`])
    | (?<=\])[(:]
    | (?<=!)\[
    | (?<=:)(?://|:{2,})
    | (?<=[xX][mM][pP][pP]:)
    | (?<=[wW])[wW]{2}\.
    | (?<=~)~{2,}
    | (?<=>)(?:[ \t]*>){15,}
    | (?<=[-*+])[ \t](?:[ \t]*[-*+][ \t]){16,}
    | (?<=\[)\[{11,}
    | (?<=[*_])[*_]{23,}
    )""",
    re.VERBOSE,
)
_TICKS = re.compile("`+")
_SPACE = re.compile(r"\s")
_ALT = re.compile(r"!\[([^\[\]\\\n]{0,500})(?=\]\()")
_LITERAL = {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "$": "<span>&#36;</span>",
    "\\": "<span>&#92;</span>",
}


class _Unclosed(Exception):  # noqa: N818 (a signal between two functions here, not an error)
    """A displayed formula opens on this line and may close on a later one."""

    def __init__(self, closer: str) -> None:
        super().__init__(closer)
        self.closer = closer


def _literal(text: str) -> str:
    """Signs that stand for themselves, in a form that means nothing."""
    return "".join(
        _LITERAL.get(sign) or (f"&#{ord(sign)};" if ord(sign) < 0xA1 else sign)  # noqa: PLR2004 (ASCII)
        for sign in text
    )


class _Line:
    """One pass over a part of a line; `run` gives its safe form."""

    def __init__(
        self, text: str, *, is_whole: bool = True, may_open: bool = False, in_url: bool = False
    ) -> None:
        self.text = text
        self.is_whole = is_whole
        self.may_open = may_open
        self.out: list[str] = []
        self.at = 0
        self.misses = 0
        self.url_from = 0 if in_url else -1
        self.is_row = text.lstrip().startswith("|")

    def run(self) -> str:
        text, out = self.text, self.out
        while (match := _SIGN.search(text, self.at)) is not None:
            start = match.start()
            out.append(text[self.at : start])
            self.at = start + len(match[0])
            out.append(self._safe(match[0], start))
        out.append(text[self.at :])
        return "".join(out)

    def _safe(self, sign: str, start: int) -> str:  # noqa: PLR0911 (a table of cases)
        match sign:
            case "<":
                return self._autolink(start)
            case "&":
                return self._entity(start)
            case "$":
                return self._dollar(start)
            case "\\":
                return self._backslash(start)
            case "`":
                return self._code(start)
            case "](":
                return self._link(start)
            case "]:":
                return "]&#58;"
            case "![":
                return self._image(start)
        if sign[0] in "wW" or sign == "://":
            self.url_from = start
            is_ftp = self.text[max(start - 3, 0) : start].lower() == "ftp"
            return "&#58;//" if is_ftp else sign
        return _literal(sign)

    def _find(self, closer: str, start: int) -> int:
        """Where the closer stands on this line, or -1; each miss is counted."""
        if self.misses > _MISSES:
            return -1
        found = self.text.find(closer, start, start + _REACH)
        if found < 0:
            self.misses += 1
        return found

    def in_url(self, start: int) -> bool:
        """Whether a bare address runs up to here: a formula there would land in an attribute."""
        if self.url_from < 0 or _SPACE.search(self.text, self.url_from, start) is not None:
            self.url_from = -1
            return False
        self.url_from = start
        return True

    def _autolink(self, start: int) -> str:
        match = _AUTOLINK.match(self.text, start)
        if match is None:
            return "&lt;"
        to = _address(match["url"] or f"mailto:{match['mail']}")
        if to is None:
            return "&lt;"
        self.at = match.end()
        return f"[{escape(match['url'] or match['mail'])}]({to})"

    def _entity(self, start: int) -> str:
        match = _ENTITY.match(self.text, start)
        told = html.unescape(match[0]) if match else ""
        if match is None or told == match[0]:
            return "&amp;"
        self.at = match.end()
        return _literal(visible(told))

    def _code(self, start: int) -> str:
        text = self.text
        ticks = _TICKS.match(text, start)
        assert ticks is not None
        self.at = ticks.end()
        length = len(ticks[0])
        if self.misses > _MISSES:
            return "&#96;" * length
        stop = text.find("\n", self.at)
        stop = min(self.at + _REACH, len(text) if stop < 0 else stop)
        for closing in _TICKS.finditer(text, self.at, stop):
            if len(closing[0]) == length and not text.startswith("`", closing.end()):
                content = text[self.at : closing.start()]
                self.at = closing.end()
                return self._code_span(text[start : self.at], content)
        self.misses += 1
        return "&#96;" * length

    def _code_span(self, written: str, content: str) -> str:
        """Code as it was written where that can only be code, else as an element."""
        after_role = "".join(self.out[-1:]).endswith("}")  # MyST runs {role}`content`
        if (
            _SIGN.search(content) is None
            and "|" not in content
            and "@@" not in content
            and not after_role
        ):
            return written
        if self.is_row:
            content = content.replace("\\|", "|")
        if content.startswith(" ") and content.endswith(" ") and content.strip():
            content = content[1:-1]
        return f"<code>{escape(content)}</code>"

    def _link(self, start: int) -> str:
        if self.misses > _MISSES:
            return "&#93;("
        match = _DESTINATION.match(self.text, start, start + _REACH)
        to = _address(match["to"]) if match else None
        if match is None or to is None:
            self.misses += 1
            return "&#93;("
        self.at = match.end()
        is_bare = "".join(self.out[-2:]).endswith("[")
        return f"{escape(html.unescape(to)) if is_bare else ''}]({to})"

    def _image(self, start: int) -> str:
        """An image is a link to it: showing it would fetch it."""
        match = _ALT.match(self.text, start)
        if match is None:
            return "&#33;["
        return "[" if match[1].strip() else "[image"

    def _dollar(self, start: int) -> str:
        if self.in_url(start):
            return "%24"
        if self.text.startswith("$$", start):
            return self._displayed(start, "$$", start + 2)
        end = self._end_of_inline(start + 1)
        content = self.text[start + 1 : end]
        if end < 0 or not _reads_as_formula(content, self.text[end + 1 : end + 2]):
            return _LITERAL["$"]
        return self._typeset(start, content, end + 1, "$")

    def _end_of_inline(self, start: int) -> int:
        if self.misses > _MISSES:
            return -1
        depth = 0
        for step in _STEP.finditer(self.text, start, start + _REACH):
            if step[0] == "\n":
                break
            if step[0] == "$" and depth <= 0:
                return step.start()
            depth += {"{": 1, "}": -1}.get(step[0], 0)
        self.misses += 1
        return -1

    def _displayed(self, start: int, closer: str, inside: int) -> str:
        """A formula on display, from its opener at `start`; its content begins at `inside`."""
        end = self._find(closer, inside)
        if end < 0:
            if self.may_open and self.misses <= _MISSES:
                raise _Unclosed(closer)
            self.at = start + 1
            return _LITERAL[self.text[start]]
        if closer.startswith("\\end"):
            return self._typeset(
                start, self.text[start : end + len(closer)], end + len(closer), "$$"
            )
        return self._typeset(start, self.text[inside:end], end + len(closer), "$$")

    def _typeset(self, start: int, content: str, end: int, mark: str) -> str:
        tex = _formula(content)
        if tex is None:
            self.misses += 1
            self.at = start + 1
            return _LITERAL[self.text[start]]
        self.at = end
        if _acts(tex):
            return f"<code>{escape(' '.join(self.text[start:end].split()))}</code>"
        return f"{mark}{tex}{mark}"

    def _backslash(self, start: int) -> str:
        text = self.text
        following = text[start + 1 : start + 2]
        if self.in_url(start):
            return "%5C"
        if following == "(" and (end := self._find("\\)", start + 2)) >= 0:
            if "\n" not in text[start:end]:
                return self._typeset(start, text[start + 2 : end], end + 2, "$")
        elif following == "[":
            return self._displayed(start, "\\]", start + 2)
        elif (begin := _ENVIRONMENT.match(text, start)) is not None:
            return self._displayed(start, f"\\end{{{begin[1]}}}", begin.end())
        if following == "\n" or (not following and self.is_whole):
            return "  "  # a hard line break, in its other form
        if _ESCAPED.match(text, start) is None:
            return _LITERAL["\\"]
        self.at = start + 2
        return _literal(following)


def _reads_as_formula(content: str, following: str) -> bool:
    """Tell ``$x$`` from ``$5 and $6``, by the rule of Pandoc and GitHub, a little more generous.

    >>> [_reads_as_formula(*case) for case in [("x", " "), ("5 and ", "6"), (" x_1 ", "")]]
    [True, False, True]
    """
    if not content.strip() or following.isdigit():
        return False
    return content == content.strip() or re.search(r"[\\^_=]", content) is not None


# ---------------------------------------------------------------- blocks

_LANGUAGES = frozenset(
    """ada apl asm assembly awk bash bat batch bibtex c c# c++ cc clj clojure cmake cobol coffeescript
    conf console cpp cs csharp css csv cuda cython d dart diff docker dockerfile elixir elm erlang f#
    fish fortran fsharp gherkin go golang gql graphql groovy h haskell hcl hpp hs html http ini java
    javascript jl jq js json json5 jsonc jsonl jsx julia kotlin kt latex less lisp log lua makefile
    markdown matlab md mysql nginx nim nix none objc objective-c ocaml octave pascal patch perl php
    pl plain plaintext postgresql powershell prolog properties proto protobuf ps1 py pycon python
    python3 qml r rb regex rest rst ruby rs rust sas sass scala scheme scss sed sh shell smalltalk
    solidity sql sqlite stata stylus swift systemverilog tcl terraform tex text toml ts tsv tsx txt
    typescript vb vbnet verilog vhdl vim vue wasm xml xquery yaml yml zig zsh""".split()  # noqa: SIM905 (reads better)
)
_MARKS = r"[ \t]*(?:(?:>|[-*+]|[0-9]{1,9}[.)])[ \t]+|>)*"
_OPENER = re.compile(rf"(?P<prefix>{_MARKS})(?P<run>`{{3,}}|~{{3,}})(?P<info>[^\n]{{0,400}})")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)")
_ANY_ITEM = re.compile(r"^[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)", re.MULTILINE)
_INDENTED = re.compile(r"^(?: {4}| {0,3}\t)", re.MULTILINE)
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_BLANK = re.compile(r"^[ \t]*$", re.MULTILINE)
_BREAK = re.compile(r"\s|[^\x00-\x7f](?=[^\x00-\x7f])")


@dataclass(slots=True)
class _Fence:
    """Code between two fences, open until its second one comes."""

    prefix: str  # what stands before the first one: indentation, marks of quotes and items
    run: str
    language: str
    body: list[str] = field(default_factory=list)
    encoded: list[str] = field(default_factory=list)
    is_tame: bool = True  # holds no sign with a meaning, so that it may stand anywhere as it is

    def takes(self, line: str) -> str | None:
        """The line without what belongs to the quote and the item; None when the quote has ended."""
        for _ in range(self.prefix.count(">")):
            mark = re.match(r"[ \t]{0,3}>[ \t]?", line)
            if mark is None:
                return None
            line = line[mark.end() :]
        indent = len(self.prefix.rpartition(">")[2])
        return line[min(indent, len(line) - len(line.lstrip(" \t"))) :]

    def is_closed_by(self, line: str) -> bool:
        """Whether a line, as `takes` gave it, is the second fence."""
        if line.startswith("    "):
            return False
        bare = line.strip(" \t")
        return len(bare) >= len(self.run) and not bare.strip(self.run[0])

    def add(self, line: str) -> None:
        self.body.append(line)
        if self.prefix:
            self.is_tame = self.is_tame and _SIGN.search(line) is None and "@@" not in line
            self.encoded.append(escape(line))

    def extend(self, text: str) -> None:
        """Take more of the last line."""
        self.body[-1] += text
        if self.prefix:
            self.is_tame = self.is_tame and _SIGN.search(text) is None
            self.encoded[-1] += escape(text)

    def branch(self) -> _Fence:
        return replace(self, body=[*self.body], encoded=[*self.encoded])

    def markdown(self) -> str:
        if not self.prefix:
            return _fenced(self.language, self.body)
        rest = re.sub(r"[^>\t]", " ", self.prefix)
        if self.is_tame:
            lines = [
                f"{self.prefix}```{self.language}",
                *(rest + line for line in self.body),
                f"{rest}```",
            ]
            return "\n".join(lines) + "\n"
        return f"{self.prefix}<pre><code>{'&#10;'.join(self.encoded)}</code></pre>\n"


def _fenced(language: str, body: list[str]) -> str:
    code = "\n".join(body)
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}\n" if body else f"{fence}{language}\n{fence}\n"


@dataclass(slots=True)
class _Blocks:
    """Lines in, safe Markdown out; knows what is open between two lines."""

    out: list[str] = field(default_factory=list)
    fence: _Fence | None = None
    indented: list[str] | None = None
    formula: list[str] | None = None
    closer: str = ""
    may_open: bool = True  # no displayed formula has failed to close in this paragraph
    after_blank: bool = True
    in_list: bool = False
    owes_blank: bool = False  # a fence was written: a blank line must come before anything else
    in_mid_line: bool = False
    in_url: bool = False  # a part of a line ended in a bare address

    def branch(self) -> _Blocks:
        """Copy this, so that the unfinished rest can be told to the copy."""
        return replace(
            self,
            out=[],
            fence=self.fence and self.fence.branch(),
            indented=self.indented and [*self.indented],
            formula=self.formula and [*self.formula],
        )

    def lines(self, text: str) -> None:
        """Take whole lines, each with its end."""
        if self._is_plain(text):
            self._plain(text)
            return
        for line in text.split("\n")[:-1]:
            self.line(self.parts(line))

    def parts(self, line: str) -> str:
        """Take as much of a long line as can be taken before its end; give the rest."""
        while len(line) >= _PART:
            cut = _cut(line)
            self._part(line[:cut])
            line = line[cut:]
        return line

    def line(self, line: str) -> None:
        """Take one whole line, or the rest of one, without its end."""
        if self.in_mid_line:
            self.in_mid_line = False
            self._continue(line, is_whole=True)
        elif self.fence is not None:
            self._in_fence(self.fence, line)
        elif self.formula is not None:
            self._in_formula(self.formula, line)
        elif self.indented is not None:
            self._in_indented(self.indented, line)
        else:
            self._fresh(line)

    def close(self) -> None:
        """End what is still open, as a renderer would at the end of the text."""
        if self.fence is not None:
            self._end_fence(self.fence)
        if self.formula is not None:
            self._give_up(self.formula)
        if self.indented is not None:
            self._end_indented(self.indented)

    def _is_plain(self, text: str) -> bool:
        is_open = self.in_mid_line or self.fence or self.indented or self.formula
        if is_open or _SIGN.search(text) or _INDENTED.search(text):
            return False
        return len(text) < _PART or max(map(len, text.split("\n"))) < _PART

    def _plain(self, text: str) -> None:
        """Take lines that hold no sign: nearly all of an answer in prose comes this way."""
        self._write(text)
        if self.in_list or _ANY_ITEM.search(text):
            for line in text.split("\n")[:-1]:
                self._follow(line)
        self.may_open = self.may_open or _BLANK.search(text[:-1]) is not None
        self.after_blank = not text[:-1].rpartition("\n")[2].strip(" \t")

    def _part(self, text: str) -> None:
        if self.in_mid_line:
            self._continue(text, is_whole=False)
            return
        if self.formula is not None:
            self._give_up(self.formula)
        self.in_mid_line = True
        if self.fence is not None:
            self._in_fence(self.fence, text)
        elif self.indented is not None:
            self._in_indented(self.indented, text)
        else:
            self._fresh(text)

    def _continue(self, text: str, *, is_whole: bool) -> None:
        if self.fence is not None:
            self.fence.extend(text)
        elif self.indented is not None:
            self.indented[-1] += text
        else:
            self._write_prose(text, is_whole=is_whole)

    def _fresh(self, line: str) -> None:
        opener = _OPENER.fullmatch(line) if len(line) < _PART // 2 else None
        if opener and not (opener["run"][0] == "`" and "`" in opener["info"]):
            self._open_fence(opener)
        elif not line.strip(" \t"):
            self._blank(line)
        elif self.after_blank and not self.in_list and _INDENTED.match(line):
            self.indented = [line]
        else:
            self._prose(line)

    def _blank(self, line: str) -> None:
        self._write(line + "\n")
        self.after_blank = True
        self.may_open = True

    def _prose(self, line: str) -> None:
        self._follow(line)
        definition = _DEFINITION.fullmatch(line)
        to = _address(definition["to"]) if definition else None
        if definition and to and not self.in_mid_line:
            label = _Line(definition["label"]).run()
            self._write(f"{definition['mark']}[{label}]: {to}\n")
            return
        self._write_prose(line, is_whole=not self.in_mid_line)

    def _write_prose(self, text: str, *, is_whole: bool) -> None:
        line = _Line(
            text, is_whole=is_whole, may_open=is_whole and self.may_open, in_url=self.in_url
        )
        try:
            safe = line.run()
        except _Unclosed as opened:
            self.formula = [text]
            self.closer = opened.closer
            return
        self.in_url = not is_whole and line.in_url(len(text))
        self._write(safe + ("\n" if is_whole else _seam(text)))

    def _follow(self, line: str) -> None:
        """Note whether a list is open after this line, which is no code."""
        if not line.strip(" \t"):
            self.after_blank = True
            return
        if _ITEM.match(line):
            self.in_list = True
        elif self.after_blank and not line.startswith((" ", "\t")):
            self.in_list = False
        self.after_blank = False

    def _write(self, text: str) -> None:
        if self.owes_blank and not text.startswith("\n"):
            self.out.append("\n")
        self.owes_blank = False
        self.out.append(text)

    def _open_fence(self, opener: re.Match[str]) -> None:
        word = re.match(r"\s*([^\s{]*)", opener["info"])
        language = word[1].lower() if word else ""
        prefix = opener["prefix"]
        if not self.in_list and not prefix.strip(" ") and len(prefix) < 4:  # noqa: PLR2004 (Markdown's rule)
            prefix = ""
        self.fence = _Fence(prefix, opener["run"], language if language in _LANGUAGES else "")

    def _in_fence(self, fence: _Fence, line: str) -> None:
        content = fence.takes(line)
        if content is None:
            self._end_fence(fence)
            self._fresh(line)
        elif fence.is_closed_by(content) and not self.in_mid_line:
            self._end_fence(fence)
        else:
            fence.add(content)

    def _end_fence(self, fence: _Fence) -> None:
        self.fence = None
        if fence.prefix:
            self._follow(fence.prefix + "x")
            self._write(fence.markdown())
        else:
            self._write_fence(fence.markdown())

    def _write_fence(self, fence: str) -> None:
        """Write a fence at the margin between blank lines: every parser sees the same code there."""
        if not self.after_blank or self.owes_blank:
            self.out.append("\n")
        self.out.append(fence)
        self.in_list = False
        self.owes_blank = True
        self.after_blank = True
        self.may_open = True

    def _in_indented(self, body: list[str], line: str) -> None:
        if not line.strip(" \t") or _INDENTED.match(line):
            body.append(line)
        else:
            self._end_indented(body)
            self._fresh(line)

    def _end_indented(self, body: list[str]) -> None:
        self.indented = None
        while not body[-1].strip(" \t"):
            body.pop()
        self._write_fence(_fenced("", [_INDENTED.sub("", line, count=1) for line in body]))

    def _in_formula(self, lines: list[str], line: str) -> None:
        if not line.strip(" \t") or _OPENER.fullmatch(line) or len(lines) >= _FORMULA_LINES:
            self._give_up(lines)
            self.line(line)
            return
        lines.append(line)
        if self.closer not in line:
            return
        rest = [_QUOTE.sub("", line, count=1) for line in lines[1:]]
        safe = _Line("\n".join([lines[0], *rest])).run()
        if "\n" in safe:
            self._give_up(lines)
            return
        self.formula = None
        self._write(safe + "\n")

    def _give_up(self, lines: list[str]) -> None:
        """Take the lines of a formula that did not close as text."""
        self.formula = None
        self.may_open = False
        for line in lines:
            self.line(line)


def _cut(line: str) -> int:
    """Where a long line may be cut with nothing that means something going through the cut."""
    cut = _PART
    for match in _BREAK.finditer(line, _PART // 2, _PART):
        cut = match.end()
    return cut


def _seam(part: str) -> str:
    """What keeps two parts apart: a space where neither a space nor a letter beyond ASCII does."""
    return "" if part[-1].isspace() or not part[-1].isascii() else " "


# ---------------------------------------------------------------- the doors


class LiveMarkdown:
    """Safe Markdown of an answer while it comes; each line is handled once."""

    def __init__(self) -> None:
        self._blocks = _Blocks()
        self._fed: list[str] = []
        self._rest = ""  # the line that has not ended, or what of it no part has been made of
        self._safe: list[str] = []

    def feed(self, text: str) -> None:
        """Take the next piece, cut anywhere."""
        self._fed.append(text)

    def markdown(self) -> str:
        """Give safe Markdown of everything so far, with what is still open closed.

        At the end it equals `sanitize` of the whole text.
        """
        self._advance()
        rest = self._rest + visible("".join(self._fed))
        end = self._blocks.branch()
        if rest or end.in_mid_line:
            end.line(rest)
        end.close()
        whole = "".join([*self._safe, *end.out])
        return whole.removesuffix("\n") if rest or self._blocks.in_mid_line else whole

    def _advance(self) -> None:
        fed = "".join(self._fed)
        self._fed.clear()
        if fed.endswith("\r"):  # the other half of a line end may follow
            fed = fed[:-1]
            self._fed.append("\r")
        lines, newline, self._rest = (self._rest + visible(fed)).rpartition("\n")
        if newline:
            self._blocks.lines(lines + newline)
        self._rest = self._blocks.parts(self._rest)
        self._safe = ["".join([*self._safe, *self._blocks.out])]
        self._blocks.out.clear()


def sanitize(markdown: str) -> str:
    """Turn Markdown that a model wrote into Markdown that cannot act.

    Parameters
    ----------
    markdown : str
        What the model wrote, word for word.

    Returns
    -------
    str
        Markdown that looks as it was meant: raw HTML is shown as text, images are links, links go
        to http, https and mailto only, diagrams are code, formulas hold no command that acts.
    """
    live = LiveMarkdown()
    live.feed(markdown)
    return live.markdown()
