"""Kernels one after another, on several threads, without Python between them.

A compiled kernel is a function in memory. Called with an array it takes seven words and more (its address, size and
steps among them), with a tuple its items: all of them integers, or floating-point numbers. On x86-64, but for Windows,
integers and addresses go to registers and the stack in their order, and the first eight floating-point numbers to
registers of their own, whatever stands between them; words that are too many do no harm. So one call fits all kernels.

Threads meet at counters in memory, which takes a fifth of a microsecond where the GIL takes 15.

Source: System V Application Binary Interface, AMD64 Architecture Processor Supplement, 3.2.3.
"""

from __future__ import annotations

import os
from struct import calcsize
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from caffe_lite.kernels.vector import COMPILED, X86, constant, intrinsic, literals

POSSIBLE = COMPILED and X86 and os.name == "posix" and calcsize("P") == 8
NUMBERS = 8  # floating-point numbers that go to registers
SIZES = (24, 48, 96, 160)  # words that a call passes
HEADER = 3  # words of a call before its numbers
POLITE, PATIENT = 64, 20_000  # looks after which others may have the processor, and after which to sleep
_WORD = ir.IntType(64)
_yield: Any = types.ExternalFunction("sched_yield", types.int32())
_sleep: Any = types.ExternalFunction("usleep", types.int32(types.uint32))
PLACED = POSSIBLE and hasattr(os, "sched_setaffinity")  # Linux: threads can be told where to run
CPUS = 1024  # of a set as large as the C library's
_set = types.int32(types.int32, types.intp, types.intp)
_get_cpus: Any = types.ExternalFunction("sched_getaffinity", _set)
_set_cpus: Any = types.ExternalFunction("sched_setaffinity", _set)
_cpu: Any = types.ExternalFunction("sched_getcpu", types.int32())


@intrinsic
def _word(typing: Any, address: Any, i: Any) -> Any:
    """The word ``i`` after an address."""
    signature = types.int64(types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(builder, *args))

    return signature, codegen


@intrinsic
def _call(typing: Any, address: Any, size: Any) -> Any:
    """Call the kernel at an address with the numbers that stand after the header, then ``size`` words; not 0 if it
    failed."""
    sizes = literals(size)
    if sizes is None:
        return None
    signature = types.int32(types.int64, size)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = [builder.load(_place(builder, args[0], _WORD(HEADER + i))) for i in range(NUMBERS + sizes[0])]
        kind = ir.FunctionType(ir.IntType(32), [_WORD] * sizes[0] + [ir.DoubleType()] * NUMBERS)
        function = builder.inttoptr(builder.load(_place(builder, args[0], _WORD(0))), kind.as_pointer())
        return builder.call(function, words[NUMBERS:] + [builder.bitcast(w, ir.DoubleType()) for w in words[:NUMBERS]])

    return signature, codegen


