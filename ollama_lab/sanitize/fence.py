"""Blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ollama_lab.sanitize.characters import escape
from ollama_lab.sanitize.line import SIGN

LANGUAGES = frozenset(
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
OPENER = re.compile(rf"(?P<prefix>{_MARKS})(?P<run>`{{3,}}|~{{3,}})(?P<info>[^\n]{{0,400}})")
INDENTED = re.compile(r"^(?: {4}| {0,3}\t)", re.MULTILINE)


@dataclass(slots=True)
class Fence:
    """Code between two fences, open until its second one comes."""

    prefix: str  # what stands before the first one: indentation, marks of quotes and items
    run: str
    language: str
    body: list[str] = field(default_factory=list)
    encoded: list[str] = field(default_factory=list)
    is_tame: bool = True  # holds no sign with a meaning, so that it may stand anywhere as it is

    def takes(self, line: str) -> str | None:
        """Give a line without what belongs to quote and item; None when the quote has ended."""
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
        """Take one line of code, as `takes` gave it."""
        self.body.append(line)
        if self.prefix:
            self.is_tame = self.is_tame and SIGN.search(line) is None and "@@" not in line
            self.encoded.append(escape(line))

    def extend(self, text: str) -> None:
        """Take more of the last line."""
        self.body[-1] += text
        if self.prefix:
            self.is_tame = self.is_tame and SIGN.search(text) is None
            self.encoded[-1] += escape(text)

    def branch(self) -> Fence:
        """Copy this, so that more can be told to the copy."""
        return replace(self, body=[*self.body], encoded=[*self.encoded])

    def markdown(self) -> str:
        """Give the code in the one form that is code to every parser where it stands."""
        if not self.prefix:
            return fenced(self.language, self.body)
        rest = re.sub(r"[^>\t]", " ", self.prefix)
        if self.is_tame:
            lines = [
                f"{self.prefix}```{self.language}",
                *(rest + line for line in self.body),
                f"{rest}```",
            ]
            return "\n".join(lines) + "\n"
        return f"{self.prefix}<pre><code>{'&#10;'.join(self.encoded)}</code></pre>\n"


def fenced(language: str, body: list[str]) -> str:
    """Write a fence at the left margin, longer than any in the code."""
    code = "\n".join(body)
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}\n" if body else f"{fence}{language}\n{fence}\n"
