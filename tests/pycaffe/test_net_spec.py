"""Nets written in Python."""

# ruff: noqa: C408  (dict(...) is how people write NetSpecs)

import copy
import re

import caffe
import numpy as np
import pytest
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Function, Top, assign_proto, param_name_dict
from caffe.proto import caffe_pb2

from caffe_lite import schema
from caffe_lite.errors import GraphError


def same(proto, text):
    assert schema.format_text(proto) == schema.format_text(schema.parse_text(text, schema.NetParameter))


def test_a_net():
    net = caffe.NetSpec()
    net.data, net.label = L.Data(batch_size=6, backend=P.Data.LMDB, source="digits", transform_param=dict(scale=0.5), ntop=2)
    net.conv1 = L.Convolution(net.data, kernel_size=5, num_output=20, pad=[1, 2], weight_filler=dict(type="xavier"),
                              param=[dict(lr_mult=1), dict(lr_mult=2)])  # fmt: skip
    net.relu1 = L.ReLU(net.conv1, in_place=True)
    net["pool1"] = L.Pooling(net.relu1, pool=P.Pooling.AVE, kernel_size=2)
    net.score = L.InnerProduct(net["pool1"], num_output=10, name="ip", inner_product_param=dict(bias_term=False))
    net.loss = L.SoftmaxWithLoss(net.score, net.label, loss_weight=3, include=dict(phase=caffe.TRAIN))
    same(net.to_proto(), """
        layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.5 }
                data_param { source: "digits" batch_size: 6 backend: LMDB } }
        layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 } param { lr_mult: 2 }
                convolution_param { num_output: 20 pad: 1 pad: 2 kernel_size: 5 weight_filler { type: "xavier" } } }
        layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
        layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: AVE kernel_size: 2 } }
        layer { name: "ip" type: "InnerProduct" bottom: "pool1" top: "score"
                inner_product_param { num_output: 10 bias_term: false } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_weight: 3
                include { phase: TRAIN } }
    """)


def test_names_that_nobody_gave():
    data = L.Input(shape=[dict(dim=[2, 3]), dict(dim=4)], ntop=2)
    first = L.ReLU(L.InnerProduct(data[0], num_output=5), in_place=True)
    second = L.InnerProduct(first, num_output=6)
    spec = caffe.NetSpec()
    spec.out = L.Eltwise(second, first)
    for net, name in ((spec.to_proto(), "out"), (spec.out.to_proto(), "Eltwise1"), (caffe.to_proto(spec.out), "Eltwise1")):
        same(net, f"""
            layer {{ name: "Input1" type: "Input" top: "Input1" top: "Input2"
                    input_param {{ shape {{ dim: 2 dim: 3 }} shape {{ dim: 4 }} }} }}
            layer {{ name: "InnerProduct1" type: "InnerProduct" bottom: "Input1" top: "InnerProduct1"
                    inner_product_param {{ num_output: 5 }} }}
            layer {{ name: "ReLU1" type: "ReLU" bottom: "InnerProduct1" top: "InnerProduct1" }}
            layer {{ name: "InnerProduct2" type: "InnerProduct" bottom: "InnerProduct1" top: "InnerProduct2"
                    inner_product_param {{ num_output: 6 }} }}
            layer {{ name: "{name}" type: "Eltwise" bottom: "InnerProduct2" bottom: "InnerProduct1" top: "{name}" }}
        """)


def test_several_tops_and_shared_layers():
    data = L.DummyData(shape=dict(dim=3))
    one, two = L.ReLU(data), L.TanH(data)
    net = caffe.to_proto(one, two, one)
    assert [layer.name for layer in net.layer] == ["DummyData1", "ReLU1", "TanH1"]


def test_bottoms_come_in_their_order():
    one, two = L.Input(shape={"dim": 3}), L.DummyData(shape={"dim": 3})
    net = L.Eltwise(L.ReLU(one), L.TanH(two)).to_proto()
    assert [layer.name for layer in net.layer] == ["Input1", "ReLU1", "DummyData1", "TanH1", "Eltwise1"]


