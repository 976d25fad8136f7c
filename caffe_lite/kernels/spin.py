"""Waiting without sleeping, for the moments between two kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from caffe_lite.kernels.vector import X86, intrinsic

Array = Any


@intrinsic
def _look(typing: Any, counter: Any) -> Any:
    """``counter[0]`` as memory has it now, after a moment's rest where the processor knows how."""
    signature = types.int64(counter)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        place = context.make_array(counter)(context, builder, args[0]).data
        return builder.load_atomic(place, "acquire", 8)

    return signature, codegen


@njit(cache=True, nogil=True)
def spin(counter: Array, seen: int, rounds: int) -> None:
    """Return when ``counter[0]`` is no longer ``seen``, or after so many looks."""
    for _ in range(rounds):
        if _look(counter) != seen:
            return
