"""Messages as protobuf's bytes, and what is wrong when bytes are none."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from caffe_lite.errors import SchemaError
from caffe_lite.schema.messages import MESSAGES

_HDF5 = b"\x89HDF\r\n\x1a\n"
_FILES = {
    "NetParameter": "a net with weights (.caffemodel)",
    "SolverState": "a solver state (.solverstate)",
    "BlobProto": "a blob or mean file (.binaryproto)",
    "Datum": "a record of a database",
}
_M = TypeVar("_M", bound=Message)


def parse_binary(data: bytes, cls: type[_M], name: str = "<bytes>") -> _M:
    """The message of class ``cls`` in ``data``; ``name`` stands for the file in errors.

    Fields that the schema does not know are kept, as protobuf does.

    Raises:
        SchemaError: the bytes are cut short, or are something else.
    """
    message = cls()
    try:
        message.ParseFromString(data)
        if data and not message.ListFields():
            raise DecodeError("no field is known")
        _touch_strings(message)
    except (DecodeError, UnicodeError, RecursionError):
        found = f"{len(data)} bytes that are no whole {cls.__name__}"
        raise SchemaError(f"{name}: {found}{_reason(data)}") from None
    if not message.IsInitialized():
        missing = ", ".join(message.FindInitializationErrors())
        raise SchemaError(f"{name}: this {cls.__name__} lacks {missing}.")
    return message


def _touch_strings(message: Any) -> None:
    """Decode every string now, so that one which is not UTF-8 is found here and not by whoever uses it."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for child in value if hasattr(value, "add") else (value,):
                _touch_strings(child)
        elif descriptor.type == descriptor.TYPE_STRING and not isinstance(value, str):
            list(value)


def _reason(data: bytes) -> str:
    """The rest of the sentence: what these bytes seem to be instead."""
    if data.startswith(_HDF5):
        return ": this is an HDF5 file. Give it a name that ends in .h5."
    if not has_controls(data):
        return ": this is text. A binary file, such as .caffemodel, is expected here."
    for known, what in _FILES.items():
        if _is_whole(data, known):
            return f": this looks like {what}."
    return ". The file is cut short or is something else; fetch or write it again."


def has_controls(data: bytes) -> bool:
    """Whether the start of ``data`` has control characters, as messages have and text has not."""
    return any(byte < 0x20 and byte not in b"\t\n\r\v\f" for byte in data[:4096])


def _is_whole(data: bytes, name: str) -> bool:
    message = MESSAGES[name]()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError):
        return False
    message.DiscardUnknownFields()
    return bool(data) and message.ByteSize() == len(data)
