"""``caffe.draw``."""

import shutil
from pathlib import Path

import caffe.draw
import pytest
from caffe.proto import caffe_pb2
from google.protobuf import text_format
from support.pycaffe import NET

from caffe_lite.errors import ParameterError
from caffe_lite.report import render

POOL = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 pad: 1 }'
IP = 'type: "InnerProduct" inner_product_param { num_output: 9 } param { lr_mult: 1 } param { lr_mult: 2 }'


def parsed(text, cls=caffe_pb2.NetParameter):
    return text_format.Merge(text, cls())


def layer(text):
    return parsed(f'name: "n" {text}', caffe_pb2.LayerParameter)


@pytest.mark.parametrize(
    ("ext", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("jpg", b"\xff\xd8"), ("raw", b"digraph"), ("dot", b"digraph")]
)
def test_draw_net(tmp_path, ext, begin):
    picture = caffe.draw.draw_net(parsed(NET), "TB", ext)
    assert picture.startswith(begin)
    caffe.draw.draw_net_to_file(parsed(NET), str(tmp_path / f"net.{ext}"), "TB")
    assert (tmp_path / f"net.{ext}").read_bytes().startswith(begin)


def test_the_graph(tmp_path):
    graph = caffe.draw.get_pydot_graph(parsed(NET), "LR")
    assert graph.create(format="raw").decode() == graph.to_string()
    assert 'label="6"' in graph.to_string()
    assert 'label="6"' not in caffe.draw.get_pydot_graph(parsed(NET), "LR", label_edges=False).to_string()
    assert graph.write(tmp_path / "x", format="raw")
    assert (tmp_path / "x").read_text() == graph.to_string()
    with pytest.raises(ParameterError, match="'gif'; give one of svg, png"):
        graph.create("gif")


def test_the_phase():
    for phase, there in ((caffe_pb2.TRAIN, False), (caffe_pb2.TEST, True), (None, True)):
        assert ("(Softmax)" in caffe.draw.draw_net(parsed(NET), "LR", "raw", phase).decode()) is there


def test_old_nets_are_drawn():
    old = parsed('layers { name: "c" type: CONVOLUTION bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 3 } }')
    drawn = caffe.draw.draw_net(old, "TB", "raw").decode()
    assert "c (Convolution) kernel size: 3 stride: 1 pad: 0" in drawn.replace("\xa0", " ")
    assert len(old.layers) == 1


def test_the_multipliers():
    assert "lr mult: 1.0, 2.0" in caffe.draw.draw_net(parsed(f'layer {{ name: "n" {IP} }}'), "TB", "raw",
                                                     display_lrm=True).decode().replace("\xa0", " ")  # fmt: skip
    assert caffe.draw.get_layer_lr_mult(layer(IP)) == (1, 2)
    assert caffe.draw.get_layer_lr_mult(layer('type: "Convolution" param { lr_mult: 0.5 }')) == (0.5, 1)
    with pytest.raises(ValueError, match="Pooling layers do not have a learning rate multiplier"):
        caffe.draw.get_layer_lr_mult(layer(POOL))


def test_labels():
    label = caffe.draw.get_layer_label
    assert label(layer(POOL), "TB") == '"n (Pooling STOCHASTIC) kernel size: 3 stride: 2 pad: 1"'
    assert label(layer(POOL), "LR") == r'"n\n(Pooling STOCHASTIC)\nkernel size: 3\nstride: 2\npad: 1"'
    assert label(layer(IP), "BT") == '"n (InnerProduct)"'
    assert label(layer(IP), "BT", display_lrm=True) == '"n (InnerProduct) lr mult: 1.0, 2.0"'
    assert [caffe.draw.get_edge_label(layer(text)) for text in (IP, POOL, 'type: "Data" data_param { batch_size: 8 }')] == [
        "9", '""', "Batch 8"]  # fmt: skip
    assert caffe.draw.get_pooling_types_dict() == {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}
    colors = [caffe.draw.choose_color_by_layertype(name) for name in ("Convolution", "Pooling", "InnerProduct", "LRN")]
    assert colors == ["#FF5050", "#FF9900", "#CC33FF", "#6495ED"]


@pytest.mark.skipif(shutil.which("dot") is not None, reason="Graphviz's dot is installed, which draws pdf too")
def test_a_format_that_nothing_here_draws():
    assert "pdf" in render.PICTURES
    with pytest.raises(Exception, match="Graphviz's own 'dot'"):
        caffe.draw.draw_net(parsed(NET), "LR", "pdf")


def test_all_the_examples_are_drawn():
    examples = Path(__file__).parents[2] / "examples"
    nets = [path for path in sorted(examples.rglob("*.prototxt")) if "solver" not in path.name]
    assert len(nets) > 5
    for path in nets:
        assert caffe.draw.draw_net(parsed(path.read_text()), "LR", "raw").count(b"->") > 5
