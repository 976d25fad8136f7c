"""Prototxt to message for people who want all mistakes at once, and the place of every field."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from caffe_lite.errors import SchemaError
from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.lexer import Source, Token, tokenize
from caffe_lite.schema.text_reader import Reader

Path = tuple[tuple[str, int], ...]
"""The way to a field: names, each with the index among the repeated ones, as ``(("layer", 2), ("bottom", 0))``."""

_MOST_MISTAKES = 100
_OPENING, _CLOSING = "{<[", "}>]"
_REST = re.compile(r"""["'][^\s{}<>:]*|[\w.]*""")  # of a token that is none


class Mistake(SchemaError):
    """A mistake in a text: ``problem`` without the place, which is ``offset``."""

    def __init__(self, text: str, offset: int, problem: str) -> None:
        super().__init__(text)
        self.offset, self.problem = offset, problem


@dataclass
class Reading:
    """What was read.

    Attributes:
        source: the text.
        message: what could be understood of it.
        places: for the way to a field, the offset of its name in the text.
        mistakes: what could not be understood, in the order of the text.
        broken: the ways to the outermost fields that mistakes are in.
    """

    source: Source
    message: Any
    places: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)


def read_tolerantly(text: str, cls: type[Any], name: str) -> Reading:
    """Read a text as a message of class ``cls``, passing over what is wrong; ``name`` stands for the file."""
    reading = Reading(_Text(text, name), cls())
    with suppress(_Enough, Mistake):
        _TolerantReader(reading).fields(reading.message, closing=None)
    return reading


class _Text(Source):
    """A source whose errors know their place."""

    def error(self, offset: int, problem: str) -> SchemaError:
        return Mistake(str(super().error(offset, problem)), offset, problem)


class _Enough(Exception):
    """There are more mistakes than anybody wants to read."""


class _NextLayer(Exception):
    """A layer begins where one cannot: the one before it is not closed."""


def _is_unclosed(mistake: Mistake) -> bool:
    return mistake.problem.startswith("This `")


class _TolerantReader(Reader):
    """A reader that notes a mistake and goes on with the next field, as a rule on the next line."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.path: Path = ()
        self.taken = Token("symbol", "", 0)
        super().__init__(Source("", reading.source.name))
        self.source = reading.source
        self.tokens = tokenize(self.source)
        self.token = self._next()

    def take(self) -> Token:
        self.taken = self.token
        if self.taken.kind != "end":
            self.token = self._next()
        return self.taken

    def fields(self, message: Any, closing: Token | None) -> None:
        try:
            super().fields(message, closing)
        except Mistake as mistake:
            self._note(mistake)

    def field(self, message: Any) -> None:
        outer, owner, name = self.path, type(message).__name__, self.token.text
        known = FIELDS[owner].get(name) if self.token.kind == "name" else None
        if known is not None:
            index = len(getattr(message, name)) if known.repeated else 0
            self.path = (*outer, (name, index))
            self.reading.places.setdefault(self.path, self.token.offset)
        try:
            super().field(message)
        except Mistake as mistake:
            self._note(mistake)
            if name in ("layer", "layers") and known is None and owner != "SolverParameter":
                self._again(name, mistake.offset)
                raise _NextLayer from None
            self._skip(owner)
        except _NextLayer:
            if owner != "NetParameter":
                raise
        finally:
            self.path = outer

    def _next(self) -> Token:
        """The next token; one that is none is noted and stands for a value."""
        try:
            return next(self.tokens)
        except Mistake as mistake:
            self._note(mistake)
            rest = _REST.match(self.source.text, mistake.offset)
            assert rest is not None, "it matches everything"
            self.tokens = tokenize(self.source, rest.end())
            quoted = rest.group()[:1] in ("'", '"')
            return Token("string" if quoted else "number", '""' if quoted else "0", mistake.offset)

    def _again(self, name: str, offset: int) -> None:
        """Go back to the name of a field."""
        self.tokens = tokenize(self.source, offset + len(name))
        self.token = Token("name", name, offset)

    def _skip(self, owner: str) -> None:
        """Pass over what is left of a field: all in its brackets, or else all on its line."""
        while self.token.kind != "end":
            if self.token.kind == "symbol" and self.token.text in _OPENING:
                self._skip_brackets()
                continue
            closing = self.token.kind == "symbol" and self.token.text in _CLOSING[:2]
            next_line = "\n" in self.source.text[self.taken.offset : self.token.offset]
            if closing or next_line or (self.token.kind == "name" and self.token.text in FIELDS[owner]):
                return
            self.take()

    def _skip_brackets(self) -> None:
        depth = 0
        while self.token.kind != "end":
            token = self.take()
            if token.kind == "symbol":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if depth == 0:
                return

    def _note(self, mistake: Mistake) -> None:
        mistakes = self.reading.mistakes
        if all(_is_unclosed(known) for known in (mistake, *mistakes[-1:])) and mistakes:
            return  # nor are the brackets around it
        mistakes.append(mistake)
        self.reading.broken.add(self.path[:1])
        if len(mistakes) >= _MOST_MISTAKES:
            raise _Enough
