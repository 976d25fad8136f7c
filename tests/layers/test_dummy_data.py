"""DummyData: what is filled when, and messages; values are compared with Caffe's in the recorded case."""

import numpy as np
import pytest
from support.layers import make_net

from caffe_lite.errors import ParameterError
from caffe_lite.rng import Rng


def make(fields, tops="ab", seed=7):
    names = " ".join(f'top: "{name}"' for name in tops)
    return make_net(f'layer {{ name: "d" type: "DummyData" {names} dummy_data_param {{ {fields} }} }}', seed=seed)


def test_constants_are_filled_once_and_others_each_time():
    net = make('shape { dim: 2 dim: 3 } data_filler { value: 4 } data_filler { type: "gaussian" std: 2 }')
    stream = Rng(7)
    net.blobs["a"].data[0, 0] = 9  # which nobody overwrites
    for _ in range(3):
        net.forward()
        np.testing.assert_array_equal(net.blobs["b"].data, stream.gaussian(0, 2, 6).reshape(2, 3))
        assert net.blobs["a"].data.tolist() == [[9, 4, 4], [4, 4, 4]]


def test_without_fillers_it_is_zero():
    net = make("shape { dim: 2 } shape { dim: 3 dim: 1 }")
    net.forward()
    assert [net.blobs[name].data.tolist() for name in "ab"] == [[0, 0], [[0], [0], [0]]]


def test_the_old_way_to_give_sizes():
    net = make("num: 2 channels: 3 channels: 4 height: 5 width: 6 width: 7")
    assert [net.blobs[name].shape for name in "ab"] == [(2, 3, 5, 6), (2, 4, 5, 7)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", r"Must specify 'shape' once, or once per top blob \(3\); specified 0"),
        ("shape { dim: 2 } shape { dim: 2 }", r"'shape' once, or once per top blob \(3\); specified 2"),
        ("num: 2 channels: 1 height: 1", "Must specify 'width' once, .*specified 0"),
        ("num: 2 num: 2 channels: 1 height: 1 width: 1", "Must specify 'num' once, .*specified 2"),
        ("num: 2 shape { dim: 2 }", "Both shape and legacy fields .* were specified"),
        ("shape { dim: 2 } data_filler {} data_filler {}", "to the number of tops: 3; you specified 2 data fillers"),
        ('shape { dim: 2 } data_filler { type: "gaussian" std: 0 }', r"a top of shape \(2,\): filler"),
        ('shape { dim: 2 } data_filler { type: "sand" }', 'unknown filler "sand"'),
    ],
)
def test_messages(fields, message):
    with pytest.raises(ParameterError, match=r"layer 'd' \(DummyData\): .*" + message):
        make(fields, "abc").forward()
