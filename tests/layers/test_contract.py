"""What every layer promises: bottom gradients are overwritten, parameter gradients added to."""

import numpy as np
import pytest
from support.layers import input_layers, make_net
from support.text import layer

SHAPES = {"x": (4, 3, 5), "z": (4, 3, 5), "c": (3,), "i": (6,), "s": (4,), "r": (2, 2, 3)}
CASES = [
    *(layer(kind, "x", "y") for kind in ("AbsVal", "BNLL", "Dropout", "ELU", "Exp", "Log", "Power", "PReLU", "Sigmoid",
                                         "Swish", "TanH", "Reduction", "Silence")),
    layer("Clip", "x", "y", "clip_param { min: 0.6 max: 0.9 }"),
    layer("Power", "x", "y", "power_param { scale: 0 shift: 2 }"),
    layer("PReLU", "x", "y", "prelu_param { channel_shared: true }"),
    *(layer("Reduction", "x", "y", f"reduction_param {{ operation: {name} axis: 1 }}") for name in ("ASUM", "SUMSQ", "MEAN")),
    *(layer(kind, bottoms, "y", more) for kind in ("Scale", "Bias") for bottoms in ("x", "xc")
      for more in ([""] if kind == "Bias" else ["", "scale_param { bias_term: true }"])),
    *(layer("Eltwise", "xz", "y", f"eltwise_param {{ {more} }}")
      for more in ("", "operation: PROD", "operation: PROD stable_prod_grad: false", "operation: MAX")),
    layer("Concat", "xz", "y"), layer("Crop", "xr", "y", "crop_param { axis: 0 offset: 1 }"),
    layer("Tile", "x", "y", "tile_param { tiles: 2 }"), layer("BatchReindex", "xi", "y"), layer("Filter", "xzs", "yw"),
    layer("Embed", "i", "y", "embed_param { input_dim: 4 num_output: 7 }"),
    layer("Parameter", "", "y", "parameter_param { shape { dim: 2 dim: 3 } }"),
]


@pytest.mark.parametrize("text", CASES)
def test_bottoms_are_overwritten_and_parameters_added_to(text):
    text = text.replace(' top: "y"', "") if "Silence" in text else text
    net = make_net("force_backward: true " + input_layers(**SHAPES) + text, seed=1)
    rng = np.random.default_rng(2)
    for name, shape in SHAPES.items():
        net.blobs[name].data[...] = rng.uniform(0.5, 1, shape)
    net.blobs["i"].data[...], net.blobs["s"].data[...] = [1, 3, 1, 0, 1, 3], [1, 0, 0, 1]
    net.forward()
    for name in {"y", "w"} & set(net.outputs):
        net.blobs[name].diff[...] = rng.uniform(1, 2, net.blobs[name].shape)
    wanted = {blob for blob, down in zip(net.bottoms[-1], net.propagate_down[-1], strict=True) if down}
    params = net.layers[-1].blobs
    found = []
    for garbage in (0, np.nan):
        for blob in wanted:
            blob.diff[...] = garbage
        net.backward()
        found.append(([blob.diff.copy() for blob in wanted], [blob.diff.copy() for blob in params]))
    assert wanted or params
    for first, second in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_array_equal(first, second)
    for first, second in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(2 * first, second, rtol=1e-6)
        assert first.any() == ("PReLU" not in text)  # all inputs are positive: no slope is used
