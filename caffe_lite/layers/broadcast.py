"""What Bias and Scale have in common: a small operand that is applied along the others' axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.layers.base import Layer


class BroadcastLayer(Layer):
    """The operand covers ``num_axes`` axes of the first bottom from ``axis`` on, -1 being all to the end.

    It is the second bottom, where there is one, which then says itself how many axes it covers; else a parameter.
    """

    bottoms = (1, 2)

    def operand(self, bottom: Sequence[Blob]) -> Blob:
        """The second bottom or the first parameter."""
        return bottom[1] if len(bottom) > 1 else self.blobs[0]

    def covered(self, bottom: Sequence[Blob], param: Any) -> tuple[int, ...]:
        """The shape of the operand, as the parameters or the second bottom have it.

        Raises:
            ParameterError: it would begin before or end after the axes of the first bottom.
        """
        shape = bottom[0].shape
        axis = self.axis(param.axis, len(shape))
        axes = len(bottom[1].shape) if len(bottom) > 1 else param.num_axes
        if axes < -1:
            self.fail(ParameterError, f"num_axes {axes} must be at least 0, or -1 for all from axis {axis} on")
        if axes > len(shape) - axis:
            self.fail(ParameterError, f"{axes} axes from axis {axis} on are more than the bottom "
                      f"{self.param.bottom[0]!r} of shape {shape} has")
        return shape[axis:] if axes == -1 else shape[axis: axis + axes]

    def measure(self, bottom: Sequence[Blob], axis: int) -> None:
        """Check the operand's shape against the first bottom's and see how often it is repeated.

        Raises:
            ShapeError: they do not fit.
        """
        shape, small = bottom[0].shape, self.operand(bottom).shape
        start = self.axis(axis, len(shape)) if small else 0
        end = start + len(small)
        if shape[start:end] != small:
            what = f"bottom {self.param.bottom[1]!r}" if len(bottom) > 1 else "the parameter"
            self.fail(ShapeError, f"{what} of shape {small} does not fit bottom {self.param.bottom[0]!r} of shape "
                      f"{shape} from axis {start} on")
        self.outer, self.inner = prod(shape[:start]), prod(shape[end:])
        self.rows = self.outer * prod(small)
