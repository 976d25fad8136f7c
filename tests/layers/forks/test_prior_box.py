"""PriorBox against a plain loop."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite.errors import ParameterError, ShapeError


def layer(more):
    return f'layer {{ name: "l" type: "PriorBox" bottom: "x" bottom: "i" top: "y" prior_box_param {{ {more} }} }}'


def priors(more, size=(3, 2), image=(60, 50)):
    net = make_net(input_layers(x=(2, 4, *size), i=(2, 3, *image)) + layer(more))
    net.forward()
    y = net.blobs["y"].data
    assert y.shape[:2] == (1, 2)
    return y[0].reshape(2, *size, -1, 4)


def boxes(size, image, step, offset, sizes):
    rows = []
    for h in range(size[0]):
        for w in range(size[1]):
            x, y = (w + offset) * step[1], (h + offset) * step[0]
            rows.append([[(x - bw / 2) / image[1], (y - bh / 2) / image[0], (x + bw / 2) / image[1], (y + bh / 2) / image[0]]
                         for bw, bh in sizes])
    return np.array(rows).reshape(*size, len(sizes), 4)


ROOT2, ROOT3 = 2**0.5, 3**0.5


@pytest.mark.parametrize(("more", "sizes"), [
    ("min_size: 10", [(10, 10)]),
    ("min_size: 10.9 max_size: 40.5", [(10, 10), (20, 20)]),
    ("min_size: 10 max_size: 40 aspect_ratio: 2", [(10, 10), (20, 20), (10 * ROOT2, 10 / ROOT2), (10 / ROOT2, 10 * ROOT2)]),
    ("min_size: 10 aspect_ratio: 3 aspect_ratio: 1 aspect_ratio: 3 flip: false", [(10, 10), (10 * ROOT3, 10 / ROOT3)]),
    ("min_size: 4 min_size: 9 aspect_ratio: 3 flip: false", [(4, 4), (4 * ROOT3, 4 / ROOT3), (9, 9), (9 * ROOT3, 9 / ROOT3)]),
])
def test_sizes(more, sizes):
    found = priors(more)
    np.testing.assert_allclose(found[0], boxes((3, 2), (60, 50), (20, 25), 0.5, sizes), atol=1e-6)
    np.testing.assert_allclose(found[1], 0.1)


def test_steps_offset_and_image():
    found = priors("min_size: 10 step_h: 8 step_w: 16 offset: 0.25 img_h: 32 img_w: 64")
    np.testing.assert_allclose(found[0], boxes((3, 2), (32, 64), (8, 16), 0.25, [(10, 10)]), atol=1e-6)
    found = priors("min_size: 10 step: 8 img_size: 64")
    np.testing.assert_allclose(found[0], boxes((3, 2), (64, 64), (8, 8), 0.5, [(10, 10)]), atol=1e-6)


def test_clip_and_variance():
    found = priors("min_size: 40 clip: true variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4")
    np.testing.assert_allclose(found[0], boxes((3, 2), (60, 50), (20, 25), 0.5, [(40, 40)]).clip(0, 1), atol=1e-6)
    assert found[0].min() == 0
    assert found[0].max() == 1
    np.testing.assert_allclose(found[1], np.broadcast_to([0.1, 0.2, 0.3, 0.4], found[1].shape))
    np.testing.assert_allclose(priors("min_size: 4 variance: 0.5")[1], 0.5)


def test_another_size_of_the_map():
    net = make_net(input_layers(x=(1, 1, 2, 2), i=(1, 1, 8, 8)) + layer("min_size: 4"))
    net.blobs["x"].reshape((1, 1, 1, 2))
    net.forward()
    np.testing.assert_allclose(net.blobs["y"].data[0, 0], [0, 0.25, 0.5, 0.75, 0.5, 0.25, 1, 0.75])


def test_no_gradient():
    text = 'layer { name: "c" type: "Power" bottom: "x" top: "c" } ' + layer("min_size: 4").replace('"x"', '"c"')
    net = make_net("force_backward: true " + input_layers(x=(1, 1, 2, 2), i=(1, 1, 8, 8)) + text)
    net.forward()
    net.blobs["y"].diff[...] = net.blobs["c"].diff[...] = net.blobs["x"].diff[...] = 1
    net.backward()
    assert not net.blobs["x"].diff.any()


@pytest.mark.parametrize(("more", "kind", "message"), [
    ("", ParameterError, "min_size must be given"), ("min_size: 0", ParameterError, "larger than 0"),
    ("min_size: 4 max_size: 4", ParameterError, "larger than its min_size"),
    ("min_size: 4 max_size: 5 max_size: 6", ParameterError, "2 max_size for 1 min_size"),
    ("min_size: 4 variance: 1 variance: 2", ParameterError, "1 variance or 4"), ("min_size: 4 variance: 0", ParameterError, "1 variance"),
    ("min_size: 4 img_size: 9 img_h: 9", ParameterError, "either img_size or"), ("min_size: 4 img_h: 9", ParameterError, "larger than 0"),
    ("min_size: 4 step: 9 step_w: 9", ParameterError, "either step or"), ("min_size: 4 step: -1", ParameterError, "larger than 0"),
    ("min_size: 4 aspect_ratio: 0", ParameterError, "aspect_ratio"),
])
def test_what_cannot_be(more, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(PriorBox\): .*" + message):
        priors(more)


def test_what_is_no_map():
    with pytest.raises(ShapeError, match=r"bottom 'x' must have 4 axes .*\(2, 3\)"):
        make_net(input_layers(x=(2, 3), i=(1, 1, 8, 8)) + layer("min_size: 4"))
