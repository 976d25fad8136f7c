"""What the layers have in common that read batches ahead of the training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.layers.base import Layer
from caffe_lite.sources.items import Items
from caffe_lite.sources.prefetch import Prefetcher
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)
SSD_FIELDS = ("distort_param", "expand_param", "resize_param", "noise_param", "crop_h", "crop_w", "emit_constraint")


@dataclass
class Batch:
    data: Array
    label: Array


class Loader(Protocol):
    """What the prefetching thread does; it must not know the layer, which may be dropped meanwhile."""

    def load(self, batch: Batch) -> None:
        """Fill a batch, giving ``data`` another shape where it needs one."""

    def close(self) -> None: ...


class PrefetchingLayer(Layer):
    """``top[0]``: (batch_size, channels, height, width) values; ``top[1]``: (batch_size,) labels.

    ``data_param { prefetch }`` batches are made ahead of the training by a thread. A subclass says in ``start``
    where they come from. Source: Caffe's ``base_data_layer.cpp``.
    """

    bottoms = (0, 0)
    tops = (2, 2)
    annotated = False  # whether it does what SSD added to transform_param
    _prefetcher: Prefetcher[Batch] | None = None

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        """The loader, and the shape of its first batch; errors need not name the layer."""
        raise NotImplementedError

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        context, prefetch = self.context, self.param.data_param.prefetch
        try:
            if not prefetch:
                raise ParameterError("data_param { prefetch } is 0; give 1 or more")
            given = [name for name in SSD_FIELDS if self.param.transform_param.HasField(name)]
            if given and not self.annotated:
                raise ParameterError(f"transform_param {{ {' '.join(given)} }} is for AnnotatedData layers only")
            transformer = Transformer(self.param.transform_param, context.phase, context.dtype, context.named_by)
            transformer.init_rand(context.rng)
            loader, shape = self.start(transformer)
        except CaffeError as error:
            self.fail(type(error), str(error))
        log.info("output data size: %d,%d,%d,%d", *shape)
        for blob, sizes in zip(top, (shape, shape[:1]), strict=False):
            blob.reshape(sizes)
        transformer.init_rand(context.rng)  # once more, as Caffe does before it starts the thread
        context.rng.rand()  # the thread's own seed in Caffe; nobody draws from it, but the stream goes on
        batches = [
            Batch(zeros(prod(shape), context.dtype).reshape(shape), np.zeros(shape[:1], context.dtype))
            for _ in range(prefetch)
        ]
        where = f"layer {self.name!r} ({self.type})"
        self._prefetcher = Prefetcher(batches, _Named(where, loader).load, loader.close)

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


class ItemSource(Protocol):
    """Where images come from."""

    def read(self, count: int) -> Items:
        """The next ``count`` images."""

    def close(self) -> None: ...


class ItemLoader:
    """Fills batches with transformed images, all of the shape that the first of the batch has."""

    def __init__(self, source: ItemSource, transformer: Transformer) -> None:
        self._source, self._transformer = source, transformer

    def load(self, batch: Batch) -> None:
        items = self._source.read(len(batch.label))
        shape = (len(batch.label), *self._transformer.output_shape(items))
        if batch.data.shape != shape:
            batch.data = zeros(prod(shape), batch.data.dtype).reshape(shape)
        self._transformer(items, batch.data)
        batch.label[:] = items.labels

    def close(self) -> None:
        self._source.close()


class _Named:
    """A loader whose errors name the layer."""

    def __init__(self, where: str, loader: Loader) -> None:
        self._where, self._loader = where, loader

    def load(self, batch: Batch) -> None:
        try:
            self._loader.load(batch)
        except CaffeError as error:
            raise type(error)(f"{self._where}: {error}") from None
