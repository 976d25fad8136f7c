"""Writing LLVM's vector instructions by hand: what the intrinsics of the other files are made of.

numba's loops leave it to LLVM to find the vector form, which it seldom does for convolutions. An ``@intrinsic`` gives
it the vector operations themselves. Vectors are as wide as the machine's registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import binding, ir
from numba import config as numba_config
from numba import extending, types
from numba.core import cgutils

config: Any = numba_config  # numba sets its attributes at run time
intrinsic: Any = extending.intrinsic  # its first parameter, the typing context, is not the caller's
# For numbers that kernels give each other: literals have types of their own, for which a kernel is compiled once more.
constant: Any = types.int64
flag: Any = types.boolean
COMPILED = not config.DISABLE_JIT
INDEX, _INT = ir.IntType(64), ir.IntType(32)


def _features() -> set[str]:
    """The CPU features that numba compiles for."""
    if config.CPU_FEATURES is not None or config.CPU_NAME == "generic":
        return {f[1:] for f in (config.CPU_FEATURES or "").split(",") if f.startswith("+")}
    return {name for name, there in binding.get_host_cpu_features().items() if there}


def _vector_bytes() -> int:
    features = _features()
    return 64 if "avx512f" in features else 32 if "avx2" in features else 16


VECTOR_BYTES = _vector_bytes()
X86 = binding.get_process_triple().startswith(("x86_64", "i386", "i686"))
REGISTERS = 16 if X86 and VECTOR_BYTES < 64 else 32


def sized(*sizes: int) -> Callable[[Any], Any]:
    """Give a function that is made for these sizes a name of its own, without which ``net/sequence.py`` cannot call it.

    numba names compiled code by it: kernels that came from the cache under one name would be taken for each other by
    whoever looks for their addresses. And what they are made for must be numbers: a compiled function would be another
    one in each process, and the kernel never found in the cache.

    Raises:
        TypeError: it refers to something else of the function around it.
    """

    def rename(function: Any) -> Any:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if not isinstance(cell.cell_contents, int | float):
                raise TypeError(f"{function.__qualname__}: {name} is no number")
        function.__qualname__ = "_".join(map(str, (function.__qualname__.replace("<locals>.", ""), *sizes)))
        return function

    return rename


def lanes(itemsize: int) -> int:
    """How many numbers of so many bytes a register holds."""
    return VECTOR_BYTES // itemsize


def filled(count: int, lanes: int) -> float:
    """The part of the lanes that is used when ``count`` numbers are spread over them."""
    return count / (-(-count // lanes) * lanes) if count else 0


def literals(*arguments: Any) -> list[int] | None:
    """The values of literal integer types, or ``None`` when one is not known yet (numba asks again)."""
    if not all(isinstance(a, types.IntegerLiteral) for a in arguments):
        return None
    return [a.literal_value for a in arguments]


class Code:
    """Vector instructions for one element type, emitted where ``builder`` stands.

    Offsets and strides count elements; they are LLVM values or Python integers.
    """

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder = context, builder
        self.element = ir.FloatType() if dtype == types.float32 else ir.DoubleType()
        self.lanes = lanes(4 if dtype == types.float32 else 8)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.align = 4 if dtype == types.float32 else 8
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def index(self, value: Any) -> Any:
        return value if isinstance(value, ir.Value) else ir.Constant(INDEX, value)

    def add(self, a: Any, b: Any) -> Any:
        return self.builder.add(self.index(a), self.index(b))

    def mul(self, a: Any, b: Any) -> Any:
        return self.builder.mul(self.index(a), self.index(b))

    def least(self, a: Any, b: Any) -> Any:
        a, b = self.index(a), self.index(b)
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def array(self, kind: Any, value: Any, offset: Any = 0) -> Any:
        """The address of an element of an array argument."""
        return self.at(self.context.make_array(kind)(self.context, self.builder, value).data, offset)

    def at(self, address: Any, offset: Any) -> Any:
        return self.builder.gep(address, [self.index(offset)])

    def load(self, address: Any, mask: Any = None) -> Any:
        """A vector; with a mask, lanes outside of it are 0 and not read."""
        address = self.builder.bitcast(address, self.vector.as_pointer())
        if mask is None:
            vector = self.builder.load(address)
            vector.align = self.align
            return vector
        kind = ir.FunctionType(self.vector, [address.type, _INT, mask.type, self.vector])
        return self._call("llvm.masked.load.{}.p0", kind, address, _INT(self.align), mask, self.zero)

    def store(self, vector: Any, address: Any, mask: Any = None) -> None:
        """The reverse of ``load``."""
        address = self.builder.bitcast(address, self.vector.as_pointer())
        if mask is None:
            self.builder.store(vector, address).align = self.align
            return
        kind = ir.FunctionType(ir.VoidType(), [self.vector, address.type, _INT, mask.type])
        self._call("llvm.masked.store.{}.p0", kind, vector, address, _INT(self.align), mask)

    def prefetch(self, address: Any, write: bool = False) -> None:
        """Ask for what will soon be read or written: where rows are far apart no hardware foresees it."""
        address = self.builder.bitcast(address, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [address.type, *[_INT] * 3])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        keep, data = 3, 1
        self.builder.call(function, [address, *(_INT(int(n)) for n in (write, keep, data))])

    def first(self, count: Any) -> Any:
        """The mask of the first ``count`` lanes, all of them when there are no more."""
        numbers = ir.VectorType(INDEX, self.lanes)
        one = self.builder.insert_element(ir.Constant(numbers, ir.Undefined), self.index(count), _INT(0))
        counts = self.shuffle(one, one, [0] * self.lanes)
        return self.builder.icmp_signed("<", ir.Constant(numbers, list(range(self.lanes))), counts)

    def broadcast(self, scalar: Any) -> Any:
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), scalar, _INT(0))
        return self.shuffle(one, one, [0] * self.lanes)

    def shuffle(self, a: Any, b: Any, order: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT, len(order)), list(order)))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``, rounded once where the machine can."""
        return self._call("llvm.fmuladd.{}", ir.FunctionType(self.vector, [self.vector] * 3), a, b, c)

    def _call(self, name: str, kind: Any, *args: Any) -> Any:
        """An intrinsic of LLVM's, by its name for this vector type."""
        name = name.format(f"v{self.lanes}f{8 * self.align}")
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), args)

    def variables(self, count: int) -> list[Any]:
        """Vectors that change in loops; LLVM keeps them in registers."""
        return [cgutils.alloca_once(self.builder, self.vector) for _ in range(count)]

    @contextmanager
    def loop(self, begin: Any, end: Any, step: int = 1) -> Iterator[Any]:
        """``for i in range(begin, end, step)``; gives i."""
        limits = (self.index(begin), self.index(end), self.index(step))
        with cgutils.for_range_slice(self.builder, *limits, INDEX) as (i, _):
            yield i

    def sums(self, vectors: Sequence[Any]) -> list[Any]:
        """The sum over the lanes of each vector, as scalars; the tree of additions is always the same.

        Of two vectors one adds the halves of its pairs of lanes in the even lanes, the other one in the odd ones: a
        blend, which is nearly free, and one shuffle. Then those of pairs of pairs.
        """
        scalars: list[Any] = []
        for start in range(0, len(vectors), self.lanes):
            group = list(vectors[start:start + self.lanes])
            used, span = len(group), 1
            while span < self.lanes:
                group += group[-1:] * (len(group) % 2)  # an odd one pairs with itself
                own = [i + self.lanes * (i // span % 2) for i in range(self.lanes)]
                other = [i ^ span for i in own]
                group = [self.builder.fadd(self.shuffle(a, b, own), self.shuffle(a, b, other))
                         for a, b in zip(group[::2], group[1::2], strict=True)]
                span *= 2
            scalars += [self.builder.extract_element(group[0], _INT(i)) for i in range(used)]
        return scalars
