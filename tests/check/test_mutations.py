"""Nets with one thing changed: the check finds an error if, and only if, the net is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe_lite import schema
from caffe_lite.check import ERROR, check_file
from caffe_lite.check.quiet import listening
from caffe_lite.errors import CaffeError
from caffe_lite.net import Net
from caffe_lite.upgrade import read_net

LENET = """name: "small"
layer { name: "in" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 3 dim: 2 dim: 14 dim: 12 } shape { dim: 3 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { name: "w" lr_mult: 1 }
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" param { name: "v" }
  convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "norm" type: "BatchNorm" bottom: "conv2" top: "conv2" }
layer { name: "scale" type: "Scale" bottom: "conv2" top: "conv2" scale_param { bias_term: true } }
layer { name: "side" type: "Convolution" bottom: "pool1" top: "side" convolution_param { num_output: 6 kernel_size: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "conv2" bottom: "side" top: "sum" }
layer { name: "halves" type: "Slice" bottom: "sum" top: "left" top: "right" slice_param { slice_point: 2 } }
layer { name: "both" type: "Concat" bottom: "right" bottom: "left" top: "both" }
layer { name: "conv3" type: "Convolution" bottom: "data" top: "conv3" param { name: "w" }
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "quiet" type: "Silence" bottom: "conv3" }
layer { name: "ip" type: "InnerProduct" bottom: "both" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
STATE = schema.NetState(phase=schema.TRAIN)


def blobs_of(net: Any) -> list[str]:
    return sorted({name for layer in net.layer for name in (*layer.bottom, *layer.top)} | {"nobody"})


@st.composite
def changed(draw: Any) -> Any:
    """The net with a layer gone, doubled or moved, a blob renamed, a type, a size or a shared parameter changed."""
    net = schema.parse_text(LENET, schema.NetParameter)
    for _ in range(draw(st.integers(1, 3))):
        layers = list(net.layer)
        i = draw(st.integers(0, len(layers) - 1))
        kind = draw(st.sampled_from(["delete", "double", "move", "bottom", "top", "type", "size", "share", "count"]))
        layer = net.layer[i]
        if kind == "delete":
            del net.layer[i]
        elif kind == "double":
            net.layer.add().CopyFrom(layer)
        elif kind == "move":
            moved = type(layer)()
            moved.CopyFrom(layer)
            del net.layer[i]
            net.layer.append(moved)
        elif kind in ("bottom", "top") and getattr(layer, kind):
            names = getattr(layer, kind)
            names[draw(st.integers(0, len(names) - 1))] = draw(st.sampled_from(blobs_of(net)))
        elif kind == "count":
            getattr(layer, draw(st.sampled_from(["bottom", "top"]))).append(draw(st.sampled_from(blobs_of(net))))
        elif kind == "type":
            layer.type = draw(st.sampled_from(["ReLU", "Relu", "Pooling", "InnerProduct", "Flatten", "EuclideanLoss",
                                               "BatchNorm", "Split", "Dropout", "LSTM", "Reshape"]))
        elif kind == "size":
            size = draw(st.integers(0, 16))
            layer.convolution_param.kernel_size[:] = [size]
            layer.pooling_param.kernel_size = size
            layer.inner_product_param.num_output = size
            layer.slice_param.slice_point[:] = [size]
        elif kind == "share":
            layer.param.add(name=draw(st.sampled_from(["w", "v", ""])), lr_mult=draw(st.sampled_from([0, 1])))
        if not net.layer:
            break
    return net


def refusal(path: Path) -> str:
    """What keeps the net from being built, or nothing."""
    with listening():
        try:
            param = read_net(path)
            param.state.CopyFrom(STATE)
            Net(param, named_by=path).close()
        except CaffeError as error:
            return str(error)
    return ""


def found(path: Path) -> list[str]:
    return [finding.message for finding in check_file(str(path), [STATE]) if finding.severity == ERROR]


@given(changed())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_error_if_and_only_if_the_net_is_refused(tmp_path: Path, net: Any) -> None:
    path = tmp_path / "net.prototxt"
    schema.write_text(path, net)
    why = refusal(path)
    errors = found(path)
    assert bool(errors) == bool(why), (why, errors)


def test_the_net_itself_is_good(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(LENET)
    assert check_file(str(path)) == []
    assert refusal(path) == ""


@pytest.mark.parametrize(("old", "new"), [
    ('"Pooling"', '"Pooing"'), ("kernel_size: 2", "kernel_size: 20"), ('bottom: "sum"', 'bottom: "summ"'),
    ("slice_point: 2", "slice_point: 6"), ("dim: 3 }", "dim: 4 }"), ('"xavier"', '"xavir"'),
    ("num_output: 6 kernel_size: 3", "num_output: 5 kernel_size: 3"), ("kernel_size: 2 stride", "kernel_size: two stride")])
def test_the_first_error_is_that_of_the_net(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(LENET.replace(old, new, 1))
    why = refusal(path)
    errors = check_file(str(path), [STATE])
    assert any(" ".join(error.message.split()) in " ".join(why.split()) for error in errors), (why, errors)
