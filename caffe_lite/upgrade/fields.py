"""Setting fields of messages by name, whatever their kind."""

from __future__ import annotations

from typing import Any, TypeVar

from caffe_lite.schema import Message

_M = TypeVar("_M", bound=Message)


def assign(message: Any, name: str, value: Any) -> None:
    """Give a field a value of its kind: append (an item) or extend (a list), copy a message, set a scalar."""
    current = getattr(message, name)
    if hasattr(current, "extend"):
        current.extend(value if hasattr(value, "extend") else [value])
    elif isinstance(current, Message):
        current.SetInParent()
        current.CopyFrom(value)
    else:
        setattr(message, name, value)


def without(message: _M, *names: str) -> _M:
    """A copy of ``message`` without these fields, and without those that the schema does not know."""
    copy = type(message)()
    for field, value in message.ListFields():
        if field.name not in names:
            assign(copy, field.name, value)
    return copy


def copied(message: _M) -> _M:
    """A copy of the whole message."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
