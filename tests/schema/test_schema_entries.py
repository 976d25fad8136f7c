"""The schema has what Caffe's has, entry by entry, and the compiled set is that of proto/caffe.proto.

``tests/data/schema/schema.json`` lists the messages, fields and enums of BVLC Caffe 1.0 (commit 9b89154).
"""

import copy
import json
import pickle
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from caffe_lite import schema
from caffe_lite.schema.messages import CAFFE

ROOT = Path(__file__).resolve().parents[2]
RECORDED = json.loads((ROOT / "tests/data/schema/schema.json").read_text())
FieldProto = type(FileDescriptorProto().message_type.add().field.add())


def enum_entries(enums):
    return {enum.name: {value.name: value.number for value in enum.value} for enum in enums}


def default(field):
    """A default as the recording writes it: numbers as numbers, anything else as text."""
    text = field.default_value if isinstance(field, FieldProto) else field["default"]
    try:
        return float(text)
    except ValueError:
        return text


def field_entry(field):
    entry = {
        "number": field.number,
        "label": FieldProto.Label.Name(field.label)[len("LABEL_") :].lower(),
        "type": FieldProto.Type.Name(field.type)[len("TYPE_") :].lower(),
    }
    if field.type_name:
        entry["type_name"] = field.type_name
    if field.HasField("default_value"):
        entry["default"] = default(field)
    if field.options.packed:
        entry["packed"] = True
    return entry


def test_top_level():
    assert (RECORDED["package"], RECORDED["syntax"]) == (CAFFE.package, CAFFE.syntax or "proto2")
    assert enum_entries(CAFFE.enum_type) == RECORDED["enums"]
    assert {message.name for message in CAFFE.message_type} == set(RECORDED["messages"])


@pytest.mark.parametrize("message", CAFFE.message_type, ids=lambda message: message.name)
def test_message(message):
    recorded = RECORDED["messages"][message.name]
    fields = {
        name: {**entry, **({"default": default(entry)} if "default" in entry else {})}
        for name, entry in recorded["fields"].items()
    }
    assert {field.name: field_entry(field) for field in message.field} == fields
    assert enum_entries(message.enum_type) == recorded.get("enums", {})
    assert not message.nested_type
    assert not message.extension


def test_committed_sets_are_compiled_from_the_protos():
    pytest.importorskip("grpc_tools", reason="grpcio-tools has the compiler; it is in the test extra")
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from make_schema import DESCRIPTOR_SETS, compile_schema
    finally:
        sys.path.pop(0)
    assert len(DESCRIPTOR_SETS) == 2
    for proto, compiled in DESCRIPTOR_SETS.items():
        assert compile_schema(proto) == compiled.read_bytes(), "run python tools/make_schema.py"


def test_public_names():
    assert schema.Phase.Name(schema.TEST) == "TEST"
    assert (schema.TRAIN, schema.SolverParameter.GPU) == (0, 1)
    assert schema.SolverParameter.SolverMode.Name(0) == "CPU"
    assert schema.NetState().phase == schema.TEST


def test_messages_can_be_copied_and_pickled():
    net = schema.NetParameter(name="n", layer=[schema.LayerParameter(name="l", phase=schema.TRAIN)])
    assert copy.deepcopy(net) == net == pickle.loads(pickle.dumps(net))
    assert copy.deepcopy(net) is not net
