"""HDF5 files that may come from anybody.

Whatever h5py finds wrong in a file leaves as one kind of error. What a file says of its sizes is checked before memory
is taken. Links that lead out of the file, to others on this disk, are not followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.hdf5_chunks import BrokenPiece, read_chunked, refuse_fill_value
from caffe_lite.limits import current
from caffe_lite.optional import need

Array = np.ndarray[Any, Any]


MOST_TEXT = 1 << 16
"""Bytes of a string, such as a file's name."""


class BrokenEntry(Exception):
    """What is wrong with an entry of an HDF5 file."""


@contextmanager
def opened(path: str | os.PathLike[str], kind: type[CaffeError], before: str) -> Iterator[Any]:
    """An HDF5 file, open for reading.

    Args:
        kind, before: the class of the error for a file that is broken, and how its message begins.

    Raises:
        DependencyError: h5py is not installed.
    """
    h5py = need("h5py", "hdf5", "reading HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except CaffeError:
        raise
    except Exception as error:  # h5py raises nearly anything for a damaged file
        raise kind(f"{before}: {error or type(error).__name__}") from error


def entry(group: Any, name: str) -> Any:
    """The group or dataset of this name in a group, None if there is none.

    Raises:
        BrokenEntry: it is a link to another file.
    """
    h5py = need("h5py", "hdf5", "reading HDF5 files")
    found = group
    for part in filter(None, name.split("/")):
        if not isinstance(found, h5py.Group) or part not in found:
            return None
        if isinstance(found.get(part, getlink=True), h5py.ExternalLink):
            raise BrokenEntry(f"{name!r} is a link to another file, which is not followed; copy what it means into "
                              "this one")
        found = found[part]
    return found


def numbers(dataset: Any, dtype: Any = None) -> Array:
    """A dataset of numbers, whole.

    Args:
        dtype: to convert to; by default its own.

    Raises:
        BrokenEntry: it is no such dataset, lies in another file, or is larger than a net may be.
    """
    h5py = need("h5py", "hdf5", "reading HDF5 files")
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
        found = f"{dataset.dtype}" if isinstance(dataset, h5py.Dataset) else type(dataset).__name__
        raise BrokenEntry(f"expected numbers, found {found}")
    if dataset.external or dataset.is_virtual:
        raise BrokenEntry(f"{dataset.name!r} lies in another file, which is not read; copy it into this one")
    limit, wanted = current().memory, np.dtype(dtype or dataset.dtype)
    largest = max(dataset.size * wanted.itemsize, prod(dataset.chunks or ()) * dataset.dtype.itemsize)
    if limit is not None and largest > limit:
        raise BrokenEntry(f"{dataset.name!r} of shape {dataset.shape}, in pieces of {dataset.chunks}, takes {largest} "
                          f"bytes, more than the {limit} of --memory_limit")
    if not h5py.h5t.py_create(dataset.dtype).equal(dataset.id.get_type()):
        raise BrokenEntry(f"{dataset.name!r} is of a type that is nearly, but not quite, {dataset.dtype}")
    try:
        if dataset.chunks:
            return read_chunked(dataset).astype(wanted, copy=False)
        if not dataset.id.get_storage_size():
            refuse_fill_value(dataset)
            return np.zeros(dataset.shape, wanted)
    except BrokenPiece as error:
        raise BrokenEntry(f"{dataset.name!r}: {error}") from None
    return np.asarray(dataset[()]).astype(wanted, copy=False)


def text(dataset: Any) -> str:
    """A dataset of one string.

    Raises:
        BrokenEntry: it is none, or a very long one.
    """
    h5py = need("h5py", "hdf5", "reading HDF5 files")
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "SO" or dataset.shape not in ((), (1,)):
        raise BrokenEntry("expected a string")
    if dataset.dtype.itemsize > MOST_TEXT:
        raise BrokenEntry(f"expected a string of {MOST_TEXT} bytes at most")
    found = np.ravel(np.asarray(dataset[()], object))[0]
    return found.decode(errors="surrogateescape") if isinstance(found, bytes) else str(found)
