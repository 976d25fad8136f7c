"""Serialized Datum messages, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.kernels import datum as kernel
from caffe_lite.kernels.datum import CHANNELS, COLUMNS, DATA, DATA_SIZE, ENCODED, FLOATS, HEIGHT, WIDTH
from caffe_lite.sources.cursor import Record
from caffe_lite.sources.images import decode_image
from caffe_lite.sources.items import Items, joined

Array = np.ndarray[Any, Any]


class Datums(Items):
    """The Datum messages of some records.

    Args:
        records: their keys and values.
        source: the database.
        color: what to make of encoded images: three channels, one, or with None as many as they have.

    Attributes:
        encoded: whether any was an image in JPEG, PNG or the like.

    Raises:
        DataError: a record is no Datum, or one whose image cannot be read.
    """

    def __init__(self, records: Sequence[Record], source: str, color: bool | None = None) -> None:
        self.source, self._records = source, records
        values = [value for _, value in records]
        self.buffer = np.frombuffer(b"".join(values), np.uint8)
        bounds = np.array([0, *accumulate(map(len, values))], np.int64)
        self.fields = np.empty((len(records), COLUMNS), np.int64)
        bad = kernel.parse_datums(self.buffer, bounds, self.fields)
        if bad >= 0:
            raise DataError(f"{self.where(bad)}: this is no Datum, or a broken one; make the database again")
        self.begins = self.fields[:, DATA].copy()
        self.sizes = self.fields[:, DATA_SIZE].copy()
        self.encoded = bool(self.fields[:, ENCODED].any())
        self.floats = np.empty(self.fields[:, FLOATS].sum(), np.float32)
        if self.floats.size:
            self._read_floats(bounds)
        if self.encoded:
            self._decode(color)

    def name(self, index: int) -> str:
        return f"key {bytes(self._records[index][0]).decode(errors='backslashreplace')!r}"

    def _read_floats(self, bounds: Array) -> None:
        counts = self.fields[:, FLOATS]
        ends = counts.cumsum()
        for i in np.flatnonzero(counts):
            self.begins[i], self.sizes[i] = ends[i] - counts[i], counts[i]
            values = self.floats[self.begins[i] : ends[i]]
            kernel.read_floats(self.buffer, bounds[i], bounds[i + 1], values.view(np.uint8))

    def _decode(self, color: bool | None) -> None:
        pieces, size = [self.buffer], self.buffer.size
        for i in np.flatnonzero(self.fields[:, ENCODED]).tolist():
            data = self.buffer[self.begins[i] : self.begins[i] + self.sizes[i]]
            image = decode_image(data.data, color, self.where(i))
            self.fields[i, [CHANNELS, HEIGHT, WIDTH]] = image.shape
            self.begins[i], self.sizes[i] = size, image.size
            pieces.append(image)
            size += image.size
        self.buffer = joined(pieces)
