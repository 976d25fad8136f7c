"""Waiting without sleeping, for the moments between two kernels."""

from __future__ import annotations

import os
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from caffe_lite.kernels.vector import COMPILED, X86, intrinsic

Array = Any
POLITE = 64  # looks, after which others may have the processor
_POSIX = os.name == "posix"
_yield = types.ExternalFunction("sched_yield", types.int32())


@intrinsic
def _look(typing: Any, counter: Any) -> Any:
    """``counter[0]`` as memory has it now, after a moment's rest where the processor knows how: 10 to 50 ns."""
    signature = types.int64(counter)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if X86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        place = context.make_array(counter)(context, builder, args[0]).data
        return builder.load_atomic(place, "acquire", 8)

    return signature, codegen


@njit(cache=True, nogil=True)
def _spin(counter: Array, seen: int, looks: int, grace: int) -> None:
    for i in range(looks):
        if _look(counter) != seen:
            for _ in range(grace):
                _look(counter)
            return
        if _POSIX and i % POLITE == POLITE - 1:
            _yield()


def spin(counter: Array, seen: int, looks: int, grace: int) -> None:
    """Return ``grace`` looks after ``counter[0]`` is no longer ``seen``, or after so many looks, or at once where
    nothing is compiled."""
    if COMPILED:
        _spin(counter, seen, looks, grace)
