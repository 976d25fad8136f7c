"""Winograd's minimal filtering along an axis: the matrices, and vector code that applies them.

Of the inputs d that a tile of outputs y sees and a filter g::

    y = Aᵀ [(G g) ∘ (Bᵀ d)]

and with two axes ``y = Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A``. The elements in the brackets are the *points*: a convolution is a
matrix product over channels for each of them. The matrices here hold nothing but 0, 1, -1 and 1/2, so that sums
round about as they do without them; with fewer points for as many outputs factors grow, and errors with them.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from caffe_lite.kernels.vector import Code, intrinsic, literals

Matrix = Any  # of numbers, line by line


class Form(NamedTuple):
    """The matrices for an axis: Bᵀ, G and Aᵀ."""

    inputs: Matrix
    filters: Matrix
    outputs: Matrix

    @property
    def taps(self) -> int:
        return len(self.filters[0])

    @property
    def tile(self) -> int:
        """Outputs of a tile."""
        return len(self.outputs)


def _interleaved(even: Form, odd: Form) -> Form:
    """A filter of 5 is one of 3 on every second input and one of 2 on those between. For every second output they
    change places, so that two outputs need four of them; or three, as for an output pair of a filter of 2 in ``TWO``.
    """
    d, g = np.eye(8), np.eye(5)
    longer = np.vstack([g[1::2], np.zeros(5)])
    outputs = np.zeros((4, 11))
    outputs[::2, :4] = outputs[::2, 4:8] = outputs[1::2, 4:8] = even.outputs
    outputs[1::2, 8:] = odd.outputs
    inputs = even.inputs @ (d[::2] - d[1::2]), even.inputs @ d[1::2], odd.inputs @ (d[2::2] - d[1:-1:2])
    filters = even.filters @ g[::2], even.filters @ (g[::2] + longer), odd.filters @ g[1::2]
    return Form(np.vstack(inputs), np.vstack(filters), outputs)


TWO = Form(((1, -1, 0), (0, 1, 0), (0, -1, 1)), ((1, 0), (1, 1), (0, 1)), ((1, 1, 0), (0, 1, 1)))
THREE = Form(((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
             ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
             ((1, 1, 1, 0), (0, 1, -1, -1)))
FORMS = {  # by their points
    4: THREE,
    7: Form(((1, 0, -1, 0, 0, 0), (0, 1, 1, 0, 0, 0), (0, -1, 1, 0, 0, 0), (0, 1, 0, -1, 0, 0),
             (0, 0, 0, 1, -1, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 1, -1)),
            ((1, 0, 0, 0, 0), (0.5, 0.5, 0.5, 0, 0), (0.5, -0.5, 0.5, 0, 0), (0, 0, 1, 0, 0),
             (0, 0, 0, 1, 0), (0, 0, 0, 1, 1), (0, 0, 0, 0, 1)),
            ((1, 1, 1, 0, 1, 1, 0), (0, 1, -1, -1, 0, 1, -1))),
    11: _interleaved(THREE, TWO),
}  # fmt: skip


def transposed(matrix: Matrix) -> Matrix:
    return list(zip(*matrix, strict=True))


def seen_by_points(form: int, back: int) -> Matrix:
    """What makes points of inputs or, if it goes ``back``, of the gradients of outputs."""
    return transposed(FORMS[form].outputs) if back else FORMS[form].inputs


def combine(code: Code, factors: Sequence[float], vectors: Sequence[Any]) -> Any:
    """The sum of the vectors times these factors."""
    total = None
    for factor, vector in zip(factors, vectors, strict=True):
        if factor:
            if abs(factor) != 1:
                vector = code.builder.fmul(vector, ir.Constant(code.vector, [abs(factor)] * code.lanes))
            if factor < 0:
                total = code.builder.fsub(code.zero if total is None else total, vector)
            else:
                total = vector if total is None else code.builder.fadd(total, vector)
    return total


def both_ways(code: Code, matrix: Matrix, vectors: Sequence[Any]) -> list[Any]:
    """``matrix X matrixᵀ`` of a square X, which is given row by row."""
    n = len(matrix[0])
    columns = [vectors[i::n] for i in range(n)]
    half = [[combine(code, line, column) for column in columns] for line in matrix]
    return [combine(code, line, row) for row in half for line in matrix]


def _filters_by_points(form: int, back: bool) -> Matrix:
    """What makes points of filters or, if it goes ``back``, of the points' gradients those of filters."""
    return transposed(FORMS[form].filters) if back else FORMS[form].filters


@intrinsic
def along(typing: Any, source: Any, s0: Any, s_step: Any, target: Any, t0: Any, t_step: Any, form: Any,
          back: Any) -> Any:
    """A line of a filter to a line of points or, if it goes ``back``, the gradients of these to those."""
    sizes = literals(form, back)
    if sizes is None:
        return None
    matrix, i64 = _filters_by_points(sizes[0], sizes[1] == 1), types.int64
    signature = types.void(source, i64, i64, target, i64, i64, form, back)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, source.dtype)
        vectors = [code.load(code.array(source, args[0], code.add(args[1], code.mul(args[2], i))))
                   for i in range(len(matrix[0]))]
        for k, line in enumerate(matrix):
            place = code.array(target, args[3], code.add(args[4], code.mul(args[5], k)))
            code.store(combine(code, line, vectors), place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def filters(typing: Any, source: Any, s0: Any, s_step: Any, target: Any, t0: Any, t_step: Any, form: Any,
            kind: Any) -> Any:
    """Filters to points (``kind`` 0), the same turned by 180 degrees (1), points to the filters' gradient (2)."""
    sizes = literals(form, kind)
    if sizes is None:
        return None
    matrix, i64 = _filters_by_points(sizes[0], sizes[1] == 2), types.int64
    signature = types.void(source, i64, i64, target, i64, i64, form, kind)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, source.dtype)
        vectors = [code.load(code.array(source, args[0], code.add(args[1], code.mul(args[2], i))))
                   for i in range(len(matrix[0]) ** 2)]
        for k, vector in enumerate(both_ways(code, matrix, vectors[::-1] if sizes[1] == 1 else vectors)):
            code.store(vector, code.array(target, args[3], code.add(args[4], code.mul(args[5], k))))
        return context.get_dummy_value()

    return signature, codegen
