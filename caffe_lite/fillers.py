"""Fillers: the first values of parameters, as Caffe draws them (``filler.hpp``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError
from caffe_lite.rng import Rng, gaussian_spread, uniform_bounds

Array = np.ndarray[Any, Any]
Filler = Callable[[Array, Any, Rng], None]

FAN_IN, FAN_OUT, AVERAGE = range(3)  # FillerParameter.VarianceNorm


def fill(array: Array, param: Any, rng: Rng) -> None:
    """Fill an array as ``param`` says, drawing from ``rng``.

    Args:
        array: of any shape, float32 or float64; values are computed in float32, as in a float32 Caffe, and
            converted to the array's type.
        param: a ``FillerParameter``: ``type``, ``value``, ``min``, ``max``, ``mean``, ``std``, ``sparse`` and
            ``variance_norm``.

    Raises:
        ParameterError: no such filler, or one that cannot fill this array with these parameters.
    """
    check_filler(array.shape, param)
    direct = array.dtype == np.float32 and array.flags.c_contiguous
    values = array if direct else np.empty(array.shape, np.float32)
    _FILLERS[param.type](values, param, rng)
    if not direct:
        array[...] = values


def check_filler(shape: Sequence[int], param: Any) -> None:
    """Raise ``ParameterError`` unless ``fill`` can fill an array of this shape."""
    if param.type not in _FILLERS:
        close = "".join(f'; did you mean "{name}"?' for name in get_close_matches(param.type, _FILLERS, n=1))
        raise ParameterError(
            f'unknown filler "{param.type}": expected one of {", ".join(sorted(_FILLERS))}{close}'
        )
    try:
        _check(tuple(shape), param)
    except ParameterError as error:
        raise ParameterError(f'filler "{param.type}": {error}') from None


def _check(shape: tuple[int, ...], param: Any) -> None:
    if prod(shape) == 0:
        raise ParameterError(f"nothing to fill in the shape {shape}: expected at least one element")
    if param.sparse != -1 and param.type != "gaussian":
        raise ParameterError(f'sparse is {param.sparse}, but only "gaussian" can be sparse: leave it out')
    if not shape and (param.sparse != -1 or param.type in ("positive_unitball", "xavier", "msra")):
        raise ParameterError("cannot fill a scalar: expected at least one axis, the outputs")
    if param.sparse != -1 and not 0 <= param.sparse <= shape[0]:
        raise ParameterError(f"sparse is {param.sparse}: expected 0 to {shape[0]} (shape[0]), or -1 for dense")
    if param.type == "bilinear" and (len(shape) != 4 or shape[2] != shape[3]):
        raise ParameterError(f"cannot fill the shape {shape}: expected four axes, the last two alike")
    if param.type == "uniform":
        uniform_bounds(param.min, param.max)
    if param.type == "gaussian":
        gaussian_spread(param.std)


def _constant(values: Array, param: Any, rng: Rng) -> None:
    """x = value."""
    values[...] = param.value


def _uniform(values: Array, param: Any, rng: Rng) -> None:
    """x ~ U(min, max)."""
    rng.uniform(param.min, param.max, values)


def _gaussian(values: Array, param: Any, rng: Rng) -> None:
    """x ~ N(mean, std**2); with ``sparse`` >= 0 each is kept with probability sparse / shape[0], else 0."""
    rng.gaussian(param.mean, param.std, values)
    if param.sparse == -1:
        return
    kept = np.float32(param.sparse) / np.float32(len(values))
    values *= rng.bernoulli(kept, values.size, real=np.float32).reshape(values.shape).astype(np.float32)


def _positive_unitball(values: Array, param: Any, rng: Rng) -> None:
    """x ~ U(0, 1), then divided so that what belongs to one output adds up to 1."""
    rows = rng.uniform(0, 1, values).reshape(len(values), -1)
    rows /= np.cumsum(rows, axis=1)[:, -1:]  # one after the other, where sum() would add in pairs


def _xavier(values: Array, param: Any, rng: Rng) -> None:
    """x ~ U(-a, a), a = sqrt(3 / n). Source: Glorot and Bengio, AISTATS 2010."""
    scale = np.sqrt(np.float32(3) / _fan(values, param))
    rng.uniform(-scale, scale, values)


def _msra(values: Array, param: Any, rng: Rng) -> None:
    """x ~ N(0, 2 / n). Source: He, Zhang, Ren and Sun, ICCV 2015."""
    rng.gaussian(0, np.sqrt(np.float32(2) / _fan(values, param)), values)


def _bilinear(values: Array, param: Any, rng: Rng) -> None:
    """x[..., i, j] = t(i) t(j), t(i) = 1 - |i / f - c|, f = ceil(w / 2), c = (w - 1) / (2 f)."""
    width = values.shape[3]
    half = (width + 1) // 2
    centre = np.float32((width - 1) / (2.0 * half))
    slope = 1 - np.abs(np.arange(width, dtype=np.float32) / np.float32(half) - centre)
    values[...] = slope[:, None] * slope


def _fan(values: Array, param: Any) -> Any:
    """n of ``variance_norm``: inputs of an output (count / shape[0]), outputs of an input (count / shape[1],
    for a vector its count), or their mean."""
    fan_in = values.size // len(values)
    fan_out = values.size // values.shape[1] if values.ndim > 1 else values.size
    if param.variance_norm == AVERAGE:
        return np.float32(fan_in + fan_out) / np.float32(2)
    return np.float32(fan_out if param.variance_norm == FAN_OUT else fan_in)


_FILLERS: dict[str, Filler] = {
    "bilinear": _bilinear,
    "constant": _constant,
    "gaussian": _gaussian,
    "msra": _msra,
    "positive_unitball": _positive_unitball,
    "uniform": _uniform,
    "xavier": _xavier,
}
