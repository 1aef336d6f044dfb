"""Lines in, safe Markdown out: what is open between two lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ollama_lab.sanitize.address import DEFINITION, address
from ollama_lab.sanitize.fence import INDENTED, LANGUAGES, OPENER, Fence, fenced
from ollama_lab.sanitize.line import SIGN, Line, Unclosed

# One line of text is looked at in parts of this many characters at most.
_PART = 8192
_FORMULA_LINES = 64

_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)")
_ANY_ITEM = re.compile(r"^[ \t]*(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]|$)", re.MULTILINE)
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_BLANK = re.compile(r"^[ \t]*$", re.MULTILINE)
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
        if is_open or SIGN.search(text) or INDENTED.search(text):
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
        opener = OPENER.fullmatch(line) if len(line) < _PART // 2 else None
        if opener and not (opener["run"][0] == "`" and "`" in opener["info"]):
            self._open_fence(opener)
        elif not line.strip(" \t"):
            self._blank(line)
        elif self.after_blank and not self.in_list and INDENTED.match(line):
            self.indented = [line]
        else:
            self._prose(line)

    def _blank(self, line: str) -> None:
        self._write(line + "\n")
        self.after_blank = True
        self.may_open = True

    def _prose(self, line: str) -> None:
        self._follow(line)
        definition = DEFINITION.fullmatch(line)
        to = address(definition["to"]) if definition else None
        if definition and to and not self.in_mid_line:
            label = Line(definition["label"]).run()
            self._write(f"{definition['mark']}[{label}]: {to}\n")
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
    """Keep two parts apart: by a space where neither a space nor a letter beyond ASCII does."""
    return "" if part[-1].isspace() or not part[-1].isascii() else " "
