"""PriorBox: the boxes that a detector starts from, at each place of a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register

SAME = 1e-6  # aspect ratios nearer to each other than this are one


@register("PriorBox")
class PriorBoxLayer(Layer):
    """Boxes around the centres ``((w + offset) step_w, (h + offset) step_h)`` for a map of H x W places.

    Bottoms: the map and the image, ``(num, channels, height, width)``; only their sizes count. The top is
    ``(1, 2, H W boxes 4)``: xmin, ymin, xmax and ymax in units of the image's size, then their variances. At each
    place and for each ``min_size`` there is a square of it, one of ``sqrt(min_size max_size)``, and for each
    ``aspect_ratio`` a a box of ``min_size sqrt(a)`` by ``min_size / sqrt(a)``, with ``flip`` also for ``1 / a``. As in
    the fork, sizes lose their fractions.

    Source: SSD's prior_box_layer.cpp; Liu et al., "SSD: single shot multibox detector", 2016.

    Raises:
        ParameterError: there is no ``min_size``, or a value that makes no box.
        ShapeError: a bottom has not four axes.
    """

    bottoms = (2, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.prior_box_param
        if not param.min_size or min(param.min_size) <= 0:
            self.fail(ParameterError, f"min_size must be given, and larger than 0; found {list(param.min_size)}")
        if param.max_size and len(param.max_size) != len(param.min_size):
            self.fail(ParameterError, f"{len(param.max_size)} max_size for {len(param.min_size)} min_size; give none, "
                      "or one for each")
        if any(large <= small for small, large in zip(param.min_size, param.max_size, strict=False)):
            self.fail(ParameterError, f"each max_size must be larger than its min_size, found {list(param.min_size)} "
                      f"and {list(param.max_size)}")
        if any(ratio <= 0 for ratio in param.aspect_ratio):
            self.fail(ParameterError, f"aspect_ratio must be larger than 0, found {list(param.aspect_ratio)}")
        if len(param.variance) not in (0, 1, 4) or any(value <= 0 for value in param.variance):
            self.fail(ParameterError, f"give 1 variance or 4, larger than 0; found {list(param.variance)}")
        self._image = self._read_pair("img_size", "img_h", "img_w")
        self._step = self._read_pair("step", "step_h", "step_w")
        self._boxes = _box_sizes(param)

    def _read_pair(self, both: str, height: str, width: str) -> tuple[float, float] | None:
        """A height and a width, given as one or as two."""
        param = self.param.prior_box_param
        if param.HasField(height) or param.HasField(width):
            if param.HasField(both):
                self.fail(ParameterError, f"give either {both} or {height} and {width}, not both")
            pair = getattr(param, height), getattr(param, width)
        elif param.HasField(both):
            pair = (getattr(param, both),) * 2
        else:
            return None
        if min(pair) <= 0:
            self.fail(ParameterError, f"{both}, {height} and {width} must be larger than 0, found {pair}")
        return pair

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for name, blob in zip(self.param.bottom, bottom, strict=True):
            if len(blob.shape) != 4 or 0 in blob.shape[2:]:
                self.fail(ShapeError, f"bottom {name!r} must have 4 axes (num, channels, height, width), found shape "
                          f"{blob.shape}")
        size = bottom[0].shape[2:]
        image = self._image or bottom[1].shape[2:]
        step = self._step or [np.float32(image[axis]) / np.float32(size[axis]) for axis in (0, 1)]
        corners = _corners(self._boxes, size, image, step, self.param.prior_box_param.offset)
        if self.param.prior_box_param.clip:
            corners = corners.clip(0, 1)
        top[0].reshape((1, 2, corners.size))
        self._priors = np.empty((2, corners.size), self.context.dtype)
        self._priors[0] = corners.reshape(-1)
        self._priors[1].reshape(-1, 4)[...] = np.array(self.param.prior_box_param.variance or [0.1], np.float32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.copyto(top[0].data[0], self._priors)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff.fill(0)


def _box_sizes(param: Any) -> Array:
    """Width and height of the boxes of one place in pixels, float32, ``(boxes, 2)``."""
    ratios = [1.0]
    for ratio in param.aspect_ratio:
        if all(abs(ratio - other) >= SAME for other in ratios):
            ratios += [ratio, float(np.float32(1 / ratio))] if param.flip else [ratio]
    boxes = []
    for k, size in enumerate(param.min_size):
        small = int(size)
        boxes.append((small, small))
        if param.max_size:
            side = (small * int(param.max_size[k])) ** 0.5
            boxes.append((side, side))
        boxes += [(small * ratio**0.5, small / ratio**0.5) for ratio in ratios if abs(ratio - 1) >= SAME]
    return np.array(boxes, np.float32)


def _corners(boxes: Array, size: Sequence[int], image: Sequence[float], step: Sequence[float], offset: float) -> Array:
    """float64, ``(height, width, boxes, 4)``"""
    y, x = ((np.arange(size[axis], dtype=np.float32) + np.float32(offset)) * np.float32(step[axis]) for axis in (0, 1))
    centers = np.stack(np.broadcast_arrays(x, y[:, None]), axis=-1).astype(np.float64)[:, :, None]
    corners = np.concatenate([centers - boxes / 2.0, centers + boxes / 2.0], axis=-1)
    return corners / np.array([image[1], image[0]] * 2, np.float64)
