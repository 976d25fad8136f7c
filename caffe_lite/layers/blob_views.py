"""Blobs as pycaffe shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from caffe_lite.blob import Array, Blob


class BlobView:
    """A blob with pycaffe's names. Source: Caffe's ``_caffe.cpp``.

    Attributes:
        blob: the engine's.
    """

    __slots__ = ("blob",)

    def __init__(self, blob: Blob) -> None:
        self.blob = blob

    # Views, because a program may give the array that it got another shape.

    @property
    def data(self) -> Array:
        """The values; write to them in place."""
        return self.blob.data.view()

    @property
    def diff(self) -> Array:
        """The gradient; write to it in place."""
        return self.blob.diff.view()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.blob.shape

    @property
    def count(self) -> int:
        return self.blob.count

    @property
    def num(self) -> int:
        return self._old_size(0)

    @property
    def channels(self) -> int:
        return self._old_size(1)

    @property
    def height(self) -> int:
        return self._old_size(2)

    @property
    def width(self) -> int:
        return self._old_size(3)

    def reshape(self, *shape: int) -> None:
        self.blob.reshape(shape)

    def _old_size(self, axis: int) -> int:
        shape = self.blob.shape
        if len(shape) > 4:
            raise AttributeError(f"num, channels, height and width are of 4 axes or less, not of the shape {shape}")
        return shape[axis] if axis < len(shape) else 1

    def __repr__(self) -> str:
        return repr(self.blob)


class BlobViews(Sequence[BlobView]):
    """A list of blobs, which ``add_blob`` makes longer."""

    def __init__(self, blobs: list[Blob] | None = None, dtype: Any = np.float32) -> None:
        self._blobs, self._dtype = [] if blobs is None else blobs, dtype

    def add_blob(self, *shape: int) -> None:
        """Append a blob of zeros."""
        self._blobs.append(Blob(shape, self._dtype))

    @overload
    def __getitem__(self, index: int) -> BlobView: ...

    @overload
    def __getitem__(self, index: slice) -> list[BlobView]: ...

    def __getitem__(self, index: int | slice) -> BlobView | list[BlobView]:
        if isinstance(index, slice):
            return [BlobView(blob) for blob in self._blobs[index]]
        return BlobView(self._blobs[index])

    def __len__(self) -> int:
        return len(self._blobs)

    def __iter__(self) -> Iterator[BlobView]:
        return map(BlobView, self._blobs)
