"""The values of flags, as gflags reads them from text."""

from __future__ import annotations

import re
from typing import TypeAlias

from caffe_lite.commands import Flag
from caffe_lite.errors import FlagError

Value: TypeAlias = bool | int | float | str

_TRUE = frozenset(("1", "t", "true", "y", "yes"))
_FALSE = frozenset(("0", "f", "false", "n", "no"))
_INT = re.compile(r"\s*[+-]?[0-9]+|0[xX][0-9a-fA-F]+")
_DOUBLE = re.compile(r"\s*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf|nan)", re.IGNORECASE | re.ASCII)
_TYPE_NAMES = {bool: "bool", int: "int32", float: "double", str: "string"}


def type_name(flag: Flag) -> str:
    """gflags' name of the flag's type: ``bool``, ``int32``, ``double`` or ``string``."""
    return _TYPE_NAMES[type(flag.default)]


def convert(flag: Flag, text: str) -> Value:
    """A flag's value from its text.

    Raises:
        FlagError: the text is no value of the flag's type, or out of its range.
    """
    kind = type(flag.default)
    if kind is str:
        return text
    if kind is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind is int and _INT.fullmatch(text):
        number = int(text, 16 if text[:2] in ("0x", "0X") else 10)
        if -(2**31) <= number < 2**31:
            return number
    if kind is float and _DOUBLE.fullmatch(text):
        return float(text)
    raise FlagError(f"ERROR: illegal value '{text}' specified for {type_name(flag)} flag '{flag.name}'")
