"""What bytes seem to be: a kind of message, text, or something else. For advice on mistaken files."""

from __future__ import annotations

import re
from itertools import islice

from google.protobuf.message import DecodeError

from caffe_lite.schema import wire
from caffe_lite.schema.bounds import has_too_many_fields
from caffe_lite.schema.fields import FIELDS, Field
from caffe_lite.schema.messages import MESSAGES

_HDF5 = b"\x89HDF\r\n\x1a\n"
_FILES = {
    "NetParameter": "a net with weights (.caffemodel)",
    "SolverState": "a solver state (.solverstate)",
    "BlobProto": "a blob or mean file (.binaryproto)",
    "Datum": "a record of a database",
}
_WIRE_TYPES = {
    "float": wire.FOUR_BYTES,
    "double": wire.EIGHT_BYTES,
    "string": wire.LENGTH,
    "bytes": wire.LENGTH,
    "message": wire.LENGTH,
}
_LOOKED_AT = 100
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def has_controls(data: bytes) -> bool:
    """Whether the start of ``data`` has control characters, as messages have and text has not."""
    return _CONTROLS.search(data, 0, 4096) is not None


def is_another_kind(data: bytes, name: str) -> bool:
    """Whether ``data``, though it can be read as a message called ``name``, must be meant as another one."""
    return _has_foreign_fields(data, name) and _kind(data) is not None


def what_it_is(data: bytes) -> str:
    """A sentence on what these bytes, no message of the expected kind, seem to be instead."""
    if data.startswith(_HDF5):
        return "This is an HDF5 file. Give it a name that ends in .h5."
    if not has_controls(data):
        return "This is text. A binary file, such as .caffemodel, is expected here."
    kind = _kind(data)
    if kind is not None:
        return f"This looks like {_FILES[kind]}."
    return "The file is cut short or is something else; fetch or write it again."


def _kind(data: bytes) -> str | None:
    """The kind of message that knows all fields of ``data``."""
    return next((name for name in _FILES if _knows_all(data, name)), None)


def _knows_all(data: bytes, name: str) -> bool:
    if has_too_many_fields(data, name):
        return False
    message = MESSAGES[name]()
    try:
        message.ParseFromString(data)
    except (DecodeError, UnicodeError, RecursionError):
        return False
    message.DiscardUnknownFields()
    return bool(data) and message.ByteSize() == len(data)


def _has_foreign_fields(data: bytes, name: str) -> bool:
    fields = {field.number: field for field in FIELDS[name].values()}
    spans = islice(wire.spans(memoryview(data)), _LOOKED_AT)
    return any(span.wire_type not in _wire_types(fields.get(span.number)) for span in spans)


def _wire_types(field: Field | None) -> set[int]:
    if field is None:
        return set()
    one = _WIRE_TYPES.get(field.kind, wire.VARINT)
    return {one, wire.LENGTH} if field.repeated else {one}
