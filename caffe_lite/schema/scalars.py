"""Single values of prototxt, from tokens: numbers, booleans, enums, strings.

Each reader raises ``ValueError`` with a sentence for the user; who calls knows the place and adds it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

from caffe_lite.schema.advice import did_you_mean, other_form
from caffe_lite.schema.escapes import unescape
from caffe_lite.schema.fields import Field
from caffe_lite.schema.lexer import Token

_INTEGER_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1)}
_TRUE = ("true", "True", "t", "1")
_FALSE = ("false", "False", "f", "0")
_NOT_FINITE = ("inf", "infinity", "nan")
_MOST_NAMES = 8


def read(field: Field, tokens: Sequence[Token], negative: bool) -> int | float | bool | str | bytes:
    """The value of ``tokens`` (one token, or neighbouring strings) after an optional minus sign.

    Raises:
        ValueError: they are no value for ``field``, and why.
    """
    return _READERS[field.kind](field, tokens, negative)


def _expected(field: Field, what: str, token: Token, advice: str = "") -> ValueError:
    return ValueError(f"{field.name} takes {what}, found {token}.{advice}")


def _integer(field: Field, tokens: Sequence[Token], negative: bool) -> int:
    low, high = _INTEGER_RANGES[field.kind]
    value = _plain_integer(tokens[0], negative)
    if value is None:
        raise _expected(field, "a whole number", tokens[0])
    if not low <= value <= high:
        token = tokens[0]._replace(text="-" + tokens[0].text) if negative else tokens[0]
        raise _expected(field, f"{low} to {high}", token)
    return value


def _plain_integer(token: Token, negative: bool) -> int | None:
    """The value of a decimal, octal (``017``) or hexadecimal (``0xF``) token; None if it is no such thing."""
    if token.kind != "number":
        return None
    text = token.text
    try:
        value = int(text, 16 if text[:2] in ("0x", "0X") else 8 if text.startswith("0") else 10)
    except ValueError:
        return None
    return -value if negative else value


def _float(field: Field, tokens: Sequence[Token], negative: bool) -> float:
    token = tokens[0]
    if token.kind == "number" and not token.text.startswith(("0x", "0X")):
        value = float(token.text.rstrip("fF"))
    elif token.kind == "name" and token.text.lower() in _NOT_FINITE:
        value = float(token.text)
    else:
        raise _expected(field, "a number", token)
    if field.kind == "float":  # rounded here, since protobuf 3.20 would make the largest float32 infinite
        value = ctypes.c_float(value).value
    return -value if negative else value


def _bool(field: Field, tokens: Sequence[Token], negative: bool) -> bool:
    token = tokens[0]
    if negative or token.kind not in ("name", "number") or token.text not in _TRUE + _FALSE:
        raise _expected(field, "true or false", token)
    return token.text in _TRUE


def _enum(field: Field, tokens: Sequence[Token], negative: bool) -> int:
    token = tokens[0]
    if token.kind == "name" and not negative and token.text in field.values:
        return field.values[token.text]
    value = _plain_integer(token, negative)
    if value is not None and value in field.values.values():
        return value
    word = token.text.strip("\"'")
    if token.kind == "string" and word in field.values:
        advice = f" Write {word} without quotes."
    else:
        advice = did_you_mean(word, field.values) + other_form(field, token.text)
    names = ", ".join(field.values) if len(field.values) <= _MOST_NAMES else f"{len(field.values)} names"
    raise _expected(field, f"one of {names}", token, advice)


def _bytes(field: Field, tokens: Sequence[Token], negative: bool) -> bytes:
    token = tokens[0]
    if negative or token.kind != "string":
        advice = f' Write "{token.text}" in quotes.' if token.kind in ("name", "number") else ""
        raise _expected(field, "a string", token, other_form(field, token.text) or advice)
    return b"".join(unescape(token.text[1:-1]) for token in tokens)


def _string(field: Field, tokens: Sequence[Token], negative: bool) -> str:
    try:
        return _bytes(field, tokens, negative).decode()
    except UnicodeError:
        raise ValueError(f"{field.name} is text, and the escapes in it are not UTF-8.") from None


_READERS: dict[str, Callable[[Field, Sequence[Token], bool], int | float | bool | str | bytes]] = {
    **dict.fromkeys(_INTEGER_RANGES, _integer),
    "float": _float,
    "double": _float,
    "bool": _bool,
    "enum": _enum,
    "string": _string,
    "bytes": _bytes,
}
