"""Recorded steps joined to one where they are compiled kernels: see ``kernels/sequence.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from caffe_lite.aligned import zeros
from caffe_lite.kernels.sequence import HEADER, NUMBERS, POSSIBLE, SIZES
from caffe_lite.parallel import Program, Step, run_program

Words = list[int]


def joined(steps: list[Step]) -> list[Step]:
    """Steps that do the same, as few as can be. Arrays of the old ones must live as long as the new ones."""
    made: list[Step] = []
    row: list[list[Words]] = []
    for step in [*steps, []]:
        calls = [call_words(function, args) for function, args in step]
        if calls and None not in calls:
            row.append([words for words in calls if words])
            continue
        if row:
            made.append([(run_program, (_program(row),))])
            row = []
        if step:
            made.append(step)
    return made


def _program(row: list[list[Words]]) -> Program:
    """What makes all these calls, of each step one for each thread."""
    threads, begin = max(map(len, row)), 4 + len(row) * max(map(len, row))
    counters, results = zeros(16 * threads, np.int64), np.zeros(2, np.int64)
    words = np.zeros(begin + sum(len(call) for calls in row for call in calls), np.int64)
    words[:3] = len(row), threads, counters.ctypes.data
    address = words.ctypes.data
    for i, calls in enumerate(row):
        for thread, call in enumerate(calls):
            words[4 + i * threads + thread] = address + 8 * begin
            words[begin:begin + len(call)] = call
            words[begin + 2] = len(calls)
            at = begin + HEADER + NUMBERS  # where a kernel puts its result, and what went wrong
            words[at:at + 2] = results.ctypes.data, results.ctypes.data + 8
            begin += len(call)
    return Program(address, threads, (words, counters, results))


def call_words(function: Any, args: tuple[Any, ...]) -> Words | None:
    """A call as ``run_calls`` wants it; None for what is no compiled kernel, or takes what it does not know."""
    overloads = getattr(function, "overloads", None)
    found = POSSIBLE and overloads and overloads.get(tuple(map(function.typeof_pyval, args)))
    if not found or found.fndesc.restype != types.none:
        return None
    if "<locals>" in found.fndesc.qualname:  # an address is found by name, and others may have this one's
        return None
    numbers: Words = []
    words: Words = [0, 0]
    if not all(_add(kind, value, numbers, words) for kind, value in zip(found.fndesc.argtypes, args, strict=True)):
        return None
    kinds = [str(kind) for kind in found.target_context.get_arg_packer(found.fndesc.argtypes).argument_types]
    floating = sum(kind in ("float", "double") for kind in kinds)
    if (len(kinds), floating) != (len(numbers) + len(words) - 2, len(numbers)):
        return None
    size = next((i for i, most in enumerate(SIZES) if len(words) <= most), None)
    if size is None or len(numbers) > NUMBERS:
        return None
    address = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return [address, size, 0, *numbers, *[0] * (NUMBERS - len(numbers)), *words, *[0] * (SIZES[size] - len(words))]


def _add(kind: Any, value: Any, numbers: Words, words: Words) -> bool:
    """Append what numba passes for an argument: of an array who owns it (nobody), its size, that of an element, its
    address, and its sizes and steps."""
    if isinstance(kind, types.Array):
        words += [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
    elif isinstance(kind, (types.Integer, types.Boolean)):
        words.append(int(value))
    elif kind == types.float32:
        numbers.append(int(np.float32(value).view(np.uint32)))
    elif kind == types.float64:
        numbers.append(int(np.float64(value).view(np.int64)))
    elif isinstance(kind, types.BaseTuple):
        items: Any = kind
        return all(_add(k, v, numbers, words) for k, v in zip(items, value, strict=True))
    else:
        return False
    return True
