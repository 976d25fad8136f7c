"""HDF5 files of training data: datasets of numbers, one row an example."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import DataError, SnapshotError
from caffe_lite.files import locate, read_whole
from caffe_lite.hdf5 import BrokenEntry, entry, numbers, opened
from caffe_lite.libc_rng import LibcRng
from caffe_lite.sources.tolerance import Tolerance

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


def read_file_list(path: str) -> list[str]:
    """The files named in a list, one a line or separated by blanks.

    Raises:
        DataError: the list cannot be read, or names none.
    """
    try:
        names = read_whole(path).decode("utf-8", "surrogateescape").split()
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
    with opened(path, DataError, f"Failed opening HDF5 file: {path}") as file:
        arrays = [_read(file, path, name, dtype) for name in names]
    rows = [len(array) for array in arrays]
    if len(set(rows)) > 1 or not rows[0]:
        found = ", ".join(f"{name}: {count}" for name, count in zip(names, rows, strict=True))
        raise DataError(f"{path}: expected as many rows, 1 or more, in each dataset; found {found}")
    return arrays


def _read(file: Any, path: str, name: str, dtype: Any) -> Array:
    try:
        dataset = entry(file, name)
        if not hasattr(dataset, "shape"):
            raise DataError(f"{path}: Failed to find HDF5 dataset {name}; it has {', '.join(file) or 'none'}")
        if dataset.dtype.kind not in "fiu" or not dataset.shape:
            found = f"{dataset.dtype}{list(dataset.shape or ())}"
            raise DataError(f"{path}: dataset {name}: expected numbers with at least 1 axis, found {found}")
        return numbers(dataset, dtype)
    except BrokenEntry as error:
        raise DataError(f"{path}: dataset {name}: {error}") from None


class Rows:
    """The rows of several files, round and round, a file in memory at a time.

    Args:
        path: the list of files; those that are not found from the working folder are looked for from the list.
        names: the datasets, one for each array of a batch.
        dtype: of the batches.
        shuffle: the generator to shuffle files and rows with, or None.
        tolerance: of files that cannot be read, or have rows of another shape.

    Attributes:
        arrays: the datasets of the current file.
        step: how many rows on the next one is.

    Source: Caffe's ``hdf5_data_layer.cpp``, its order of draws too.
    """

    def __init__(self, path: str, names: Sequence[str], dtype: Any, shuffle: LibcRng | None,
                 tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._path, self._names, self._dtype, self._rng = path, names, dtype, shuffle
        log.info("Loading list of HDF5 filenames from: %s", path)
        self._files = read_file_list(path)
        log.info("Number of HDF5 files: %d", len(self._files))
        self._order = np.arange(len(self._files))
        self._file = self._row = 0
        self._shuffle(self._order)
        self.arrays: list[Array] = []
        self._rows: Array = np.arange(0)
        self.step = 1
        self._load_good()
        self._shuffle(self._rows)

    def read(self, batch: Sequence[Array]) -> None:
        """Fill each array of a batch with the next rows.

        Raises:
            DataError: a file cannot be read, or its rows have another shape than those of the first.
        """
        for i in range(len(batch[0])):
            row = self._rows[self._row]
            for out, array in zip(batch, self.arrays, strict=True):
                out[i] = array[row]
            for _ in range(self.step):
                self._next()

    def take_share(self, rank: int, count: int) -> None:
        """Of the rows from the current one on have this be number ``rank``, and every ``count``th after it."""
        for _ in range(rank):
            self._next()
        self.step = count

    def _next(self) -> None:
        self._row += 1
        if self._row < len(self._rows):
            return
        self._row = 0
        if len(self._files) > 1:
            self._next_file()
            self._load_good()
            self._shuffle(self._rows)
        self._shuffle(self._rows)

    def _next_file(self) -> None:
        self._file = (self._file + 1) % len(self._files)
        if self._file == 0:
            self._shuffle(self._order)
            log.debug("Looping around to first file.")

    def _load_good(self) -> None:
        """Load the current file, or the first one after it that is good."""
        while True:
            try:
                self._load()
            except DataError as error:
                self._tolerance.skip(error)
                self._next_file()
                continue
            self._tolerance.good()
            return

    def position(self) -> dict[str, Any]:
        """The file and its row that come next, and what order files and rows are in; the generator is the caller's."""
        orders = {} if self._rng is None else {"files": self._order.astype(np.uint32),
                                               "rows": self._rows.astype(np.uint32)}
        return {"list": self._checksum(), "file": self._file, "row": self._row, "of": len(self._rows), **orders}

    def go_to(self, position: dict[str, Any]) -> None:
        """Go on from ``position``.

        Raises:
            SnapshotError: it is of another list, or of a file with more or fewer rows; nothing has changed then.
            DataError: that file cannot be read.
        """
        if position["list"] != self._checksum() or ("rows" in position) != (self._rng is not None):
            raise SnapshotError(f"{self._path} has changed: it names other files, or these are shuffled now")
        order, file = position.get("files", np.arange(len(self._files))).astype(np.int64), position["file"]
        rows = position.get("rows", np.arange(position["of"])).astype(np.int64)
        if not (_is_order(order, len(self._files)) and _is_order(rows, position["of"]) and 0 <= file < len(order)
                and 0 <= position["row"] < len(rows)):
            raise SnapshotError("this is no place in a list of HDF5 files")
        before = self._order, self._file, self.arrays, self._rows
        self._order, self._file = order, file
        try:
            self._load()
            if len(self._rows) != len(rows):
                raise SnapshotError(f"{self._files[order[file]]} has changed: it had {len(rows)} rows")
        except BaseException:
            self._order, self._file, self.arrays, self._rows = before
            raise
        self._row, self._rows = position["row"], rows

    def _checksum(self) -> int:
        return zlib.crc32("\n".join(self._files).encode(errors="surrogateescape"))

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

    def _shuffle(self, order: Array) -> None:
        if self._rng is not None:
            self._rng.shuffle(order)


def _is_order(order: Array, count: int) -> bool:
    return bool(np.array_equal(np.sort(order), np.arange(count)))
