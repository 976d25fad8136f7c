"""Copying, adding and scaling of flat arrays.

Inner loops run from 0 over parts that were cut out before: an index that could be negative, as far as LLVM knows, would
count from the end, and it makes no vectors of such a loop. Nor where arrays overlap: hence a loop of its own for the
case that two are one.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.core import cgutils
from numba.extending import overload

from caffe_lite.kernels.vector import intrinsic

Array = Any


def copy(source: Array, s: int, target: Array, t: int, count: int) -> None:
    """``target[t + i] = source[s + i]`` for ``i < count``; for kernels, on the elements of contiguous arrays.

    The C library's memcpy need not read what it overwrites, so that from memory it is twice as fast as a loop.
    """
    target.reshape(-1)[t:t + count] = source.reshape(-1)[s:s + count]


@intrinsic
def _memcpy(typing: Any, source: Any, s: Any, target: Any, t: Any, count: Any) -> Any:
    signature = types.void(source, types.int64, target, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start, end = (builder.gep(context.make_array(kind)(context, builder, array).data, [offset])
                      for kind, array, offset in ((source, args[0], args[1]), (target, args[2], args[3])))
        cgutils.raw_memcpy(builder, end, start, args[4], context.get_abi_sizeof(context.get_data_type(source.dtype)))
        return context.get_dummy_value()

    return signature, codegen


@overload(copy, strict=False)  # of the annotations
def _compiled_copy(source: Any, s: Any, target: Any, t: Any, count: Any) -> Any:
    return lambda source, s, target, t, count: _memcpy(source, s, target, t, count)


@njit(cache=True, nogil=True)
def copy_blocks(begin: int, end: int, source: Array, source_start: int, source_step: int,
                target: Array, target_start: int, target_step: int, size: int) -> None:
    """``target[target_start + i * target_step + k] = source[source_start + i * source_step + k]``

    for blocks ``i`` from ``begin`` to ``end`` and ``k < size``; flat arrays.
    """
    for i in range(begin, end):
        copy(source, source_start + i * source_step, target, target_start + i * target_step, size)


@njit(cache=True, nogil=True)
def copy_range(begin: int, end: int, source: Array, target: Array) -> None:
    """``target = source`` on flat arrays."""
    copy(source, begin, target, begin, end - begin)


@njit(cache=True, nogil=True)
def add(begin: int, end: int, a: Array, b: Array, out: Array) -> None:
    """``out = a + b`` on flat arrays; ``out`` may be one of the two."""
    x, y, total = a[begin:end], b[begin:end], out[begin:end]
    if x is total:
        for i in range(len(total)):
            total[i] += y[i]
    else:
        for i in range(len(total)):
            total[i] = x[i] + y[i]


@njit(cache=True, nogil=True)
def add_four(begin: int, end: int, a: Array, b: Array, c: Array, d: Array, out: Array) -> None:
    """``out = ((a + b) + c) + d`` on flat arrays."""
    w, x, y, z, total = a[begin:end], b[begin:end], c[begin:end], d[begin:end], out[begin:end]
    for i in range(len(total)):
        total[i] = ((w[i] + x[i]) + y[i]) + z[i]


@njit(cache=True, nogil=True)
def scale(begin: int, end: int, factor: float, a: Array) -> None:
    """``a *= factor`` on a flat array."""
    part = a[begin:end]
    for i in range(len(part)):
        part[i] *= factor


# reassoc: sums in vector lanes are faster and round less than one long chain
@njit(cache=True, nogil=True, fastmath={"reassoc"})
def sum_absolute(a: Array) -> float:
    """``Σ |a|`` of a flat array, summed in float64."""
    total = 0.0
    for i in range(a.size):
        total += abs(float(a[i]))
    return total


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def sum_squares(a: Array) -> float:
    """``Σ a²`` of a flat array, summed in float64."""
    total = 0.0
    for i in range(a.size):
        total += float(a[i]) * float(a[i])
    return total


@njit(cache=True, nogil=True)
def clear(begin: int, end: int, a: Array) -> None:
    """``a = 0`` for a flat array; numpy's way takes twice as long, for it reads what it overwrites."""
    part = a[begin:end]
    for i in range(len(part)):
        part[i] = 0
