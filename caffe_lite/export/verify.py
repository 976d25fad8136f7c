"""The model beside the net it was made of, on random inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import ExportError
from caffe_lite.export.samples import draw_inputs
from caffe_lite.net import Net
from caffe_lite.optional import need

TOLERANCE = 1e-4  # of the largest value of an output
SEED = 1
QUIET = 3  # onnxruntime's errors only


def compare(model: bytes, nets: Sequence[Net], outputs: Sequence[str]) -> dict[str, float]:
    """For each output the largest difference in any of the nets, relative to the largest value.

    Args:
        model: the file's bytes.
        nets: what it was made of, one for each batch to try.
        outputs: the nets' blobs that the model outputs, in its order.

    Raises:
        ExportError: onnxruntime cannot run the model, or a difference is more than ``TOLERANCE``.
    """
    session = open_session(model)
    rng, worst = np.random.default_rng(SEED), dict.fromkeys(outputs, 0.0)
    for net in nets:
        inputs = draw_inputs(net, rng)
        net.forward()
        try:
            results = session.run(None, inputs)
        except Exception as error:  # onnxruntime's own classes, which its versions name differently
            raise ExportError(f"onnxruntime cannot run the model: {error}") from None
        for name, found in zip(outputs, results, strict=True):
            worst[name] = max(worst[name], difference(net.blobs[name].data, found))
    bad = {name: value for name, value in worst.items() if not value <= TOLERANCE}
    if bad:
        raise ExportError("onnxruntime computes something else: " + ", ".join(
            f"{name} differs by {value:.2g} of its largest value" for name, value in bad.items())
            + f"; at most {TOLERANCE:g} is rounding. Nothing was written")
    return worst


def open_session(model: bytes) -> Any:
    """onnxruntime with the model.

    Raises:
        ExportError: it refuses it.
    """
    onnxruntime = need("onnxruntime", "onnx", "comparing the model with the net")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise ExportError(f"onnxruntime cannot read the model: {error}") from None


def difference(expected: Array, found: Array) -> float:
    """The largest, relative to the largest of the expected; infinite where shapes, or what is not a number, differ."""
    if expected.shape != found.shape or not np.array_equal(np.isfinite(expected), np.isfinite(found)):
        return float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], found[~finite], equal_nan=True):
        return float("inf")
    largest = np.abs(expected[finite]).max(initial=0)
    apart = np.abs(expected[finite] - found[finite]).max(initial=0)
    return float(apart / largest) if largest else float(apart)