@intrinsic
def _tell(typing: Any, address: Any, i: Any, value: Any) -> Any:
    """Write word ``i``, seen by others after all that was written before."""
    signature = types.void(types.int64, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _place(builder, *args[:2]), "release", 8)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _look(typing: Any, address: Any, i: Any) -> Any:
    """Word ``i`` as memory has it now, after a moment's rest."""
    signature = types.int64(types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return builder.load_atomic(_place(builder, *args), "acquire", 8)

    return signature, codegen


@intrinsic
def _change(typing: Any, address: Any, old: Any, new: Any) -> Any:
    """Make a word ``new`` if it is ``old``; whether it was."""
    signature = types.boolean(types.int64, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pair = builder.cmpxchg(_place(builder, args[0], _WORD(0)), args[1], args[2], "acq_rel", "acquire")
        return builder.extract_value(pair, 1)

    return signature, codegen


def _place(builder: Any, address: Any, i: Any) -> Any:
    return builder.gep(builder.inttoptr(address, _WORD.as_pointer()), [i])


@njit(cache=True, nogil=True)
def _await(address: int, i: int, value: int) -> None:
    """Return when word ``i`` is ``value`` at least."""
    looks = 0
    while _look(address, i) < value:
        looks += 1
        if looks % POLITE == 0:
            _yield()
        if looks > PATIENT:
            _sleep(100)


@njit(cache=True, nogil=True)
def run_calls(thread: int, program: int) -> None:
    """Thread ``thread``'s part of a program, the steps of which all threads begin together.

    Args:
        program: the address of its words: how many steps and threads there are, the address of the counters, whether a
            call failed; for each step and thread the address of a call, or 0; the calls: the kernel's address, which of
            ``SIZES``, threads in the step; eight numbers; words. Counters are for each thread, 16 words apart, how many
            steps it is done with, of the first how many have begun; all 0, before and after.
    """
    steps, threads, counters = _word(program, 0), _word(program, 1), _word(program, 2)
    for step in range(steps):
        call = _word(program, 4 + step * threads + thread)
        if call == 0:
            continue
        if thread == 0:
            _tell(counters, 0, step + 1)
        else:
            _await(counters, constant(0), step + 1)
        size = _word(call, 1)
        if size == 0:
            result = _call(call, SIZES[0])
        elif size == 1:
            result = _call(call, SIZES[1])
        elif size == 2:
            result = _call(call, SIZES[2])
        else:
            result = _call(call, SIZES[3])
        if result != 0:
            _tell(program, 3, 1)
        if thread == 0:
            for other in range(1, _word(call, 2)):
                _await(counters, 16 * other, step + 1)
        else:
            _tell(counters, 16 * thread, step + 1)
    if thread == 0:  # the others look at theirs no more
        for other in range(threads):
            _tell(counters, 16 * other, 0)


@njit(cache=True, nogil=True)
def _leave(cpu: int, cpus: int) -> None:
    """Go to another processor, if this thread may run on one; at ``cpus`` there is room for a set."""
    if _get_cpus(0, CPUS // 8, cpus) < 0:
        return
    word, bit = cpu // 64, 1 << (cpu % 64)
    all_of_it = _word(cpus, word)
    _tell(cpus, word, all_of_it & ~bit)
    if _set_cpus(0, CPUS // 8, cpus) == 0:
        _tell(cpus, word, all_of_it)
        _set_cpus(0, CPUS // 8, cpus)


@njit(cache=True, nogil=True)
def serve(thread: int, mail: int, work: int, seen: int, looks: int, grace: int) -> None:
    """Run the programs whose addresses others put into ``mail``, a word, in the place of 0.

    Returns when the word at ``work`` is no longer ``seen``, or after so many looks without a program. ``mail`` is
    then -1, so that no more come. The next word is the processor that the other thread is on, and after those two comes
    room for a set of them. To have both threads on one processor takes Linux some milliseconds to notice, in which
    they take turns; it happens after each sleep where its scheduler knows of no common cache.
    """
    idle = 0
    while True:
        program = _look(mail, 0)
        if program > 0:
            if PLACED:
                cpu = _cpu()
                if 0 <= cpu == _word(mail, 1):
                    _leave(cpu, mail + 16)
            run_calls(thread, program)
            _tell(mail, 0, 0)
            idle = 0
        elif _look(work, 0) != seen or idle >= looks:
            if _change(mail, 0, -1):
                for _ in range(grace):
                    _look(work, 0)
                return
        else:
            idle += 1
            if idle % POLITE == 0:
                _yield()


@njit(cache=True)
def post(mail: int, program: int) -> bool:
    """Give a program to who serves at ``mail``; whether anybody does and is free."""
    if PLACED:
        _tell(mail, 1, _cpu())
    return _change(mail, 0, program)


@njit(cache=True, nogil=True)
def await_served(mail: int, program: int) -> None:
    """Return when who serves there has left the program."""
    looks = 0
    while _look(mail, 0) == program:
        looks += 1
        if looks % POLITE == 0:
            _yield()
