"""Caffe's messages, and how they are read and written.

Every message of ``proto/caffe.proto`` is a class here (``schema.NetParameter``), so is its top-level enum
(``schema.Phase``, with ``schema.TRAIN`` and ``schema.TEST``); nested enums are reached through their message
(``schema.SolverParameter.GPU``). Messages can be compared, copied and pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from caffe_lite.schema.binary import parse_binary
from caffe_lite.schema.blobs import array_to_blob, blob_shape, blob_to_array
from caffe_lite.schema.messages import ENUMS, MESSAGES, VALUES
from caffe_lite.schema.paths import read_binary, read_text, to_bytes, write_binary, write_text
from caffe_lite.schema.text_reader import parse_text
from caffe_lite.schema.text_writer import format_text

__all__ = [
    "Message",
    "array_to_blob",
    "blob_shape",
    "blob_to_array",
    "format_text",
    "parse_binary",
    "parse_text",
    "read_binary",
    "read_text",
    "to_bytes",
    "write_binary",
    "write_text",
]

globals().update(MESSAGES, **ENUMS, **VALUES)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
