"""Upsample: max pooling undone."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.kernels.unpooling import first_bad_place, unpool, unpool_back
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("Upsample")
class UpsampleLayer(Layer):
    """Every element goes to the place in a larger plane that the mask names; the other places are 0.

    Bottoms: values and mask, ``(num, channels, height, width)``; the mask is the second top of a Pooling layer. Top:
    ``upsample_h`` by ``upsample_w``, or ``scale`` (2 unless given, or ``scale_h`` and ``scale_w``) times the size, one
    less with ``pad_out_h`` and ``pad_out_w``.

    Source: SegNet's upsample_layer.cpp; Badrinarayanan, Kendall, Cipolla, "SegNet", 2015.

    Raises:
        DataError: in ``forward``, when the mask names a place that the top does not have.
    """

    bottoms = (2, 2)

    def allow_force_backward(self, index: int) -> bool:
        return index == 0

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.upsample_param
        given = {name: param.HasField(name) for name in ("upsample_h", "upsample_w", "scale", "scale_h", "scale_w")}
        self._fixed = (param.upsample_h, param.upsample_w) if given["upsample_h"] and given["upsample_w"] else None
        if self._fixed:
            if min(self._fixed) < 2:
                self.fail(ParameterError, f"upsample_h and upsample_w must be 2 or more, found {self._fixed}")
            return
        if given["scale_h"] != given["scale_w"] or (given["scale"] and given["scale_h"]):
            self.fail(ParameterError, "give upsample_h and upsample_w, or scale, or scale_h and scale_w")
        self._scale = (param.scale_h, param.scale_w) if given["scale_h"] else (param.scale, param.scale)
        if min(self._scale) < 2:
            self.fail(ParameterError, f"the scale must be 2 or more, found {self._scale}")
        self._less = int(param.pad_out_h), int(param.pad_out_w)
        if any(less and scale != 2 for less, scale in zip(self._less, self._scale, strict=True)):
            self.fail(ParameterError, f"pad_out_h and pad_out_w need a scale of 2, found {self._scale}; give "
                      "upsample_h and upsample_w instead")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, mask = bottom[0].shape, bottom[1].shape
        if len(shape) != 4 or mask != shape:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} of shape {shape} and its mask "
                      f"{self.param.bottom[1]!r} of shape {mask} must be (num, channels, height, width), of one shape")
        size = self._fixed or tuple(n * scale - less for n, scale, less in zip(
            shape[2:], self._scale, self._less, strict=True))
        self._planes, self._size = shape[0] * shape[1], size[0] * size[1]
        top[0].reshape((*shape[:2], *size))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        mask = bottom[1].data
        bad = first_bad_place(mask, self._size)
        if bad >= 0:
            self.fail(DataError, f"the mask {self.param.bottom[1]!r} names place {mask.reshape(-1)[bad]:g}, but a "
                      f"plane of the top {self.param.top[0]!r} of shape {top[0].shape} has 0 to {self._size - 1}; "
                      "do upsample_h and upsample_w have the size of what was pooled?")
        self._run(unpool, self._rows(bottom[0].data), self._rows(mask), self._rows(top[0].data))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            self._run(unpool_back, *map(self._rows, (top[0].diff, bottom[1].data, bottom[0].diff)))
        if propagate_down[1]:
            bottom[1].diff.fill(0)

    def _rows(self, array: Array) -> Array:
        return array.reshape(self._planes, array.size // max(1, self._planes))

    def _run(self, kernel: object, *arrays: Array) -> None:
        parallel_for(kernel, self._planes, *arrays, grain=max(1, GRAIN // max(1, self._size)))  # type: ignore[arg-type]
