"""What of a net is drawn, in which shape, colour and words."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.errors import GraphError, ParameterError
from caffe_lite.report.dot import Edge, Graph, Node, dot_source
from caffe_lite.report.draw import draw_net, net_graph
from caffe_lite.upgrade import upgrade_net

NET = """
name: "small"
layer { name: "pairs" type: "Data" top: "data" top: "sim" include { phase: TRAIN } data_param { batch_size: 64 } }
layer { name: "pairs" type: "Data" top: "data" top: "sim" include { phase: TEST } data_param { batch_size: 100 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 0.05 }
        convolution_param { num_output: 20 kernel_size: 5 stride: 2 } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 3 pad: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 500 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "sim" top: "loss" include { phase: TRAIN } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "sim" top: "accuracy" include { phase: TEST } }
"""
V1 = """
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 3 convolution_param { num_output: 7 } }
"""
V0 = """
input: "data" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
layers { layer { name: "fc" type: "innerproduct" num_output: 9 } bottom: "data" top: "fc" }
"""


def graph_of(text: str, **options: object) -> Graph:
    return net_graph(upgrade_net(schema.parse_text(text, schema.NetParameter)), **options)  # type: ignore[arg-type]


def layers(drawing: Graph) -> dict[str, Node]:
    return {key[1]: node for key, node in drawing.nodes.items() if key[0] == "layer"}


def blobs(drawing: Graph) -> dict[str, str]:
    return {key[1]: node.shape for key, node in drawing.nodes.items() if key[0] == "blob"}


def test_layers_have_the_colour_of_their_kind() -> None:
    colors = {name: node.color for name, node in layers(graph_of(NET)).items()}
    assert colors == {
        "pairs": "#6495ED",
        "conv": "#FF5050",
        "pool": "#FF9900",
        "ip": "#CC33FF",
        "relu": "#90EE90",
        "loss": "#6495ED",
        "accuracy": "#6495ED",
    }
    assert {node.shape for node in layers(graph_of(NET)).values()} == {"record"}


def test_blobs_are_octagons_and_outputs_ellipses() -> None:
    assert blobs(graph_of(NET)) == {
        "data": "octagon",
        "sim": "octagon",
        "conv": "octagon",
        "pool": "octagon",
        "ip": "octagon",
        "loss": "ellipse",
        "accuracy": "ellipse",
    }


def test_labels_say_what_a_layer_does() -> None:
    found = layers(graph_of(NET))
    assert found["conv"].label == "conv\n(Convolution)\nkernel size: 5\nstride: 2\npad: 0"
    assert found["pool"].label == "pool\n(Pooling AVE)\nkernel size: 3\nstride: 1\npad: 1"
    assert found["ip"].label == "ip\n(InnerProduct)"
    assert found["pairs"].label == "pairs\n(Data)"


@pytest.mark.parametrize(("rankdir", "separator"), [("LR", "\n"), ("RL", "\n"), ("TB", " "), ("BT", " ")])
def test_words_go_where_there_is_room(rankdir: str, separator: str) -> None:
    drawing = graph_of(NET, rankdir=rankdir)
    assert drawing.rankdir == rankdir
    assert layers(drawing)["ip"].label == f"ip{separator}(InnerProduct)"
    assert layers(drawing)["conv"].label.split(separator)[-1] in ("pad: 0", "0")


@pytest.mark.parametrize(
    ("kind", "parameters", "label"),
    [
        (
            "Convolution",
            "convolution_param { kernel_h: 3 kernel_w: 5 pad_h: 1 pad_w: 2 stride_h: 2 stride_w: 2 }",
            "3x5 2 1x2",
        ),
        (
            "Convolution",
            "convolution_param { kernel_size: 3 kernel_size: 4 kernel_size: 5 stride: 2 pad: 1 }",
            "3x4x5 2 1",
        ),
        ("Deconvolution", "convolution_param { num_output: 2 }", "1 1 0"),
        ("Pooling", "pooling_param { kernel_h: 3 kernel_w: 5 stride: 2 }", "3x5 2 0"),
        ("Pooling", "pooling_param { global_pooling: true }", "global 1 0"),
    ],
)
def test_sizes_of_windows(kind: str, parameters: str, label: str) -> None:
    node = layers(graph_of(f'layer {{ name: "x" type: "{kind}" bottom: "a" top: "b" {parameters} }}'))["x"]
    assert " ".join(line.split(": ")[1] for line in node.label.split("\n")[2:]) == label


def test_edges_tell_channels_and_batches() -> None:
    labels = [(edge.tail[1], edge.head[1], edge.label) for edge in graph_of(NET).edges if edge.label]
    assert labels == [
        ("pairs", "data", "Batch 64"),
        ("pairs", "sim", "Batch 64"),
        ("pairs", "data", "Batch 100"),
        ("pairs", "sim", "Batch 100"),
        ("conv", "conv", "20"),
        ("ip", "ip", "500"),
    ]
    assert not any(edge.label for edge in graph_of(NET, label_edges=False).edges)


def test_in_place_layers_hang_on_their_blob() -> None:
    relu = ("layer", "relu", "ReLU")
    edges = [edge for edge in graph_of(NET).edges if relu in (edge.tail, edge.head)]
    assert edges == [Edge(("blob", "ip"), relu), Edge(relu, ("blob", "ip"))]


def test_phases() -> None:
    train, test = graph_of(NET, phase=schema.TRAIN), graph_of(NET, phase=schema.TEST)
    assert set(layers(train)) == {"pairs", "conv", "pool", "ip", "relu", "loss"}
    assert set(layers(test)) == {"pairs", "conv", "pool", "ip", "relu", "accuracy"}
    assert {edge.label for edge in test.edges} == {"", "Batch 100", "20", "500"}


def test_a_phase_keeps_the_stages_of_the_file() -> None:
    layer = 'layer { name: "x" type: "ReLU" bottom: "a" top: "b" include { stage: "deploy" } }'
    text = f'state {{ stage: "deploy" }} {layer}'
    assert set(layers(graph_of(text, phase=schema.TEST))) == {"x"}


def test_contradicting_rules() -> None:
    with pytest.raises(GraphError, match="'x'"):
        graph_of(
            'layer { name: "x" type: "ReLU" include { phase: TRAIN } exclude { phase: TEST } }',
            phase=schema.TRAIN,
        )


def test_learning_rate_multipliers() -> None:
    found = layers(graph_of(NET, display_lrm=True))
    assert found["conv"].label.endswith("\npad: 0\nlr mult: 1.0, 0.05")
    assert found["ip"].label == "ip\n(InnerProduct)\nlr mult: 1.0, 1.0"
    assert "lr mult" not in found["pool"].label + found["relu"].label
    assert "lr mult" not in "".join(node.label for node in layers(graph_of(NET)).values())


def test_frozen_layers_show_no_multiplier() -> None:
    text = 'layer { name: "x" type: "InnerProduct" bottom: "a" top: "b" param { lr_mult: 0 } param { lr_mult: 0 } }'
    assert "lr mult" not in layers(graph_of(text, display_lrm=True))["x"].label


def test_old_nets() -> None:
    assert layers(graph_of(V1, display_lrm=True))["conv"].label == (
        "conv\n(Convolution)\nkernel size: 1\nstride: 1\npad: 0\nlr mult: 3.0, 1.0"
    )
    assert layers(graph_of(V0))["fc"] == Node("fc\n(InnerProduct)", "record", "#CC33FF")


def test_dot_source() -> None:
    text = 'layer { name: "x:y" type: "InnerProduct" bottom: "<a>" top: "b" inner_product_param { num_output: 2 } }'
    assert dot_source(graph_of(text)).splitlines() == [
        'digraph "Net" {',
        "  rankdir=LR;",
        r'  n0 [label="x:y\n(InnerProduct)", shape=record, style=filled, fillcolor="#CC33FF"];',
        r'  n1 [label="\<a\>", shape=octagon, style=filled, fillcolor="#E0E0E0"];',
        '  n2 [label="b", shape=ellipse];',
        "  n1 -> n0;",
        '  n0 -> n2 [label="2"];',
        "}",
    ]


def test_unknown_direction_and_ending(tmp_path: Path) -> None:
    net = schema.NetParameter()
    with pytest.raises(ParameterError, match=r"'XY'.*LR, RL, TB, BT"):
        draw_net(net, tmp_path / "net.svg", rankdir="XY")
    with pytest.raises(ParameterError, match=r"net\.bmp: .*\.svg, \.png, \.jpg, \.jpeg, \.pdf, \.dot, \.gv, \.raw"):
        draw_net(net, tmp_path / "net.bmp")
    assert not list(tmp_path.iterdir())


def test_a_net_without_layers(tmp_path: Path) -> None:
    draw_net(schema.NetParameter(), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").stat().st_size
