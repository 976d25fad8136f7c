"""Running a layer as a tiny net: against what Caffe computed, and against finite differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.rng import Rng
from caffe_lite.upgrade import upgrade_net

RECORDED = Path(__file__).parents[1] / "data" / "layers"


def make_net(text, *, phase=schema.TRAIN, dtype=np.float32, seed=None):
    """The net of a prototxt text."""
    param = upgrade_net(schema.parse_text(text, schema.NetParameter))
    param.state.phase = phase
    return Net(param, dtype=dtype, rng=Rng(seed))


def input_layers(**shapes):
    """Prototxt of an Input layer for each blob and its shape."""
    return "".join(
        f'layer {{ name: "in_{name}" type: "Input" top: "{name}" input_param {{ shape {{ '
        + " ".join(f"dim: {n}" for n in shape) + " } } }\n"
        for name, shape in shapes.items()
    )


def run_case(name, tolerance=1e-5):
    """Run ``tests/data/layers/NAME.npz`` forward and backward and compare every array that Caffe recorded.

    The tolerance is relative to the largest element of each array.
    """
    case = np.load(RECORDED / f"{name}.npz")
    seed = int(case["seed"])
    net = make_net(str(case["net"]), phase=schema.Phase.Value(str(case["phase"])), seed=seed if seed >= 0 else None)
    layers = dict(zip(net.layer_names, net.layers, strict=True))
    for key in case.files:
        kind, _, rest = key.partition("/")
        if kind == "input":
            net.blobs[rest].data[...] = case[key]
        elif kind == "param":
            layer, index = rest.rsplit("/", 1)
            layers[layer].blobs[int(index)].data[...] = case[key]
    net.forward()
    assert net.outputs == list(case["outputs"])
    assert [net.loss_weights.get(output, 0.0) for output in net.outputs] == list(case["loss_weights"])
    compare(case, "forward", lambda blob: net.blobs[blob].data, tolerance)
    for key in case.files:
        kind, _, rest = key.partition("/")
        if kind == "top_diff":
            net.blobs[rest].diff[...] = case[key]
    net.clear_param_diffs()
    if any(key.startswith(("input_diff", "param_diff")) for key in case.files):
        net.backward()
    compare(case, "input_diff", lambda blob: net.blobs[blob].diff, tolerance)
    compare(case, "param_diff", lambda key: _blob(layers, key).diff, tolerance)
    compare(case, "param_after", lambda key: _blob(layers, key).data, tolerance)


def compare(case, kind, found, tolerance):
    keys = [key for key in case.files if key.startswith(kind + "/")]
    largest = max((np.abs(case[key]).max(initial=0) for key in keys), default=0)
    for key in keys:
        expected, actual = case[key], found(key.split("/", 1)[1])
        assert actual.shape == expected.shape, key
        scale = np.abs(expected).max(initial=0) or 1
        if scale < 1e-6 * largest:  # nothing but rounding: a bias under BatchNorm has no gradient
            scale = largest
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale, err_msg=key)


def _blob(layers, key):
    layer, index = key.rsplit("/", 1)
    return layers[layer].blobs[int(index)]


def check_gradient(text, inputs, *, fixed=(), phase=schema.TRAIN, step=1e-5, tolerance=1e-6, seed=3):
    """Compare every gradient with central differences, in float64.

    The objective is a random weighting of all outputs (or the loss, where there is one).

    Args:
        text: prototxt of the layers after the inputs.
        inputs: arrays by blob name; sizes should be pairwise different, so that swapped axes show.
        fixed: inputs that have no gradient, such as labels.
    """
    rng = np.random.default_rng(seed)
    net = make_net("force_backward: true\n" + input_layers(**{k: v.shape for k, v in inputs.items()}) + text,
                   phase=phase, dtype=np.float64, seed=seed)
    for name, values in inputs.items():
        net.blobs[name].data[...] = values
    learned = [param for param in net.params.learnable if param.lr_mult]  # BatchNorm's statistics are not
    for param in learned:
        param.blob.data[...] = rng.normal(size=param.blob.shape)
    net.forward()
    weights = {name: np.full(net.blobs[name].shape, net.loss_weights[name]) if name in net.loss_weights
               else rng.normal(size=net.blobs[name].shape) for name in net.outputs}

    def objective():
        net.forward()
        return sum(float((net.blobs[name].data * weight).sum()) for name, weight in weights.items())

    objective()
    for name, weight in weights.items():
        net.blobs[name].diff[...] = weight
    for name in inputs:
        net.blobs[name].diff.fill(7)  # to be overwritten
    net.clear_param_diffs()
    net.backward()
    blobs = {name: net.blobs[name] for name in inputs if name not in fixed}
    blobs |= {f"{p.layer}/{p.index}": p.blob for p in learned}
    gradients = {name: blob.diff.copy() for name, blob in blobs.items()}
    assert any(np.abs(gradient).max(initial=0) > 0 for gradient in gradients.values()), "every gradient is zero"
    for name, blob in blobs.items():
        flat, expected = blob.data.reshape(-1), np.empty(blob.count)
        for i in range(blob.count):
            old = flat[i]
            flat[i] = old + step
            above = objective()
            flat[i] = old - step
            below = objective()
            flat[i] = old
            expected[i] = (above - below) / (2 * step)
        scale = max(1.0, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(gradients[name].reshape(-1), expected, rtol=0, atol=tolerance * scale, err_msg=name)
