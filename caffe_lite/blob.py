"""The blob: an n-dimensional array of values and, of the same shape, of gradients."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.errors import ShapeError

Array = np.ndarray[Any, Any]

MOST_AXES, MOST_ELEMENTS = 32, (1 << 31) - 1  # as Caffe's blob.hpp and blob.cpp have it


class _Memory:
    """A flat array that several blobs may look at; it is allocated when somebody first looks.

    Where it is ``watched``, others get another array over the same memory, ``lent``, which all views of it keep alive.
    """

    __slots__ = ("_lent", "array", "dtype", "times", "watched")

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.array: Array = np.empty(0, self.dtype)
        self.watched, self.times = False, 0
        self._lent: weakref.ref[Array] | None = None

    def at_least(self, count: int) -> Array:
        if self.array.size < count:
            self.take(zeros(count, self.dtype))
        return self.array

    def take(self, array: Array) -> None:
        self.array, self._lent = array, None
        self.times += 1

    def lend(self) -> Array:
        lent = None if self._lent is None else self._lent()
        if lent is None:
            lent = np.frombuffer(self.array.data, self.dtype) if self.array.size else self.array
            self._lent = weakref.ref(lent)
            self.times += 1
        return lent

    @property
    def is_lent(self) -> bool:
        return self._lent is not None and self._lent() is not None


class Blob:
    """Values (``data``) and gradients (``diff``) of one shape.

    Both are C-contiguous numpy arrays over memory that stays the same until a reshape needs more of it, so a
    view of ``data`` that was taken once goes on showing the blob. Memory is taken, zeroed, at the first
    look: a blob whose gradient nobody needs costs only its values.

    Args:
        shape: sizes, outermost first; ``()`` is a scalar of one element, as a loss is.
        dtype: ``float32``, or ``float64`` for checks of gradients.
    """

    __slots__ = ("_data", "_data_view", "_diff", "_diff_view", "_shared", "count", "shape")

    def __init__(self, shape: Sequence[int] = (), dtype: Any = np.float32) -> None:
        self._data, self._shared = _Memory(dtype), 0
        self._diff = _Memory(dtype)
        self._data_view: Array | None = None
        self._diff_view: Array | None = None
        self.reshape(shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    def reshape(self, shape: Sequence[int]) -> None:
        """Take another shape; the memory stays where it is when it is large enough.

        Raises:
            ShapeError: a size is negative, or there are more than 32 axes or 2^31 - 1 elements.
        """
        sizes = tuple(int(n) for n in shape)
        if any(n < 0 for n in sizes):
            raise ShapeError(f"a blob cannot have the shape {sizes}: a size is negative")
        if len(sizes) > MOST_AXES:
            raise ShapeError(f"a blob cannot have {len(sizes)} axes: {MOST_AXES} are the most")
        count = prod(sizes)
        if count > MOST_ELEMENTS:
            raise ShapeError(f"a blob cannot have the shape {sizes}: its size exceeds {MOST_ELEMENTS} elements")
        self.shape: tuple[int, ...] = sizes
        self.count: int = count
        self._data_view = self._diff_view = None

    @property
    def data(self) -> Array:
        """The values, an array of ``shape`` that may be written to."""
        if self._data.watched:
            self._data.at_least(self.count)
            return self._data.lend()[: self.count].reshape(self.shape)
        return self.values

    def watch(self) -> None:
        """Know from now on, by ``version``, whether somebody can have written to the values."""
        self._data.watched = True

    @property
    def version(self) -> tuple[int, int] | None:
        """What is the same as long as the values are; None while somebody has an array that ``data`` gave."""
        return None if self._data.is_lent or not self._data.watched else (self._shared, self._data.times)

    @property
    def values(self) -> Array:
        """``data`` for a net's own passes, which only read them; nobody counts as having them then."""
        memory, view = self._data.at_least(self.count), self._data_view
        if view is None or view.base is not memory:
            view = self._data_view = memory[: self.count].reshape(self.shape)
        return view

    @property
    def diff(self) -> Array:
        """The gradient of the loss with respect to ``data``, an array of ``shape``."""
        memory, view = self._diff.at_least(self.count), self._diff_view
        if view is None or view.base is not memory:
            view = self._diff_view = memory[: self.count].reshape(self.shape)
        return view

    def share_data(self, other: Blob) -> None:
        """Look at the values of ``other`` from now on; the two must hold as many elements."""
        self._same_count(other)
        self._data, self._data_view = other._data, None
        self._shared += 1

    def share_diff(self, other: Blob) -> None:
        """Look at the gradient of ``other`` from now on; the two must hold as many elements."""
        self._same_count(other)
        self._diff, self._diff_view = other._diff, None

    def adopt(self, array: Array) -> None:
        """Take the memory of a C-contiguous ``array`` of ``count`` elements as the values, here and in every
        blob that shares them. A data layer hands out the batch it prefetched this way, without a copy."""
        self._data.take(array if array.ndim == 1 else array.reshape(-1))

    @property
    def nbytes(self) -> int:
        """What the values take."""
        return self.count * self.dtype.itemsize

    @property
    def data_memory(self) -> object:
        """The same object for all blobs that share their values."""
        return self._data

    @property
    def diff_memory(self) -> object:
        """The same object for all blobs that share their gradient."""
        return self._diff

    def _same_count(self, other: Blob) -> None:
        if self.count != other.count:
            raise ShapeError(
                f"a blob of shape {self.shape} ({self.count} elements) cannot share memory with one of shape "
                f"{other.shape} ({other.count} elements)"
            )

    def __repr__(self) -> str:
        return f"Blob({self.shape}, {self.dtype.name})"


def places(blobs: Sequence[Blob], diffs: bool) -> list[Array]:
    """The arrays of the blobs' values, and of their gradients where ``diffs``, flat. They are the same objects until
    memory is taken anew, adopted or shared."""
    arrays = [blob._data.array for blob in blobs]
    if diffs:
        arrays += [blob._diff.array for blob in blobs]
    return arrays


def shape_string(shape: Sequence[int]) -> str:
    """The shape as Caffe prints it: ``64 20 24 24 (737280)``."""
    return "".join(f"{n} " for n in shape) + f"({prod(shape)})"
