"""An image once for each element of a filter's row, shifted by it: what pixels in the lanes are computed from."""

from __future__ import annotations

from typing import Any

from numba import njit, types

from caffe_lite.kernels.arrays import clear, copy
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, intrinsic

Array = Any


@intrinsic
def _copy_vectors(typing: Any, x: Any, x0: Any, y: Any, y0: Any, vectors: Any) -> Any:
    """``y[y0 + i] = x[x0 + i]`` for so many whole vectors."""
    i64 = types.int64
    signature = types.void(x, i64, y, i64, i64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        source, target = code.array(x, args[0], args[1]), code.array(y, args[2], args[3])
        with code.loop(0, args[4]) as v:
            at = code.mul(v, code.lanes)
            code.store(code.load(code.at(source, at)), code.at(target, at))
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def shift(x: Array, image: int, frame: Any, taps: int, framed: Array, shifted: Array) -> None:
    """``shifted[c, j, r, p] = x[image, c, r - pad_h, p - pad_w + j * dilation]``, outside of the image 0.

    Without what does not count for p, rows of one j and c lie one after the other, as rows of outputs do: a vector of
    neighbouring outputs sees a vector of neighbours in ``shifted``, wherever it is in the image.

    Args:
        frame: channels, height and width, those of the zeros on each side, the step from one of the ``taps`` to the
            next, and the width of the output.
        framed: memory for an image with its zeros, and a vector more, like ``shifted``.
    """
    channels, height, width, pad_h, pad_w, dilation, out = frame
    plane, rows, columns = height * width, height + 2 * pad_h, width + 2 * pad_w
    if pad_h + pad_w == 0:
        copy(x, image * channels * plane, framed, constant(0), channels * plane)
    else:
        clear(constant(0), channels * rows * columns, framed)
        for r in range(channels * height):
            c, i = r // height, r % height
            copy(x, (image * channels * height + r) * width, framed, ((c * rows + pad_h + i) * columns) + pad_w, width)
    lanes = VECTOR_BYTES // x.itemsize
    vectors, at = (out + lanes - 1) // lanes, constant(0)
    for c in range(channels):
        for j in range(taps):
            for r in range(rows):  # each row overwrites what the one before has written too much
                _copy_vectors(framed, (c * rows + r) * columns + j * dilation, shifted, at, vectors)
                at += out
