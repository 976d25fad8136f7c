"""HDF5 files of training data: datasets of numbers, one row an example."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.files import locate
from caffe_lite.libc_rng import LibcRng
from caffe_lite.optional import need

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


def read_file_list(path: str) -> list[str]:
    """The files named in a list, one a line or separated by blanks.

    Raises:
        DataError: the list cannot be read, or names none.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            names = file.read().split()
    except OSError as error:
        raise DataError(f"Failed to open source file: {path}: {error.strerror}") from None
    if not names:
        raise DataError(f"Must have at least 1 HDF5 filename listed in {path}")
    if names[0].startswith("\udc89HDF"):
        raise DataError(f"{path} is an HDF5 file: expected a text file with the names of HDF5 files, one a line")
    return names


def read_datasets(path: str, names: Sequence[str], dtype: Any) -> list[Array]:
    """The datasets of these names, whole and converted to ``dtype``.

    Raises:
        DataError: the file or a dataset is missing, is no array of numbers, or they differ in their rows.
        DependencyError: h5py is not installed.
    """
    h5py = need("h5py", "hdf5", "reading HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            arrays = [_read(h5py, file, path, name, dtype) for name in names]
    except OSError as error:
        raise DataError(f"Failed opening HDF5 file: {path}: {error}") from None
    rows = [len(array) for array in arrays]
    if len(set(rows)) > 1 or not rows[0]:
        found = ", ".join(f"{name}: {count}" for name, count in zip(names, rows, strict=True))
        raise DataError(f"{path}: expected as many rows, 1 or more, in each dataset; found {found}")
    return arrays


def _read(h5py: Any, file: Any, path: str, name: str, dtype: Any) -> Array:
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{path}: Failed to find HDF5 dataset {name}; it has {', '.join(file) or 'none'}")
    if dataset.dtype.kind not in "fiu" or not dataset.shape:
        raise DataError(
            f"{path}: dataset {name}: expected numbers with at least 1 axis, found {dataset.dtype}{list(dataset.shape)}"
        )
    array = np.empty(dataset.shape, dtype)
    if array.size:
        dataset.read_direct(array)
    return array


class Rows:
    """The rows of several files, round and round, a file in memory at a time.

    Args:
        path: the list of files; those that are not found from the working folder are looked for from the list.
        names: the datasets, one for each array of a batch.
        dtype: of the batches.
        shuffle: the generator to shuffle files and rows with, or None.

    Attributes:
        arrays: the datasets of the current file.

    Source: Caffe's ``hdf5_data_layer.cpp``, its order of draws too.
    """

    def __init__(self, path: str, names: Sequence[str], dtype: Any, shuffle: LibcRng | None) -> None:
        self._path, self._names, self._dtype, self._rng = path, names, dtype, shuffle
        log.info("Loading list of HDF5 filenames from: %s", path)
        self._files = read_file_list(path)
        log.info("Number of HDF5 files: %d", len(self._files))
        self._order = np.arange(len(self._files))
        self._file = self._row = 0
        self._shuffle(self._order)
        self.arrays: list[Array] = []
        self._load()

    def read(self, batch: Sequence[Array]) -> None:
        """Fill each array of a batch with the next rows.

        Raises:
            DataError: a file cannot be read, or its rows have another shape than those of the first.
        """
        for i in range(len(batch[0])):
            row = self._rows[self._row]
            for out, array in zip(batch, self.arrays, strict=True):
                out[i] = array[row]
            self._next()

    def _next(self) -> None:
        self._row += 1
        if self._row < len(self._rows):
            return
        self._row = 0
        if len(self._files) > 1:
            self._file = (self._file + 1) % len(self._files)
            if self._file == 0:
                self._shuffle(self._order)
                log.debug("Looping around to first file.")
            self._load()
        self._shuffle(self._rows)

    def _load(self) -> None:
        path = locate(self._files[self._order[self._file]], self._path)
        arrays = read_datasets(path, self._names, self._dtype)
        for name, old, new in zip(self._names, self.arrays, arrays, strict=False):
            if old.shape[1:] != new.shape[1:]:
                raise DataError(
                    f"{path}: dataset {name}: expected rows of shape {old.shape[1:]} as in the files before, found "
                    f"{new.shape[1:]}"
                )
        self.arrays = arrays
        self._rows = np.arange(len(arrays[0]))
        self._shuffle(self._rows)

    def _shuffle(self, order: Array) -> None:
        if self._rng is not None:
            self._rng.shuffle(order)
