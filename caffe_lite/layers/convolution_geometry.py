"""The sizes of a convolution, read from its parameters with Caffe's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NoReturn

import numpy as np

from caffe_lite.errors import CaffeError, ParameterError, ShapeError

Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]
Fail = Callable[[type[CaffeError], str], NoReturn]


@dataclass(frozen=True)
class Geometry:
    """``num`` images of ``channels`` planes of ``size``, convolved to ``outputs`` planes of ``out``.

    ``size``, ``out``, ``kernel``, ``pad``, ``stride`` and ``dilation`` have one number for each spatial axis.
    """

    channels: int
    outputs: int
    group: int
    kernel: Sizes
    pad: Sizes
    stride: Sizes
    dilation: Sizes
    num: int = 0
    size: Sizes = ()
    out: Sizes = ()

    @property
    def weight_shape(self) -> Sizes:
        return (self.outputs, self.channels // self.group, *self.kernel)

    @property
    def plane(self) -> int:
        """Elements of an input plane."""
        return prod(self.size)

    @property
    def pixels(self) -> int:
        """Elements of an output plane."""
        return prod(self.out)

    @property
    def products(self) -> int:
        """Multiplications for an output."""
        return prod(self.weight_shape[1:])

    @property
    def extent(self) -> Sizes:
        """What a kernel reaches over, from its first element to its last."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def table(self) -> Array:
        """The sizes as ``kernels.im2col`` takes them."""
        table = np.empty((6, max(2, len(self.size))), np.int64)
        table[...] = [[1], [1], [1], [0], [1], [1]]  # fewer than two axes: others of size 1 before them
        if self.size:
            table[:, -len(self.size):] = self.size, self.out, self.kernel, self.pad, self.stride, self.dilation
        return table

    def over(self, num: int, size: Sequence[int], fail: Fail) -> Geometry:
        """The same convolution over these images.

        Raises (through ``fail``):
            ShapeError: the kernel is larger than the padded image by a stride or more. Caffe's division rounds
                towards 0, so by less than that it reaches over the edge, where all is 0.
        """
        extent = self.extent
        padded = [n + 2 * p for n, p in zip(size, self.pad, strict=True)]
        out = tuple(int((p - e) / s) + 1 for p, e, s in zip(padded, extent, self.stride, strict=True))
        if any(n < 1 for n in out):
            fail(ShapeError, f"a kernel that reaches over {list(extent)} elements does not fit into the bottom's "
                 f"{padded} (with padding); make kernel_size smaller or pad larger")
        return replace(self, num=num, size=tuple(size), out=out)


def read_geometry(param: Any, channels: int, axes: int, fail: Fail) -> Geometry:
    """A ``ConvolutionParameter`` for bottoms of ``channels`` channels and ``axes`` spatial axes.

    Raises (through ``fail``):
        ParameterError: a size that is missing, 0, given twice or the wrong number of times.
    """
    geometry = Geometry(
        channels, param.num_output, param.group,
        kernel=_sizes(param, "kernel", axes, None, fail), pad=_sizes(param, "pad", axes, 0, fail),
        stride=_sizes(param, "stride", axes, 1, fail), dilation=_sizes(param, "dilation", axes, 1, fail),
    )
    for name in ("kernel", "stride", "dilation"):
        if 0 in getattr(geometry, name):
            fail(ParameterError, f"{name} dimensions must be nonzero, found {list(getattr(geometry, name))}")
    if geometry.outputs < 1:
        fail(ParameterError, "num_output must be 1 or more; set convolution_param { num_output: ... }")
    if geometry.group < 1 or channels % geometry.group or geometry.outputs % geometry.group:
        fail(ParameterError, f"the bottom's {channels} channels and num_output {geometry.outputs} must both be "
             f"multiples of group {geometry.group}")
    return geometry


def _sizes(param: Any, name: str, axes: int, default: int | None, fail: Fail) -> Sizes:
    """A repeated field, given once for all axes or once for each, or its ``_h`` and ``_w`` variant in 2-d."""
    field = "kernel_size" if name == "kernel" else name
    values: Sequence[int] = getattr(param, field)
    height, width = f"{name}_h", f"{name}_w"
    if name != "dilation" and (param.HasField(height) or param.HasField(width)):
        if axes != 2:
            fail(ParameterError, f"{height} and {width} are for 2 spatial axes, the bottom has {axes}; use {field}")
        if values:
            fail(ParameterError, f"either {field} or {height} and {width} should be specified, not both")
        return getattr(param, height), getattr(param, width)
    if not values and default is not None:
        return (default,) * axes
    if len(values) not in (1, axes):
        fail(ParameterError, f"{field} must be specified once, or once for each of the {axes} spatial axes; "
             f"found {len(values)} time(s)")
    return tuple(values) * axes if len(values) == 1 else tuple(values)
