"""The message classes, made from the descriptor sets ``caffe.desc`` and ``forks.desc`` in a descriptor pool of our own.

Generated code would have to match the installed protobuf and would clash with any other copy of Caffe's
schema in the process. A private pool does neither, on protobuf 3.20 and later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

ADDITIONS = "Additions"
"""How a message's name ends that only adds fields to another one."""


def _load(name: str) -> FileDescriptorProto:
    path = Path(__file__).with_name(name)
    return FileDescriptorSet.FromString(path.read_bytes()).file[0]


def _merge(caffe: FileDescriptorProto, forks: FileDescriptorProto) -> FileDescriptorProto:
    """Caffe's messages with what the forks add to them, and the forks' own."""
    merged = FileDescriptorProto()
    merged.CopyFrom(caffe)
    messages = {message.name: message for message in merged.message_type}
    for message in forks.message_type:
        if message.name.endswith(ADDITIONS):
            messages[message.name[: -len(ADDITIONS)]].field.extend(message.field)
        else:
            merged.message_type.add().CopyFrom(message)
    return merged


def _message_class(descriptor: Any) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        cls = message_factory.GetMessageClass(descriptor)
    else:  # protobuf before 4.22
        cls = message_factory.MessageFactory(_POOL).GetPrototype(descriptor)
    cls.__module__ = "caffe_lite.schema"  # where pickle finds it
    return cls


CAFFE, FORKS = _load("caffe.desc"), _load("forks.desc")
"""What proto/caffe.proto and proto/forks.proto say, as protobuf's own ``FileDescriptorProto``."""

FILE = _merge(CAFFE, FORKS)
"""Both in one: every message and field that a file may have."""

_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(FILE.SerializeToString())

MESSAGES: dict[str, Any] = {
    entry.name: _message_class(_POOL.FindMessageTypeByName(f"{FILE.package}.{entry.name}"))
    for entry in FILE.message_type
}
"""Every message class by its name."""

ENUMS: dict[str, Any] = {
    entry.name: EnumTypeWrapper(_POOL.FindEnumTypeByName(f"{FILE.package}.{entry.name}")) for entry in FILE.enum_type
}
"""Every top-level enum by its name."""

VALUES: dict[str, int] = {value.name: value.number for entry in FILE.enum_type for value in entry.value}
"""The values of the top-level enums, which are names of the package itself in protobuf."""
