"""Nets read from files come in the current form, and errors name the file."""

import pytest

from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter, parse_text, write_binary, write_text
from caffe_lite.upgrade import read_net, read_net_binary

OLD = parse_text('layers { name: "c" type: CONVOLUTION blobs { num: 1 data: 0.5 } }', NetParameter)
NEW = parse_text('layer { name: "c" type: "Convolution" blobs { num: 1 data: 0.5 } }', NetParameter)


def test_nets(tmp_path):
    write_text(tmp_path / "net.prototxt", OLD)
    write_binary(tmp_path / "net.caffemodel", OLD)
    assert read_net(tmp_path / "net.prototxt") == NEW == read_net_binary(tmp_path / "net.caffemodel")


def test_the_file_is_named(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text('layers { layer { name: "l" type: "nothing" } }')
    with pytest.raises(SchemaError, match=f"^{path}: Layer l: there is no type nothing"):
        read_net(path)
