"""Weights: written, read, matched by name, refused when they do not fit."""

import logging

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import SnapshotError
from caffe_lite.snapshot import read_weights

NET = input_layers(x=(2, 3)) + """
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 2 } } }
layer { name: "last" type: "InnerProduct" bottom: "y" top: "z"
        inner_product_param { num_output: 5 bias_term: false weight_filler { type: "xavier" } } }
"""


def params(net):
    return [blob.data for layer in net.layers for blob in layer.blobs]


def test_round_trip(tmp_path):
    path = tmp_path / "net.caffemodel"
    source, target = make_net(NET, seed=1), make_net(NET, seed=2)
    assert not np.array_equal(params(source)[0], params(target)[0])
    schema.write_binary(path, source.to_proto())
    target.copy_trained_from(path)
    for a, b in zip(params(source), params(target), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [p.name for p in tmp_path.iterdir()] == ["net.caffemodel"]


def test_the_file_is_the_net_as_a_message(tmp_path):
    net = make_net(NET, seed=1)
    net.layers[1].blobs[0].diff[...] = 7
    message = net.to_proto(write_diff=True)
    layer = message.layer[1]
    assert (layer.name, layer.type, layer.phase, layer.inner_product_param.num_output) == (
        "ip", "InnerProduct", schema.TRAIN, 4)
    assert list(layer.blobs[0].shape.dim) == [4, 3]
    assert list(layer.blobs[0].diff) == [7] * 12
    assert not net.to_proto().layer[1].blobs[0].diff


def test_only_layers_of_the_same_name(caplog):
    source = make_net(NET.replace('"last"', '"other"').replace("num_output: 5", "num_output: 6"), seed=1).to_proto()
    target = make_net(NET, seed=2)
    before = target.layers[2].blobs[0].data.copy()
    with caplog.at_level(logging.INFO):
        target.copy_trained_from(source)
    np.testing.assert_array_equal(target.layers[2].blobs[0].data, before)
    np.testing.assert_array_equal(target.layers[1].blobs[0].data, schema.blob_to_array(source.layer[1].blobs[0]))
    assert "Ignoring source layer other" in caplog.messages


def test_another_shape_changes_nothing():
    target = make_net(NET, seed=2)
    before = target.layers[1].blobs[0].data.copy()
    with pytest.raises(SnapshotError, match=r"Cannot copy param 0 weights from layer 'last'; shape mismatch.*6 4 \(24\)"
                       r".*5 4 \(20\).*rename the layer"):
        target.copy_trained_from(make_net(NET.replace("num_output: 5", "num_output: 6"), seed=1).to_proto())
    np.testing.assert_array_equal(target.layers[1].blobs[0].data, before)


def test_another_count():
    with pytest.raises(SnapshotError, match="number of blobs for layer ip: the file has 1, the net needs 2"):
        make_net(NET).copy_trained_from(make_net(NET.replace("num_output: 4", "num_output: 4 bias_term: false")).to_proto())


def test_four_sizes_of_before_2015():
    message = make_net(NET, seed=1).to_proto()
    for layer in message.layer:
        for blob in layer.blobs:
            sizes = [1] * (4 - len(blob.shape.dim)) + list(blob.shape.dim)
            blob.ClearField("shape")
            blob.num, blob.channels, blob.height, blob.width = sizes
    target = make_net(NET, seed=2)
    target.copy_trained_from(message)
    np.testing.assert_array_equal(target.layers[1].blobs[0].data, make_net(NET, seed=1).layers[1].blobs[0].data)
    message.layer[1].blobs[0].num = 2
    with pytest.raises(SnapshotError):
        target.copy_trained_from(message)


def test_weights_inside_a_prototxt():
    source = make_net(NET, seed=1)
    text = schema.format_text(source.to_proto())
    target = make_net(text, seed=2)
    np.testing.assert_array_equal(params(source)[0], params(target)[0])


@pytest.mark.parametrize("cut", [1, 40, 99])
def test_truncated(tmp_path, cut):
    path = tmp_path / "net.caffemodel"
    data = make_net(NET).to_proto().SerializeToString()
    path.write_bytes(data[: len(data) * cut // 100])
    with pytest.raises(SnapshotError, match=r"net\.caffemodel is not a whole \.caffemodel"):
        read_weights(path)


def test_missing_and_empty(tmp_path):
    with pytest.raises(SnapshotError, match="no such file of weights"):
        read_weights(tmp_path / "none.caffemodel")
    schema.write_binary(tmp_path / "a.solverstate", schema.NetParameter(name="no layers"))
    with pytest.raises(SnapshotError, match=r"a\.solverstate holds no layers: .*looks like a solver state, which --snapshot"):
        read_weights(tmp_path / "a.solverstate")
    (tmp_path / "empty.caffemodel").write_bytes(b"")
    with pytest.raises(SnapshotError, match=r"empty\.caffemodel"):
        read_weights(tmp_path / "empty.caffemodel")
