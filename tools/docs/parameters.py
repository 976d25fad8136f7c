"""The fields of a message as a table: name, type, default, meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from caffe_lite.schema.messages import MESSAGES
from tools.docs.proto import comments

_TYPES = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes",
          13: "uint32"}  # of google.protobuf.descriptor.FieldDescriptor
_ENUM, _MESSAGE = 14, 11


def fields_table(message: str, link: Callable[[str], str], only: Iterable[str] = ()) -> str:
    """The table of a message, such as ``PoolingParameter``.

    Args:
        link: makes the type of a field that is a message itself.
        only: the fields to list; all by default.
    """
    wanted = set(only)
    fields = [field for field in MESSAGES[message].DESCRIPTOR.fields if not wanted or field.name in wanted]
    rows = [f"| `{field.name}` | {_type(field, link)} | {_default(field)} | {_cell(meaning(message, field.name))} |"
            for field in fields]
    return "\n".join(["| field | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def meaning(message: str, field: str) -> str:
    """What a field means; empty where nobody has said it."""
    said = _meanings()
    return said.get(f"{message}.{field}") or comments().get((message, field)) or said.get(f"*.{field}", "")


@cache
def _meanings() -> dict[str, str]:
    lines = Path(__file__).with_name("meanings.txt").read_text("utf-8").splitlines()
    named = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: text for name, _, text in named}


def _type(field: Any, link: Callable[[str], str]) -> str:
    if field.type == _ENUM:
        kind = " ".join(f"`{value.name}`" for value in field.enum_type.values)
    elif field.type == _MESSAGE:
        kind = link(field.message_type.name)
    else:
        kind = _TYPES[field.type]
    return f"{kind}, repeated" if is_repeated(field) else kind


def is_repeated(field: Any) -> bool:
    """Whether there may be several values; protobuf has changed how to ask."""
    return bool(field.is_repeated) if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def _default(field: Any) -> str:
    if is_repeated(field) or field.type == _MESSAGE:
        return ""
    if field.type == _ENUM:
        names = field.enum_type.values_by_number
        return f"`{names[field.default_value].name}`" if field.has_default_value else ""
    if not field.has_default_value or field.default_value == "":
        return ""
    value = field.default_value
    return f"`{str(value).lower() if isinstance(value, bool) else _number(value)}`"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    text = re.sub(r"(?<![\w`])(\w+_\w+|\w+\.\w+proto)(?![\w`])", r"`\1`", text)
    return text.replace("|", "\\|")
