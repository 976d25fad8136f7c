"""Splits are inserted where and named as Caffe does."""

import pytest

from caffe_lite import schema
from caffe_lite.errors import GraphError
from caffe_lite.graph import insert_splits


def wired(text):
    net = insert_splits(schema.parse_text(text, schema.NetParameter))
    return [
        (layer.name, layer.type, list(layer.bottom), list(layer.top), list(layer.loss_weight)) for layer in net.layer
    ]


def test_one_reader_needs_no_split():
    text = 'layer { name: "a" top: "x" } layer { name: "b" bottom: "x" top: "y" }'
    assert [layer[0] for layer in wired(text)] == ["a", "b"]


def test_second_top_read_twice():
    assert wired(
        'layer { name: "data" top: "data" top: "label" }'
        'layer { name: "p" bottom: "data" bottom: "label" top: "p" }'
        'layer { name: "q" bottom: "label" top: "q" }'
    ) == [
        ("data", "", [], ["data", "label"], []),
        ("label_data_1_split", "Split", ["label"], ["label_data_1_split_0", "label_data_1_split_1"], []),
        ("p", "", ["data", "label_data_1_split_0"], ["p"], []),
        ("q", "", ["label_data_1_split_1"], ["q"], []),
    ]


def test_in_place_makes_a_new_version():
    layers = wired(
        'layer { name: "a" top: "x" } layer { name: "relu" bottom: "x" top: "x" }'
        'layer { name: "p" bottom: "x" top: "p" } layer { name: "q" bottom: "x" top: "q" }'
    )
    assert [layer[0] for layer in layers] == ["a", "relu", "x_relu_0_split", "p", "q"]
    assert layers[1][2:4] == (["x"], ["x"])
    assert layers[4][2] == ["x_relu_0_split_1"]


def test_a_loss_that_is_read_is_split_and_moves_its_weight():
    layers = wired(
        'layer { name: "a" top: "x" } layer { name: "l" bottom: "x" top: "loss" loss_weight: 3 }'
        'layer { name: "r" bottom: "loss" top: "y" }'
    )
    assert layers[1:] == [
        ("l", "", ["x"], ["loss"], []),
        ("loss_l_0_split", "Split", ["loss"], ["loss_l_0_split_0", "loss_l_0_split_1"], [3, 0]),
        ("r", "", ["loss_l_0_split_1"], ["y"], []),
    ]


def test_unknown_bottom_says_what_is_there():
    with pytest.raises(GraphError, match=r"Unknown bottom blob 'z' \(layer 'b', bottom index 1\); blobs.*: x, y"):
        wired('layer { name: "a" top: "y" top: "x" } layer { name: "b" bottom: "x" bottom: "z" }')


def test_bottom_produced_later():
    with pytest.raises(GraphError, match="layer 'c' produces it, but only from there on"):
        wired('layer { name: "a" top: "y" } layer { name: "b" bottom: "z" } layer { name: "c" top: "z" }')
