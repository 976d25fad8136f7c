"""Message to prototxt, letter for letter as protobuf's C++ prints it, and so as Caffe's logs show it.

Fields come in the order of their numbers, one a line, two spaces deeper for each message. Fields that the
schema does not know (a fork's, out of a binary file) are left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from google.protobuf.message import Message

from caffe_lite.schema.escapes import escape
from caffe_lite.schema.fields import FIELDS, Field


def format_text(message: Message) -> str:
    """The text of ``message``; :func:`parse_text` of it gives an equal message."""
    lines: list[str] = []
    _message_lines(message, "", lines)
    return "".join(lines)


def format_float(value: float) -> str:
    """A float32 as C++ prints it: six digits if they are enough to get the same number back, else nine."""
    if not math.isfinite(value):
        return str(float(value))
    text = f"{value:.6g}"
    return text if np.float32(text) == np.float32(value) else f"{value:.9g}"


def _format_double(value: float) -> str:
    text = f"{value:.15g}"
    return text if float(text) == value else f"{value:.17g}"


def _message_lines(message: Any, indent: str, lines: list[str]) -> None:
    fields = FIELDS[type(message).__name__]
    for descriptor, value in message.ListFields():
        field = fields[descriptor.name]
        for item in value if field.repeated else (value,):
            if field.kind == "message":
                lines.append(f"{indent}{field.name} {{\n")
                _message_lines(item, indent + "  ", lines)
                lines.append(f"{indent}}}\n")
            else:
                lines.append(f"{indent}{field.name}: {_format(field, item)}\n")


def _format(field: Field, value: Any) -> str:
    if field.kind == "float":
        return format_float(value)
    if field.kind == "double":
        return _format_double(value)
    if field.kind == "bool":
        return "true" if value else "false"
    if field.kind == "string":
        return f'"{escape(value.encode())}"'
    if field.kind == "bytes":
        return f'"{escape(value)}"'
    if field.kind == "enum":
        return next((name for name, number in field.values.items() if number == value), str(value))
    return str(value)
