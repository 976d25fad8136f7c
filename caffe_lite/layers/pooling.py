"""Pooling: the maximum or the average of windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.pooling import average_backward, average_forward, max_backward, max_forward
from caffe_lite.kernels.pooling_average_vector import average_pooling
from caffe_lite.kernels.pooling_stochastic import expected_backward, expected_forward, stochastic_forward
from caffe_lite.kernels.pooling_vector import max_forward_vector
from caffe_lite.kernels.vector import COMPILED
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import TRAIN

GRAIN = 1 << 14  # bottom elements worth a thread
MOST_TAPS = 8  # of a window's row; wider ones are rare, and vector code for them is long


@register("Pooling")
class PoolingLayer(Layer):
    """Windows of ``kernel`` at steps of ``stride`` over ``(n, channels, height, width)``.

    ``out = ceil((size + 2 pad - kernel) / stride) + 1`` (or floor, by ``round_mode``); with padding, a last window
    that would begin beyond the image and its first padding is left out. MAX: the first greatest value of the
    window; an optional second top tells its place in the plane, counted along rows. AVE: the sum over the window
    divided by its size clipped to the padded image. STOCHASTIC: training, one value of the window, drawn with a
    probability proportional to it; testing, the mean of what would be drawn, ``Σ x² / Σ x``. ``global_pooling``: one
    window, the whole plane.

    Attributes:
        window: kernel, stride and pad, each along height and width.

    Source: Caffe's pooling_layer.cpp, and pooling_layer.cu for STOCHASTIC.

    Raises:
        ParameterError: there is no window size, or it, ``stride`` and ``pad`` do not go together.
        ShapeError: the bottom has not four axes, or no window fits into it.
    """

    tops = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.pooling_param
        if len(top) > 1 and param.pool != param.MAX:
            self.fail(ParameterError, f"only MAX pooling has a second top, found {list(self.param.top)}")
        self._kernel, self._pad, self._stride = self._read_sizes(param)
        if param.pool == param.STOCHASTIC and any(self._pad):
            self.fail(ParameterError, f"stochastic pooling knows no padding, found pad {self._pad}; leave it out")
        self.replayable = param.pool in (param.MAX, param.AVE)
        self._draws = param.pool == param.STOCHASTIC and self.context.phase == TRAIN

    def _read_sizes(self, param: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        given = {name: param.HasField(name) for name in (
            "kernel_size", "kernel_h", "kernel_w", "pad", "pad_h", "pad_w", "stride", "stride_h", "stride_w")}
        for square, pair in (("kernel_size", "kernel"), ("pad", "pad"), ("stride", "stride")):
            height, width = given[f"{pair}_h"], given[f"{pair}_w"]
            if height != width or (height and given[square]):
                self.fail(ParameterError, f"give either {square} or both {pair}_h and {pair}_w")
        pad = (param.pad_h, param.pad_w) if given["pad_h"] else (param.pad, param.pad)
        stride = (param.stride_h, param.stride_w) if given["stride_h"] else (param.stride, param.stride)
        if param.global_pooling:
            if given["kernel_size"] or given["kernel_h"]:
                self.fail(ParameterError, "with global_pooling the window is the plane; leave the kernel size out")
            if pad != (0, 0) or stride != (1, 1):
                self.fail(ParameterError, f"with global_pooling pad must be 0 and stride 1, found {pad} and {stride}")
            return (0, 0), pad, stride
        if not given["kernel_size"] and not given["kernel_h"]:
            self.fail(ParameterError, "there is no window size; give kernel_size, or kernel_h and kernel_w")
        kernel = (param.kernel_h, param.kernel_w) if given["kernel_h"] else (param.kernel_size, param.kernel_size)
        if 0 in kernel or 0 in stride:
            self.fail(ParameterError, f"kernel and stride cannot be zero, found {kernel} and {stride}")
        if pad[0] >= kernel[0] or pad[1] >= kernel[1]:
            self.fail(ParameterError, f"pad {pad} must be smaller than the kernel {kernel}")
        return kernel, pad, stride

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, param = bottom[0].shape, self.param.pooling_param
        if len(shape) != 4:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 4 axes (num, channels, height, width), "
                      f"found shape {shape}")
        if param.global_pooling:
            self._kernel = shape[2:]
        out = []
        for size, kernel, pad, stride in zip(shape[2:], self._kernel, self._pad, self._stride, strict=True):
            room = size + 2 * pad - kernel
            count = (room if param.round_mode == param.FLOOR else room + stride - 1) // stride + 1
            if any(self._pad) and (count - 1) * stride >= size + pad:
                count -= 1
            out.append(count)
        if min(out) < 1 or 0 in shape[2:]:
            self.fail(ShapeError, f"a window of {self._kernel} does not fit into bottom {self.param.bottom[0]!r} of "
                      f"shape {shape} with pad {self._pad}")
        for blob in top:
            blob.reshape((*shape[:2], *out))
        masked = self._draws or (param.pool == param.MAX and len(top) == 1)
        self._mask = np.empty((shape[0] * shape[1], *out) if masked else 0, np.int32)
        self._chance = np.empty(self._mask.shape if self._draws else 0, np.float32)
        self.window = (*self._kernel, *self._stride, *self._pad)
        self._max_forward, self._average = max_forward, (average_forward, average_backward)
        if self._kernel[1] <= MOST_TAPS and COMPILED:
            widths = (self._kernel[1], self._stride[1], self._pad[1], shape[3], out[1])
            if param.pool == param.MAX and len(top) == 1:
                self._max_forward = max_forward_vector(*widths)
            elif param.pool == param.AVE and out[1] > 1:
                self._average = average_pooling(*widths)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = _planes(bottom[0].data), _planes(top[0].data)
        if self.param.pooling_param.pool == self.param.pooling_param.MAX:
            mask = _planes(top[1].data) if len(top) > 1 else self._mask
            lowest = self.context.dtype(np.finfo(np.float32).min)  # in float64 too
            self._parallel(self._max_forward, x, x, y, mask, lowest, *self.window)
        elif self.param.pooling_param.pool == self.param.pooling_param.AVE:
            self._parallel(self._average[0], x, x, y, *self.window)
        elif self._draws:
            self.context.rng.uniform(0, 1, self._chance)
            self._parallel(stochastic_forward, x, x, self._chance, y, self._mask, *self.window[:4])
        else:
            self._parallel(expected_forward, x, x, y, *self.window[:4])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        dy, dx = _planes(top[0].diff), _planes(bottom[0].diff)
        if self.param.pooling_param.pool == self.param.pooling_param.MAX or self._draws:
            mask = _planes(top[1].data) if len(top) > 1 else self._mask
            self._parallel(max_backward, dx, *(a.reshape(len(a), prod(a.shape[1:])) for a in (dy, mask, dx)))
        elif self.param.pooling_param.pool == self.param.pooling_param.AVE:
            self._parallel(self._average[1], dx, dy, dx, *self.window)
        else:
            x, y = _planes(bottom[0].data), _planes(top[0].data)
            self._parallel(expected_backward, dx, x, y, dy, dx, *self.window[:4])

    @staticmethod
    def _parallel(kernel: Any, planes: Any, *args: Any) -> None:
        parallel_for(kernel, len(planes), *args, grain=max(1, GRAIN * len(planes) // max(1, planes.size)))


def _planes(a: Any) -> Any:
    return a.reshape(a.shape[0] * a.shape[1], *a.shape[2:])
