"""The mean of a database's images, to be subtracted by data layers (``mean_file``)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing
from math import prod
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import DataError, ShapeError
from caffe_lite.kernels.datum import CHANNELS, FLOATS, WIDTH
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]

BATCH = 100  # records, so that decoded images fit into memory
TOLD = 10000  # a line in the log each so many records


def image_mean(source: str, backend: str, done: Callable[[int], None]) -> Array:
    """The mean of all records of a database, float32 of shape (channels, height, width).

    The images are added one after the other in float32, so that the result is Caffe's to the last bit.
    Source: Caffe's ``tools/compute_image_mean.cpp``.

    Args:
        done: called with the number of records that have been added since the last call.

    Raises:
        DataError: the database cannot be read, is empty, or has images of different sizes.
        DependencyError: the package for the backend or for encoded images is not installed.
    """
    count, total = 0, np.empty(0, np.float32)
    with closing(Database(source, backend)) as database, closing(database.cursor()) as cursor:
        for records in cursor.batches(BATCH):
            datums = Datums(records, source)
            if count == 0:
                total = np.zeros(_shape(datums), np.float32)
                if datums.encoded:
                    log.info("Decoding Datum")
                log.info("Starting iteration")
            for i in range(len(records)):
                _add(datums, i, total.reshape(-1))
            before, count = count, count + len(records)
            if count // TOLD > before // TOLD:
                log.info("Processed %d files.", count // TOLD * TOLD)
            done(len(records))
    if count % TOLD:
        log.info("Processed %d files.", count)
    return total / np.float32(count)


def channel_means(mean: Array) -> list[float]:
    """The mean of each channel; summed one value after the other in float32, as Caffe prints them."""
    size = mean[0].size
    return [float(np.cumsum(channel.reshape(-1))[-1] / np.float32(size)) for channel in mean]


def read_mean(path: str | os.PathLike[str]) -> Array:
    """The mean in a file, (channels, height, width).

    Raises:
        SchemaError: there is no such file, or it is no ``BlobProto``.
        ShapeError: it does not have four axes, or none along the first.
    """
    mean = schema.blob_to_array(schema.read_binary(path, schema.BlobProto))
    if mean.ndim != 4 or not len(mean):
        found = " x ".join(str(n) for n in mean.shape)
        raise ShapeError(f"{path}: a mean file holds a blob with 4 axes, found {found}")
    return mean[0]


def write_mean(path: str | os.PathLike[str], mean: Array) -> None:
    """Write a mean as the ``BlobProto`` with four legacy sizes that Caffe writes and reads."""
    blob = schema.array_to_blob(mean)
    blob.ClearField("shape")
    blob.num, (blob.channels, blob.height, blob.width) = 1, mean.shape
    schema.write_binary(path, blob)


def _shape(datums: Datums) -> Array:
    shape = datums.fields[0, CHANNELS : WIDTH + 1]
    if shape.min() >= 1 and datums.sizes[0] != prod(shape.tolist()):
        raise DataError(f"{datums.where(0)}: Incorrect data field size {datums.sizes[0]} for an image of the shape "
                        f"{shape.tolist()}; make the database again")
    if shape.min() < 1:
        raise DataError(f"{datums.where(0)}: an image needs channels, height and width, found {shape.tolist()}")
    return shape


def _add(datums: Datums, i: int, total: Array) -> None:
    begin, size = datums.begins[i], datums.sizes[i]
    if size != total.size:
        raise DataError(f"{datums.where(i)}: Incorrect data field size {size}: expected {total.size} values, as many "
                        "as the first image has; resize all images to one size")
    values = (datums.floats if datums.fields[i, FLOATS] else datums.buffer)[begin : begin + size]
    np.add(total, values, out=total)
