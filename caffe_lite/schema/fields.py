"""The fields of each message as one small record each, for reading, writing and advice.

protobuf's own descriptors say the same, under names that change between its versions.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from caffe_lite.schema.messages import FILE


@dataclass(frozen=True)
class Field:
    """One field: ``kind`` is float, double, int32, int64, uint32, bool, string, bytes, enum or message;
    ``type_name`` the message's name where it is one; ``values`` the enum's numbers by name."""

    name: str
    number: int
    kind: str
    repeated: bool
    required: bool
    type_name: str
    values: dict[str, int]


def _enums() -> dict[str, dict[str, int]]:
    found = {f".{FILE.package}.{enum.name}": enum for enum in FILE.enum_type}
    for message in FILE.message_type:
        found |= {f".{FILE.package}.{message.name}.{enum.name}": enum for enum in message.enum_type}
    return {name: {value.name: value.number for value in enum.value} for name, enum in found.items()}


_ENUMS = _enums()


def _field(entry: FieldDescriptorProto) -> Field:
    return Field(
        name=entry.name,
        number=entry.number,
        kind=FieldDescriptorProto.Type.Name(entry.type)[len("TYPE_") :].lower(),
        repeated=entry.label == FieldDescriptorProto.LABEL_REPEATED,
        required=entry.label == FieldDescriptorProto.LABEL_REQUIRED,
        type_name=entry.type_name.rpartition(".")[2],
        values=_ENUMS.get(entry.type_name, {}),
    )


def _fields(message: DescriptorProto) -> dict[str, Field]:
    return {entry.name: _field(entry) for entry in message.field}


FIELDS: dict[str, dict[str, Field]] = {message.name: _fields(message) for message in FILE.message_type}
"""For each message's name, its fields by theirs."""
