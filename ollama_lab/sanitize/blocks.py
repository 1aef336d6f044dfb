"""Lines in, safe Markdown out: what is open between two lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ollama_lab.sanitize.address import DEFINITION, address
from ollama_lab.sanitize.fence import INDENTED, LANGUAGES, OPENER, Fence, fenced
from ollama_lab.sanitize.line import SIGN, Line, Unclosed, literal

# One line of text is looked at in parts of this many characters at most.
_PART = 8192
_FORMULA_LINES = 64

_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)")
_ANY_ITEM = re.compile(r"^[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)", re.MULTILINE)
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_BLANK = re.compile(r"^[ \t]*$", re.MULTILINE)
# What needs a look at the start of a line: indented code, a bracket that does not close on its line,
# blanks alone (not every parser takes them for a blank line), and marks of quotes and items deeper
# than any text needs (marked fails on some thousands).
_DEEP = r"[ \t]*(?:(?:>|[-*+]|[0-9]{1,9}[.)])[ \t]*){17,}"
_OPEN_BRACKET = r" {0,3}\[[^\[\]\n]*$"
_START = re.compile(rf"{INDENTED.pattern}|^{_DEEP}|^{_OPEN_BRACKET}|^[ \t]+$", re.MULTILINE)
_DEEP_START = re.compile(_DEEP)
_BRACKET_START = re.compile(r" {0,3}\[(?![^\[\]$]*[\[\]])")
# A renderer's work may grow with the square of these in a paragraph: marked took 58 s for 64 kB of
# "*a " in November 2026.
_MARKS_IN_A_LINE = 600
_MARKS_IN_A_PARAGRAPH = 1000
_ELEMENTS_IN_A_LINE = 1000
_BREAK = re.compile(r"\s|[^\x00-\x7f](?=[^\x00-\x7f])")


@dataclass(slots=True)
class Blocks:
    """Lines in, safe Markdown out; knows what is open between two lines."""

    out: list[str] = field(default_factory=list)
    fence: Fence | None = None
    indented: list[str] | None = None
    formula: list[str] | None = None
    closer: str = ""
    may_open: bool = True  # no displayed formula has failed to close in this paragraph
    after_blank: bool = True
    in_list: bool = False
    owes_blank: bool = False  # a fence was written: a blank line must come before anything else
    in_mid_line: bool = False
    in_url: bool = False  # a part of a line ended in a bare address
    marks: int = 0  # of emphasis, code and our own elements in this paragraph

    def branch(self) -> Blocks:
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
        if is_open or SIGN.search(text) or _START.search(text):
            return False
        if max(_stars(text), self.marks) + _stars(text) > _MARKS_IN_A_LINE:
            return False
        return len(text) < _PART or max(map(len, text.split("\n"))) < _PART

    def _plain(self, text: str) -> None:
        """Take lines that hold no sign: nearly all of an answer in prose comes this way."""
        self._write(text)
        if self.in_list or _ANY_ITEM.search(text):
            for line in text.split("\n")[:-1]:
                self._follow(line)
        paragraphs = _BLANK.split(text[:-1])
        self.may_open = self.may_open or len(paragraphs) > 1
        self.marks = _stars(paragraphs[-1]) + (self.marks if len(paragraphs) == 1 else 0)
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
        opener = OPENER.fullmatch(line) if len(line) < _PART // 2 else None
        if opener and not (opener["run"][0] == "`" and "`" in opener["info"]):
            self._open_fence(opener)
        elif not line.strip(" \t"):
            self._blank()
        elif self.after_blank and not self.in_list and INDENTED.match(line):
            self.indented = [line]
        else:
            self._prose(line)

    def _blank(self) -> None:
        self._write("\n")
        self.after_blank = True
        self.may_open = True
        self.marks = 0

    def _prose(self, line: str) -> None:
        self._follow(line)
        definition = DEFINITION.fullmatch(line)
        to = address(definition["to"]) if definition else None
        if definition and to and not self.in_mid_line:
            label = Line(definition["label"]).run()
            self._write(f"{definition['mark']}[{label}]: {to}\n")
            self.owes_blank = True  # a title on the next lines could take in the start of a fence
            return
        self._write_prose(line, is_whole=not self.in_mid_line)

    def _write_prose(self, text: str, *, is_whole: bool) -> None:
        line = Line(
            text, is_whole=is_whole, may_open=is_whole and self.may_open, in_url=self.in_url
        )
        try:
            safe = line.run()
        except Unclosed as opened:
            self.formula = [text]
            self.closer = opened.closer
            return
        self.in_url = not is_whole and line.in_url(len(text))
        # Between parts stands a blank line, so that no paragraph is longer than they are.
        self._say(safe, is_whole=is_whole)

    def _say(self, safe: str, *, is_whole: bool = True) -> None:
        """Write a line of prose; what could take in lines after it is undone here."""
        if _stars(safe) > _MARKS_IN_A_LINE:
            safe = safe.replace("*", "&#42;").replace("_", "&#95;")
        if safe.count("<span>") > _ELEMENTS_IN_A_LINE:
            safe = safe.replace("<span>&#36;</span>", "＄").replace("<span>&#92;</span>", "＼")
        if (deep := _DEEP_START.match(safe)) is not None:
            safe = literal(deep[0]) + safe[deep.end() :]
        if _BRACKET_START.match(safe):
            # marked reads a definition whose label goes on over blank lines and into a fence.
            safe = safe.replace("[", "&#91;", 1)
        if self.marks > _MARKS_IN_A_PARAGRAPH and not safe.lstrip().startswith("|"):
            self.marks = 0
            self._write("\n")
        self.marks += _stars(safe) + sum(map(safe.count, ("<", "`", "](")))
        self._write(safe + ("\n" if is_whole else "\n\n"))

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
        self.fence = Fence(prefix, opener["run"], language if language in LANGUAGES else "")

    def _in_fence(self, fence: Fence, line: str) -> None:
        content = fence.takes(line)
        if content is None:
            self._end_fence(fence)
            self._fresh(line)
        elif fence.is_closed_by(content) and not self.in_mid_line:
            self._end_fence(fence)
        else:
            fence.add(content)

    def _end_fence(self, fence: Fence) -> None:
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
        self.marks = 0

    def _in_indented(self, body: list[str], line: str) -> None:
        if not line.strip(" \t") or INDENTED.match(line):
            body.append(line)
        else:
            self._end_indented(body)
            self._fresh(line)

    def _end_indented(self, body: list[str]) -> None:
        self.indented = None
        while not body[-1].strip(" \t"):
            body.pop()
        self._write_fence(fenced("", [INDENTED.sub("", line, count=1) for line in body]))

    def _in_formula(self, lines: list[str], line: str) -> None:
        if not line.strip(" \t") or OPENER.fullmatch(line) or len(lines) >= _FORMULA_LINES:
            self._give_up(lines)
            self.line(line)
            return
        lines.append(line)
        if self.closer not in line:
            return
        rest = [_QUOTE.sub("", line, count=1) for line in lines[1:]]
        safe = Line("\n".join([lines[0], *rest])).run()
        if "\n" in safe:
            self._give_up(lines)
            return
        self.formula = None
        self._say(safe)

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


def _stars(text: str) -> int:
    return text.count("*") + text.count("_")
