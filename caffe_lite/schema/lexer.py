"""Prototxt text cut into tokens, and errors that show the place.

The tokens are those of protobuf's text format (``google/protobuf/io/tokenizer.cc``): names, numbers, quoted
strings, symbols of one character; white space and ``#`` comments lie between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from caffe_lite.errors import SchemaError

_TOKENS = re.compile(
    r"""(?P<space>[ \t\r\n\v\f]+|\#[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[fF]?)(?![A-Za-z0-9_.]))
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    |(?P<symbol>.)""",
    re.VERBOSE,
)
_MAX_SHOWN = 100


@dataclass(frozen=True)
class Source:
    """A text and the name it goes by in errors."""

    text: str
    name: str

    def place(self, offset: int) -> str:
        """``name:line:column`` of a character, counted from one."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return f"{self.name}:{self.text.count(chr(10), 0, offset) + 1}:{offset - line_start + 1}"

    def error(self, offset: int, problem: str) -> SchemaError:
        """The error to raise: the place, what is wrong, the line, and a caret under the character."""
        start = self.text.rfind("\n", 0, offset) + 1
        stop = self.text.find("\n", offset)
        line = self.text[start : len(self.text) if stop < 0 else stop].rstrip()
        column = offset - start
        cut = max(0, column - _MAX_SHOWN // 2)
        margin = "".join(char if char == "\t" else " " for char in line[cut:column])
        margin += " " * (column - cut - len(margin))
        shown = line[cut : cut + _MAX_SHOWN]
        return SchemaError(f"{self.place(offset)}: {problem}\n  {shown}\n  {margin}^")


class Token(NamedTuple):
    """``kind`` is name, number, string, symbol or end; ``offset`` is where it starts in the text."""

    kind: str
    text: str
    offset: int

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _MAX_SHOWN else self.text[:_MAX_SHOWN] + "..."
        return text if self.kind == "end" else f"`{text}`"


def tokenize(source: Source, start: int = 0) -> Iterator[Token]:
    """The tokens of a text from ``start`` on, and one of kind ``end`` behind them."""
    for match in _TOKENS.finditer(source.text, start):
        kind = match.lastgroup or ""
        if kind == "symbol" and match.group() in "\"'":
            raise source.error(match.start(), "This string is not closed before the end of its line.")
        if kind == "symbol" and match.group().isdigit():
            raise source.error(match.start(), "This is neither a number nor a name.")
        if kind != "space":
            yield Token(kind, match.group(), match.start())
    yield Token("end", "the end of the file", len(source.text))
