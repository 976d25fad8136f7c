"""The messages as generated code would have them."""

import copy
import pickle

import caffe
import pytest
from caffe.proto import caffe_pb2
from google.protobuf import json_format, text_format

from caffe_lite import schema
from caffe_lite.schema.messages import FILE


def test_every_message_enum_and_value():
    for message in FILE.message_type:
        cls = getattr(caffe_pb2, message.name)
        assert cls.DESCRIPTOR.full_name == f"caffe.{message.name}"
        for enum in message.enum_type:
            for value in enum.value:
                assert getattr(cls, value.name) == getattr(cls, enum.name).Value(value.name) == value.number
        for nested in message.nested_type:
            assert getattr(cls, nested.name).DESCRIPTOR.containing_type is cls.DESCRIPTOR
    for enum in FILE.enum_type:
        assert getattr(caffe_pb2, enum.name).items() == [(value.name, value.number) for value in enum.value]
        for value in enum.value:
            assert getattr(caffe_pb2, value.name) == value.number
    assert set(caffe_pb2.DESCRIPTOR.message_types_by_name) == {message.name for message in FILE.message_type}


def test_the_usual_ones():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (caffe.TRAIN, caffe.TEST) == (0, 1)
    assert caffe_pb2.Phase.Name(1) == "TEST"
    assert caffe_pb2.V1LayerParameter.DATA == 5
    assert caffe_pb2.PoolingParameter.PoolMethod.DESCRIPTOR.values_by_name["AVE"].number == 1
    assert caffe.proto.caffe_pb2 is caffe_pb2
    assert caffe_pb2.NetParameter is schema.NetParameter


@pytest.fixture
def net():
    return text_format.Parse('name: "n" layer { name: "c" type: "Convolution" phase: TEST convolution_param { pad: 1 pad: 2 } }',
                             caffe_pb2.NetParameter())  # fmt: skip


def test_text(net):
    assert text_format.Merge(str(net), caffe_pb2.NetParameter()) == net
    assert text_format.Merge(text_format.MessageToString(net), caffe_pb2.NetParameter()) == net
    with pytest.raises(text_format.ParseError):
        text_format.Merge("nmae: 3", net)


def test_other_forms(net):
    assert caffe_pb2.NetParameter.FromString(net.SerializeToString()) == net
    assert pickle.loads(pickle.dumps(net)) == net
    assert copy.deepcopy(net) == net
    assert json_format.Parse(json_format.MessageToJson(net), caffe_pb2.NetParameter()) == net
    assert net.layer[0].HasField("convolution_param")
    assert [field.name for field, _ in net.ListFields()] == ["name", "layer"]
