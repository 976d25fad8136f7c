"""Prototxt to message, with errors that say where and what instead.

The grammar is protobuf's text format as Caffe's C++ reads it: ``field: value``, ``field { ... }`` or
``field < ... >``, lists in brackets, enums by name or number, ``#`` comments. As there, a field that is not
repeated may be given once only, and required fields must be given.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from caffe_lite.schema import scalars
from caffe_lite.schema.advice import unknown_field
from caffe_lite.schema.bounds import MOST_FIELDS
from caffe_lite.schema.fields import FIELDS, Field
from caffe_lite.schema.lexer import Source, Token, tokenize

_CLOSING = {"{": "}", "<": ">"}
_REQUIRED = {owner: [field.name for field in fields.values() if field.required] for owner, fields in FIELDS.items()}
_M = TypeVar("_M", bound=Message)


def parse_text(text: str, cls: type[_M], name: str = "<string>") -> _M:
    """The message of class ``cls`` that ``text`` describes; ``name`` stands for the file in errors.

    Raises:
        SchemaError: the text is not such a message; with ``name:line:column``, the line, and advice.
    """
    message = cls()
    reader = Reader(Source(text, name))
    reader.fields(message, closing=None)
    return message


class Reader:
    """One pass over the tokens of a source; ``token`` is the next one that is not read yet."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.token = next(self.tokens)
        self.messages = 0

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.token = next(self.tokens)
        return token

    def accept(self, symbols: str) -> Token | None:
        """The next token, if it is one of these symbols."""
        if self.token.kind == "symbol" and self.token.text in symbols:
            return self.take()
        return None

    def fields(self, message: Any, closing: Token | None) -> None:
        """Everything up to the closing bracket of ``closing``, or up to the end."""
        until = _CLOSING[closing.text] if closing else ""
        start = closing or self.token
        while not (until and self.accept(until)):
            if self.token.kind == "end":
                if closing is None:
                    break
                problem = f"This `{closing.text}` is never closed by `{until}`."
                raise self.source.error(closing.offset, problem)
            self.field(message)
        owner = type(message).__name__
        missing = [name for name in _REQUIRED[owner] if not message.HasField(name)]
        if missing:
            raise self.source.error(start.offset, f"{owner} needs {' and '.join(missing)} to be given.")

    def field(self, message: Any) -> None:
        token = self.take()
        if token.kind != "name":
            advice = " Is one too many, or an opening one missing?" if token.text in _CLOSING.values() else ""
            raise self.source.error(token.offset, f"Expected the name of a field, found {token}.{advice}")
        owner = type(message).__name__
        field = FIELDS[owner].get(token.text)
        if field is None:
            raise self.source.error(token.offset, unknown_field(owner, token.text))
        if not field.repeated and message.HasField(field.name):
            problem = f"{field.name} is given twice in this {owner}, and may be given once. Remove one."
            raise self.source.error(token.offset, problem)
        colon = self.accept(":")
        if not colon and field.kind != "message":
            problem = f"Expected `:` after {field.name}, found {self.token}."
            raise self.source.error(self.token.offset, problem)
        if field.repeated and self.accept("["):
            self.list(message, field)
        else:
            self.value(message, field)
        self.accept(",;")

    def list(self, message: Any, field: Field) -> None:
        if self.accept("]"):
            return
        self.value(message, field)
        while not self.accept("]"):
            if not self.accept(","):
                raise self.source.error(self.token.offset, f"Expected `,` or `]`, found {self.token}.")
            self.value(message, field)

    def value(self, message: Any, field: Field) -> None:
        if field.kind == "message":
            self.message(message, field)
        elif field.repeated:
            getattr(message, field.name).append(self.scalar(field))
        else:
            setattr(message, field.name, self.scalar(field))

    def message(self, message: Any, field: Field) -> None:
        opening = self.accept("{<")
        if not opening:
            problem = f"{field.name} is a message ({field.type_name}): expected `{{`, found {self.token}."
            raise self.source.error(self.token.offset, problem)
        self.messages += 1
        if self.messages > MOST_FIELDS:
            raise self.source.error(opening.offset, f"There are more than {MOST_FIELDS} messages: no net has so many.")
        child = getattr(message, field.name)
        if field.repeated:
            child = child.add()
        else:
            child.SetInParent()
        self.fields(child, opening)

    def scalar(self, field: Field) -> Any:
        start = self.token
        negative = bool(self.accept("-"))
        tokens = [self.take()]
        while tokens[0].kind == "string" and self.token.kind == "string":
            tokens.append(self.take())
        try:
            return scalars.read(field, tokens, negative)
        except ValueError as problem:
            raise self.source.error(start.offset, str(problem)) from None
