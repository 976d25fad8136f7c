"""Whether a solver's tests go over the test data once."""

from __future__ import annotations

from typing import Any

from caffe_lite.check.contents import look_into
from caffe_lite.check.net import Built

_BATCHES = {"Data": "data_param", "ImageData": "image_data_param"}


def coverage(built: Built, test_iter: int) -> list[tuple[str, str]]:
    """What is wrong with a number of test batches, and the remedy, for each data layer of a test net."""
    problems = (_problem(layer, built.document.path, test_iter) for layer in built.wired.net.layer
                if layer.type in _BATCHES)
    return [problem for problem in problems if problem is not None]


def _problem(layer: Any, named_by: str, test_iter: int) -> tuple[str, str] | None:
    contents, batch = look_into(layer, named_by), getattr(layer, _BATCHES[layer.type]).batch_size
    if contents is None or not contents.count or not batch:
        return None
    seen, count = test_iter * batch, contents.count
    if abs(seen - count) < batch:
        return None  # closer than this only where the batch divides the data
    if seen < count:
        what = "the rest is not tested"
    else:
        what = "some are tested twice" if seen < 2 * count else f"all are tested {seen // count} times"
    return (f"test_iter {test_iter} times a batch of {batch} is {seen} items, and the data of layer {layer.name!r} are "
            f"{count}: {what}", f"set test_iter to {-(-count // batch)}")
