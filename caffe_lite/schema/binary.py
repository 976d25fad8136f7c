"""Messages as protobuf's bytes."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from caffe_lite.errors import SchemaError
from caffe_lite.schema.bounds import MOST_FIELDS, has_too_many_fields
from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.fork_files import without_fork_fields
from caffe_lite.schema.kinds import is_another_kind, what_it_is

log = logging.getLogger(__name__)
_M = TypeVar("_M", bound=Message)


def parse_binary(data: bytes, cls: type[_M], name: str = "<bytes>") -> _M:
    """The message of class ``cls`` in ``data``; ``name`` stands for the file in errors.

    Fields that the schema does not know are kept, as protobuf does. Of a net that cannot be read because a fork of
    Caffe gave its numbers other meanings, the layers' names, types and weights are taken.

    Raises:
        SchemaError: the bytes are cut short, or are something else, or more fields than any net has.
    """
    if has_too_many_fields(data, cls.__name__):
        raise SchemaError(f"{name}: this {cls.__name__} has more than {MOST_FIELDS} fields: it is broken, or made to "
                          "fill memory. Fetch or write it again.")
    message = _parse(data, cls)
    if cls.__name__ == "NetParameter" and (message is None or not message.IsInitialized()):
        stripped = _parse(without_fork_fields(data), cls)
        if stripped is not None and stripped.IsInitialized():
            log.warning("%s was written by a fork of Caffe: its layers' names, types and weights are read, other "
                        "parameters are not", name)
            return stripped
    if message is None:
        found = f"{len(data)} bytes that are no whole {cls.__name__}"
        raise SchemaError(f"{name}: {found}. {what_it_is(data)}")
    if not message.IsInitialized():
        missing = ", ".join(message.FindInitializationErrors())
        raise SchemaError(f"{name}: this {cls.__name__} lacks {missing}.")
    return message


def _parse(data: bytes, cls: type[_M]) -> _M | None:
    """The message, or None if these bytes cannot be meant as one."""
    message = cls()
    try:
        message.ParseFromString(data)
        usable = (message.ListFields() or not data) and not is_another_kind(data, cls.__name__)
        return message if usable and _is_utf8(message) else None
    except (DecodeError, UnicodeError, RecursionError):
        return None


def _is_utf8(message: Any) -> bool:
    """Whether every string is; compiled protobuf gives out any other as bytes, to whoever asks for it."""
    fields = FIELDS[type(message).__name__]
    for descriptor, value in message.ListFields():
        field = fields[descriptor.name]
        items = value if field.repeated else (value,)
        if field.kind == "message" and not all(map(_is_utf8, items)):
            return False
        if field.kind == "string" and not all(isinstance(item, str) for item in items):
            return False
    return True
