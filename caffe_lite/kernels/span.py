"""Vectors of any length of which only some lanes are in memory: the end of a row, or its padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from caffe_lite.kernels.vector import Code

_BIT, _INT = ir.IntType(1), ir.IntType(32)


class Span:
    """Vectors of ``count`` numbers of the element type; LLVM makes of them as many registers as it takes.

    Which lanes are in memory is known when the kernel is compiled, so that a full vector costs no mask.
    """

    def __init__(self, code: Code, count: int) -> None:
        self._code, self.count, self.kind = code, count, ir.VectorType(code.element, count)
        self.zero = ir.Constant(self.kind, [0.0] * count)

    def variable(self) -> Any:
        """A vector that changes in loops."""
        return cgutils.alloca_once(self._code.builder, self.kind)

    def spread(self, scalar: Any) -> Any:
        """The scalar in every lane."""
        return spread(self._code, scalar, self.kind)

    def load(self, address: Any, begin: int, end: int, otherwise: Any = None) -> Any:
        """Lanes outside of ``begin`` to ``end`` are not read; they are those of ``otherwise``, or 0."""
        rest = self.zero if otherwise is None else otherwise
        return self._masked("load", self.kind, begin, end, [self._pointer(address)], [rest])

    def store(self, vector: Any, address: Any, begin: int, end: int) -> None:
        """Lanes outside of ``begin`` to ``end`` are not written."""
        self._masked("store", ir.VoidType(), begin, end, [vector, self._pointer(address)])

    def _pointer(self, address: Any) -> Any:
        return self._code.builder.bitcast(address, self.kind.as_pointer())

    def _masked(self, name: str, result: Any, begin: int, end: int, what: list[Any], rest: Sequence[Any] = ()) -> Any:
        """LLVM's intrinsic of this name, for lanes from ``begin`` to ``end``."""
        builder, align = self._code.builder, self._code.align
        bits = ir.Constant(ir.VectorType(_BIT, self.count), [begin <= i < end for i in range(self.count)])
        args = [*what, _INT(align), bits, *rest]
        kind = ir.FunctionType(result, [a.type for a in args])
        name = f"llvm.masked.{name}.v{self.count}f{8 * align}.p0"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def spread(code: Code, scalar: Any, kind: Any) -> Any:
    """A vector of this kind, whose elements are all the scalar."""
    one = code.builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, _INT(0))
    return code.shuffle(one, one, [0] * kind.count)


def interleave(code: Code, vectors: Sequence[Any]) -> Any:
    """One vector of the first elements of all, their second ones, and so on."""
    joined, n = vectors[0], vectors[0].type.count
    for i, vector in enumerate(vectors[1:], 1):
        longer = code.shuffle(vector, vector, [*range(n), *[0] * (n * (i - 1))])
        joined = code.shuffle(joined, longer, range(n * (i + 1)))
    return code.shuffle(joined, joined, [v * n + i for i in range(n) for v in range(len(vectors))])


def enough_lanes(count: int) -> int:
    """The lanes of the smallest vector, a power of two, that holds so many numbers."""
    return 1 << (count - 1).bit_length()