def test_layers_without_tops():
    net = caffe.NetSpec()
    net.data, net.more = L.DummyData(shape=dict(dim=3), ntop=2)
    net.quiet = L.Silence(net.data, ntop=0)
    assert isinstance(net.quiet, Function)
    net.other = L.Silence(net.more, ntop=0)
    assert [layer.name for layer in net.to_proto().layer] == ["data", "quiet", "other"]
    assert [list(layer.top) for layer in net.to_proto().layer] == [["data", "more"], [], []]


def test_a_python_layer_and_forks_layers():
    net = caffe.to_proto(L.Python(module="m", layer="l", param_str="{}", ntop=1), L.Permute(L.Input(), order=[0, 2, 1]))
    assert net.layer[0].python_param.module == "m"
    assert list(net.layer[2].permute_param.order) == [0, 2, 1]


def test_deep_nets():
    top = L.Input(shape=dict(dim=[1]))
    for _ in range(3000):
        top = L.ReLU(top)
    assert len(top.to_proto().layer) == 3001


def test_the_order_is_that_of_the_assignments():
    net = caffe.NetSpec()
    net.b = L.Input()
    net.a = L.Input()
    assert [layer.name for layer in net.to_proto().layer] == ["b", "a"]
    assert list(net.tops) == ["b", "a"]
    assert isinstance(net.a, Top)
    assert (net.a.n, net.a.fn.type_name) == (0, "Input")


def test_enums_by_name():
    assert P.Pooling.MAX == 0
    assert P.Eltwise.SUM == 1
    assert P.Loss.VALID == caffe_pb2.LossParameter.VALID
    assert L.LRN(L.Input(), norm_region=P.LRN.WITHIN_CHANNEL).to_proto().layer[1].lrn_param.norm_region == 1


def test_the_fields_by_layer_type():
    names = param_name_dict()
    assert (names["InnerProduct"], names["HDF5Data"], names["ReLU"]) == ("inner_product", "hdf5_data", "relu")


def test_assign_proto():
    layer = caffe_pb2.LayerParameter()
    assign_proto(layer, "name", "x")
    assign_proto(layer, "loss_weight", 2)
    assign_proto(layer, "loss_weight", (3, 4))
    assign_proto(layer, "convolution_param", {"kernel_size": np.int64(3), "weight_filler": {"std": np.float32(0.5)}})
    assign_proto(layer, "param", [{"lr_mult": 1}, {}])
    assert (layer.name, list(layer.loss_weight), len(layer.param)) == ("x", [2, 3, 4], 2)
    assert (list(layer.convolution_param.kernel_size), layer.convolution_param.weight_filler.std) == ([3], 0.5)


def test_a_top_that_is_none():
    data = L.DummyData(ntop=2)
    with pytest.raises(TypeError, match=r"^Silence input 0 is not a Top \(type is <class 'tuple'>\)$"):
        L.Silence(data, ntop=0)
    L.Silence(*data, ntop=0)


@pytest.mark.parametrize(
    ("error", "message", "top"),
    [
        (AttributeError, "layer 'x' (Convolution): kernle_size=3 cannot be", lambda: L.Convolution(kernle_size=3)),
        (TypeError, "layer 'x' (Convolution): num_output='3' cannot be", lambda: L.Convolution(num_output="3")),
        (ValueError, "layer 'x' (Convolution): num_output=-3 cannot be", lambda: L.Convolution(num_output=-3)),
        (GraphError, "x is a tuple, and no blob", lambda: L.Data(ntop=2)),
    ],
)
def test_mistakes(error, message, top):
    net = caffe.NetSpec()
    net.x = top()
    with pytest.raises(error, match=re.escape(message)):
        net.to_proto()


def test_a_blob_that_is_not_there():
    net = caffe.NetSpec()
    net.a = L.Input()
    with pytest.raises(KeyError, match="no blob of this name, only a"):
        net["b"]
    assert not hasattr(net, "b")
    assert list(copy.copy(net).tops) == ["a"]


def test_it_becomes_a_net(tmp_path):
    net = caffe.NetSpec()
    net.data = L.Input(shape=dict(dim=[3, 2]))
    net.ip = L.InnerProduct(net.data, num_output=4, weight_filler=dict(type="constant", value=2))
    (tmp_path / "net.prototxt").write_text(str(net.to_proto()))
    out = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST).forward(data=np.ones((3, 2)))
    assert out["ip"].tolist() == [[4] * 4] * 3
