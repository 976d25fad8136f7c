"""Serialized Datum messages, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.kernels import datum as kernel
from caffe_lite.kernels.datum import COLUMNS, DATA, DATA_SIZE, ENCODED, FLOATS, LABEL
from caffe_lite.sources.cursor import Record

Array = np.ndarray[Any, Any]


class Datums:
    """The Datum messages of some records: shapes and labels, and where their values are.

    Attributes:
        keys: of the records.
        fields: int64, one row a record, the columns named in ``caffe_lite.kernels.datum``.
        buffer: uint8; the pixels of record i begin at ``begins[i]``.
        floats: float32; for a record without pixels its values begin at ``begins[i]`` in here.
        sizes: how many values there are.

    Raises:
        DataError: a record is no Datum, or an encoded image.
    """

    def __init__(self, records: Sequence[Record], source: str) -> None:
        self.source = source
        self.keys = [key for key, _ in records]
        self.buffer: Array = np.frombuffer(b"".join([value for _, value in records]), np.uint8)
        bounds = np.zeros(len(records) + 1, np.int64)
        np.cumsum([len(value) for _, value in records], out=bounds[1:])
        self.fields: Array = np.empty((len(records), COLUMNS), np.int64)
        bad = kernel.parse_datums(self.buffer, bounds, self.fields)
        if bad >= 0:
            raise DataError(f"{self.where(bad)}: this is no Datum, or a broken one; make the database again")
        encoded = self.fields[:, ENCODED]
        if encoded.any():
            raise DataError(
                f"{self.where(int(encoded.argmax()))}: the image is encoded (JPEG or PNG), which "
                "cannot be read yet; make the database without --encoded"
            )
        self.begins: Array = self.fields[:, DATA].copy()
        self.sizes: Array = self.fields[:, DATA_SIZE].copy()
        self.fields[self.sizes > 0, FLOATS] = 0  # as in Caffe bytes come before floats
        self.floats: Array = np.empty(self.fields[:, FLOATS].sum(), np.float32)
        if self.floats.size:
            self._read_floats(bounds)

    @property
    def labels(self) -> Array:
        return self.fields[:, LABEL]

    def where(self, index: int) -> str:
        """A record, for a message."""
        return f"{self.source}, key {bytes(self.keys[index]).decode(errors='backslashreplace')!r}"

    def _read_floats(self, bounds: Array) -> None:
        counts = self.fields[:, FLOATS]
        ends = counts.cumsum()
        for i in np.flatnonzero(counts):
            self.begins[i], self.sizes[i] = ends[i] - counts[i], counts[i]
            values = self.floats[self.begins[i] : ends[i]]
            kernel.read_floats(self.buffer, bounds[i], bounds[i + 1], values.view(np.uint8))
