"""ReLU: both slopes, in place, and what is no number."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

LAYER = 'layer {{ name: "r" type: "ReLU" bottom: "x" top: "{top}" relu_param {{ negative_slope: {slope} }} }}'


@pytest.mark.parametrize("slope", [0, 0.25, -0.5])
def test_gradient(slope):
    x = np.random.default_rng(1).standard_normal((2, 3, 5))
    check_gradient(LAYER.format(top="y", slope=slope), {"x": x[np.abs(x) > 1e-3]})


@pytest.mark.parametrize("slope", [0, 0.25])
def test_in_place_equals_out_of_place(slope):
    values = np.random.default_rng(1).standard_normal((40, 1001)).astype(np.float32)  # enough for several threads
    found = []
    for top in "xy":
        net = make_net("force_backward: true\n" + input_layers(x=values.shape) + LAYER.format(top=top, slope=slope))
        net.blobs["x"].data[...] = values
        net.forward()
        net.blobs[top].diff[...] = values[::-1]
        net.backward()
        found.append((net.blobs[top].data, net.blobs["x"].diff))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    np.testing.assert_array_equal(found[0][0], np.where(values > 0, values, values * np.float32(slope)))


def test_nan_stays_nan_and_zero_is_no_negative_zero():
    net = make_net(input_layers(x=(3,)) + LAYER.format(top="y", slope=0))
    net.blobs["x"].data[...] = [np.nan, -1, 2]
    net.forward()
    y = net.blobs["y"].data
    assert np.isnan(y[0])
    assert y[1:].tolist() == [0, 2]
    assert not np.signbit(y[1])
