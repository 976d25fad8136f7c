"""The base of a power or a logarithm."""

from __future__ import annotations

from math import isfinite, log

from caffe_lite.errors import ParameterError
from caffe_lite.layers.base import Layer


def log_of_base(layer: Layer, base: float) -> float:
    """The natural logarithm of a base; -1 stands for e.

    Raises:
        ParameterError: the base is another negative number, 0 or not finite.
    """
    if base == -1:
        return 1.0
    if not (base > 0 and isfinite(base)):
        layer.fail(ParameterError, f"base {base:g} has no logarithm: give a number above 0, or -1 for e")
    return log(base)
