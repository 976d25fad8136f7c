"""Single values of prototxt, from tokens: numbers, booleans, enums, strings.

Each reader raises ``ValueError`` with a sentence for the user; who calls knows the place and adds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from caffe_lite.schema.advice import did_you_mean, other_form
from caffe_lite.schema.fields import Field
from caffe_lite.schema.lexer import Token

_INTEGER_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-(2**63), 2**63 - 1)}
_BOOLEANS = dict.fromkeys(("true", "True", "t", "1"), True) | dict.fromkeys(
    ("false", "False", "f", "0"), False
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True)) | {ord(char): ord(char) for char in "\\'\"?"}


def read(field: Field, tokens: Sequence[Token], negative: bool) -> int | float | bool | str | bytes:
    """The value of ``tokens`` (one token, or neighbouring strings) after an optional minus sign.

    Raises:
        ValueError: they are no value for ``field``, and why.
    """
    return _READERS[field.kind](field, tokens, negative)


def _expected(field: Field, what: str, token: Token, advice: str = "") -> ValueError:
    return ValueError(f"{field.name} is {what}, found {token}.{advice}")


def _integer(field: Field, tokens: Sequence[Token], negative: bool) -> int:
    low, high = _INTEGER_RANGES[field.kind]
    try:
        value = _plain_integer(tokens[0])
    except ValueError:
        raise _expected(field, "a whole number", tokens[0]) from None
    value = -value if negative else value
    if not low <= value <= high:
        sign = "-" if negative else ""
        raise ValueError(f"{field.name} is from {low} to {high}, found {sign}{tokens[0].text[:40]}.")
    return value


def _plain_integer(token: Token) -> int:
    if token.kind != "number":
        raise ValueError
    text = token.text
    return int(text, 16 if text[:2] in ("0x", "0X") else 8 if text.startswith("0") else 10)


def _float(field: Field, tokens: Sequence[Token], negative: bool) -> float:
    token = tokens[0]
    try:
        if token.kind not in ("number", "name"):
            raise ValueError
        if token.kind == "name" and token.text.lower() not in ("inf", "infinity", "nan"):
            raise ValueError
        value = float(token.text.rstrip("fF") if token.kind == "number" else token.text)
    except ValueError:
        raise _expected(field, "a number", token) from None
    return -value if negative else value


def _bool(field: Field, tokens: Sequence[Token], negative: bool) -> bool:
    token = tokens[0]
    if negative or token.kind not in ("name", "number") or token.text not in _BOOLEANS:
        raise _expected(field, "true or false", token)
    return _BOOLEANS[token.text]


def _enum(field: Field, tokens: Sequence[Token], negative: bool) -> int:
    token = tokens[0]
    if token.kind == "number":
        value = -_plain_integer(token) if negative else _plain_integer(token)
        if value in field.values.values():
            return value
    elif token.kind == "name" and not negative and token.text in field.values:
        return field.values[token.text]
    word = token.text.strip("\"'")
    if token.kind == "string" and word in field.values:
        advice = f" Write {word} without quotes."
    else:
        advice = did_you_mean(word, field.values) or f" The values are {', '.join(field.values)}."
    raise _expected(field, "one of an enum's values", token, advice + other_form(field, token.text))


def _bytes(field: Field, tokens: Sequence[Token], negative: bool) -> bytes:
    token = tokens[0]
    if negative or token.kind != "string":
        advice = f' Write "{token.text}" in quotes.' if token.kind in ("name", "number") else ""
        raise _expected(field, "a string", token, other_form(field, token.text) or advice)
    return b"".join(_ESCAPE.sub(_unescape, token.text[1:-1].encode()) for token in tokens)


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1].isdigit():
        return bytes([int(code, 8) & 0xFF])
    if code[0] in b"xX" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code[0] in b"uU" and len(code) > 1:
        return chr(int(code[1:], 16)).encode()
    if code[0] not in _ESCAPED:
        raise ValueError(f"`\\{code.decode(errors='replace')}` is no escape that strings know.")
    return bytes([_ESCAPED[code[0]]])


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
