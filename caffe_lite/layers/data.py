"""Data: batches from a LevelDB or LMDB of Datum records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.files import locate
from caffe_lite.layers.base import Context, Layer
from caffe_lite.layers.registry import register
from caffe_lite.sources.cursor import Cursor
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.prefetch import Prefetcher
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


@dataclass
class Batch:
    data: Array
    label: Array


@register("Data")
class DataLayer(Layer):
    """``top[0]``: (batch_size, channels, height, width) values; ``top[1]``: (batch_size,) labels.

    The database is read round and round in the order of its keys, ``data_param { prefetch }`` batches ahead
    of the training. All data of a batch have the shape of its first; batches may differ. With ``rand_skip``
    reading starts after as many records as a random number below it says. Source: Caffe's ``data_layer.cpp``
    and ``base_data_layer.cpp``; ``rand_skip`` as in its releases before 1.0, which ignores it.

    Raises:
        DataError: the database cannot be opened, or a record not be read; see ``caffe_lite.sources``.
    """

    bottoms = (0, 0)
    tops = (1, 2)

    def __init__(self, param: Any, context: Context) -> None:
        super().__init__(param, context)
        data = param.data_param
        for name in ("source", "batch_size", "prefetch"):
            if not getattr(data, name):
                self.fail(ParameterError, f"data_param {{ {name} }} is missing or 0; give one")
        backend = schema.DataParameter.DB.Name(data.backend).lower()
        self._prefetcher: Prefetcher[Batch] | None = None
        try:
            self._database = Database(locate(data.source, context.named_by), backend)
        except CaffeError as error:
            self.fail(type(error), str(error))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, context = self.param.data_param, self.context
        try:
            cursor = self._database.cursor()
            transformer = Transformer(
                self.param.transform_param, context.phase, context.dtype, context.named_by
            )
            transformer.init_rand(context.rng)
            if param.rand_skip:
                skip = context.rng.rand() % param.rand_skip
                log.info("Skipping first %d data points.", skip)
                for _ in range(skip):
                    cursor.next()
            first = Datums([(cursor.key, cursor.value)], self._database.source)
            shape = (param.batch_size, *transformer.output_shape(first))
        except CaffeError as error:
            self.fail(type(error), str(error))
        log.info("output data size: %d,%d,%d,%d", *shape)
        for blob, sizes in zip(top, (shape, shape[:1]), strict=False):
            blob.reshape(sizes)
        transformer.init_rand(context.rng)  # once more, as Caffe does before it starts the thread
        context.rng.rand()  # the thread's own seed in Caffe; nobody draws from it, but the stream goes on
        loader = _Loader(f"layer {self.name!r} ({self.type})", self._database, cursor, transformer)
        batches = [
            Batch(np.zeros(shape, context.dtype), np.zeros(shape[:1], context.dtype))
            for _ in range(param.prefetch)
        ]
        self._prefetcher = Prefetcher(batches, loader.load, loader.close)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: ``forward`` gives the tops the shape of the batch."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        assert self._prefetcher is not None, "setup comes first"
        batch = self._prefetcher.next()
        for blob, array in zip(top, (batch.data, batch.label), strict=False):
            blob.reshape(array.shape)
            blob.adopt(array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""

    def close(self) -> None:
        if self._prefetcher is not None:
            self._prefetcher.close()
        self._database.close()


class _Loader:
    """What the prefetching thread does; it knows nothing of the layer, which may be dropped meanwhile."""

    def __init__(self, where: str, database: Database, cursor: Cursor, transformer: Transformer) -> None:
        self._where, self._database, self._cursor, self._transformer = where, database, cursor, transformer

    def load(self, batch: Batch) -> None:
        try:
            datums = Datums(self._cursor.read(len(batch.label)), self._database.source)
            shape = (len(batch.label), *self._transformer.output_shape(datums))
            if batch.data.shape != shape:
                batch.data = np.zeros(shape, batch.data.dtype)
            self._transformer(datums, batch.data)
            batch.label[:] = datums.labels
        except CaffeError as error:
            raise type(error)(f"{self._where}: {error}") from None

    def close(self) -> None:
        self._cursor.close()
        self._database.close()
