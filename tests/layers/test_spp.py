"""SPP: gradients, grids, and complaints."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import ParameterError, ShapeError


def layer(fields):
    return f'layer {{ name: "l" type: "SPP" bottom: "x" top: "y" spp_param {{ {fields} }} }}'


@pytest.mark.parametrize(("fields", "phase"), [
    ("pyramid_height: 3", schema.TRAIN), ("pyramid_height: 2 pool: AVE", schema.TRAIN), ("pyramid_height: 1", schema.TRAIN),
    ("pyramid_height: 1 pool: STOCHASTIC", schema.TEST),
])
def test_gradient(fields, phase):
    x = np.random.default_rng(1).permutation(2 * 3 * 9 * 7).reshape(2, 3, 9, 7) / 10.0 + 0.1  # no two close
    check_gradient(layer(fields), {"x": x}, phase=phase)


def test_grids_of_any_size():
    net = make_net(input_layers(x=(2, 3, 8, 4)) + layer("pyramid_height: 3"))
    assert net.blobs["y"].shape == (2, 3 * (1 + 4 + 16))
    net.blobs["x"].reshape((1, 3, 13, 12))
    net.blobs["x"].data[...] = np.arange(3 * 13 * 12).reshape(1, 3, 13, 12)
    net.forward()
    y = net.blobs["y"].data
    assert y.shape == (1, 3 * (1 + 4 + 16))
    assert y[0, :3].tolist() == [155, 311, 467]
    assert y[0, 3:7].tolist() == [5 * 12 + 5, 5 * 12 + 11, 12 * 12 + 5, 12 * 12 + 11]  # of 7 rows, the first is padding


@pytest.mark.parametrize(("shape", "fields", "error", "message"), [
    ((2, 3, 4, 5), "", ParameterError, "pyramid_height must be 1 or more"),
    ((2, 3, 9, 5), "pyramid_height: 4", ParameterError, "4 x 4 is too fine for the planes of 9 x 5.*make pyramid_height 2"),
    ((2, 3, 4), "pyramid_height: 2", ShapeError, r"must have 4 axes.*\(2, 3, 4\)"),
])
def test_what_cannot_be(shape, fields, error, message):
    with pytest.raises(error, match=rf"layer 'l' \(SPP\): .*{message}"):
        make_net(input_layers(x=shape) + layer(fields))
