"""Messages in files: prototxt (text) and binary."""

from __future__ import annotations

import os
from typing import TypeVar

from google.protobuf.message import EncodeError, Message

from caffe_lite.errors import SchemaError
from caffe_lite.files import MOST_BYTES, atomic_write, read_whole
from caffe_lite.schema.binary import parse_binary
from caffe_lite.schema.kinds import has_controls
from caffe_lite.schema.lexer import Source
from caffe_lite.schema.text_reader import parse_text
from caffe_lite.schema.text_writer import format_text

Path_ = str | os.PathLike[str]
MOST_TEXT = 1 << 28
"""Bytes of the largest prototxt."""
_M = TypeVar("_M", bound=Message)


def read_text(path: Path_, cls: type[_M]) -> _M:
    """The message of class ``cls`` in a prototxt file.

    Raises:
        SchemaError: the file is missing, empty, binary, not UTF-8, or not such a message.
    """
    return parse_text(load_text(path, cls.__name__), cls, os.fspath(path))


def load_text(path: Path_, expected: str) -> str:
    """The text of a file that should hold a message called ``expected``.

    Raises:
        SchemaError: the file is missing, empty, binary or not UTF-8.
    """
    name = os.fspath(path)
    data = _read(path, MOST_TEXT)
    if has_controls(data):
        raise SchemaError(
            f"{name}: this is a binary file, and a prototxt file (text) with a {expected} is expected."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source = Source(data.decode("latin-1"), name)
        raise source.error(error.start, "This is not UTF-8. Save the file as UTF-8.") from None


def read_binary(path: Path_, cls: type[_M]) -> _M:
    """The message of class ``cls`` in a binary file.

    Raises:
        SchemaError: the file is missing, empty, text, cut short, or not such a message.
    """
    return parse_binary(_read(path, MOST_BYTES), cls, os.fspath(path))


def write_text(path: Path_, message: Message) -> None:
    """Write ``message`` as prototxt; the file is replaced whole or not at all.

    Raises:
        OSError: the folder is missing or not writable.
    """
    with atomic_write(path) as file:
        file.write(format_text(message).encode())


def write_binary(path: Path_, message: Message) -> None:
    """Write ``message`` as bytes; the file is replaced whole or not at all.

    Raises:
        SchemaError: a required field is missing, or the message is larger than protobuf's 2 GB.
        OSError: the folder is missing or not writable.
    """
    data = to_bytes(message, path)
    with atomic_write(path) as file:
        file.write(data)


def to_bytes(message: Message, path: Path_) -> bytes:
    """The bytes of ``message``; ``path`` stands for the file in errors.

    Raises:
        SchemaError: a required field is missing, or the message is larger than protobuf's 2 GB.
    """
    try:
        return message.SerializeToString()
    except EncodeError as error:
        name = type(message).__name__
        raise SchemaError(f"{os.fspath(path)}: this {name} cannot be written: {error}") from None


def _read(path: Path_, most: int) -> bytes:
    name = os.fspath(path)
    try:
        data = read_whole(path, most, pipes=True)
    except FileNotFoundError:
        raise SchemaError(f"{name}: there is no such file. The working folder is {os.getcwd()}.") from None
    except IsADirectoryError:
        raise SchemaError(f"{name}: this is a folder, and a file is expected.") from None
    except OSError as error:
        raise SchemaError(f"{name}: the file cannot be read: {error.strerror}") from None
    if not data.strip():
        raise SchemaError(f"{name}: the file is empty.")
    return data
