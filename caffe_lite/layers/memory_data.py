"""MemoryData: batches of arrays that a program hands over."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError, SnapshotError
from caffe_lite.layers.base import Layer, Position
from caffe_lite.layers.registry import register
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.items import Images, Items
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)


@register("MemoryData")
class MemoryDataLayer(Layer):
    """``top[0]``: (batch_size, channels, height, width) of the data; ``top[1]``: (batch_size, 1, 1, 1) labels.

    Give it arrays with ``reset``, which takes them as they are, or Datums or images with ``add_datums`` or
    ``add_images``, which transforms them; the layer then goes through them round and round, without a copy.
    Source: Caffe's ``memory_data_layer.cpp``.

    Raises:
        ParameterError: a size is missing.
        DataError: in ``forward``, when nobody has given it data; or more are added before the last were read.
        ShapeError: data are not of these sizes, or not a multiple of the batch.
    """

    bottoms = (0, 0)
    tops = (2, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, context = self.param.memory_data_param, self.context
        self.batch_size: int = param.batch_size
        self.sizes = (param.channels, param.height, param.width)
        self._data: Array | None = None
        self._labels: Array = np.empty(0, context.dtype)
        self._at, self._unread = 0, False
        if not min(self.batch_size, *self.sizes):
            self.fail(ParameterError, "batch_size, channels, height, and width must be specified and positive in "
                      f"memory_data_param, found {self.batch_size} and {self.sizes}")
        try:
            self._transformer = Transformer(self.param.transform_param, context.phase, context.dtype, context.named_by)
        except CaffeError as error:
            self.fail(type(error), str(error))
        self._transformer.init_rand(context.rng)
        top[0].reshape((self.batch_size, *self.sizes))
        top[1].reshape((self.batch_size,))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: ``forward`` gives the tops their shapes."""

    def reset(self, data: Array, labels: Array) -> None:
        """Go through these arrays from now on; they are not copied, so changes to them are seen.

        Args:
            data: (n, channels, height, width), contiguous and of the net's type (else a copy of them is taken).
            labels: n numbers.

        Raises:
            ShapeError: the shapes do not fit, or n is no multiple of the batch size.
        """
        data, labels = (np.ascontiguousarray(array, self.context.dtype) for array in (data, labels))
        if data.shape[1:] != self.sizes or data.ndim != 4:
            self.fail(ShapeError, f"expected data of shape (n, {', '.join(map(str, self.sizes))}), found {data.shape}")
        if not len(data) or len(data) % self.batch_size or labels.size != len(data):
            self.fail(ShapeError, f"n must be a multiple of batch size {self.batch_size}, for data and labels alike; "
                      f"found {len(data)} and {labels.size}")
        if self.param.HasField("transform_param"):
            log.warning("%s does not transform array data on Reset()", self.type)
        self._take(data, labels)

    def add_datums(self, datums: Sequence[Any]) -> None:
        """Transform ``Datum`` messages and go through them.

        Raises:
            DataError: there are none, they do not fit, or what was added before has not been read to its end.
            ShapeError: their number is no multiple of the batch size.
        """
        records = [(str(i).encode(), datum.SerializeToString()) for i, datum in enumerate(datums)]
        transform = self.param.transform_param
        color = True if transform.force_color else False if transform.force_gray else None
        self._add(len(records), lambda: Datums(records, "the Datums added", color))

    def add_images(self, images: Sequence[Array], labels: Sequence[int]) -> None:
        """Transform images, uint8 of shape (height, width, channels), and go through them.

        Raises:
            DataError, ShapeError: as above.
        """
        if len(images) != len(labels):
            self.fail(ShapeError, f"expected as many labels as images, found {len(labels)} and {len(images)}")
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3:
                self.fail(DataError, "Image data type must be unsigned byte, of shape (height, width, channels); found "
                          f"{image.dtype}{list(image.shape)}")
        names = [f"image {i}" for i in range(len(images))]
        planes = [image.transpose(2, 0, 1) for image in images]
        self._add(len(planes), lambda: Images(planes, labels, names, "the images added"))

    def change_batch_size(self, size: int) -> None:
        """From the next pass on give so many at a time (Caffe's ``set_batch_size``).

        Raises:
            DataError: what was added has not been read to its end.
        """
        self._refuse_unread()
        self.batch_size = size

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._data is None:
            self.fail(DataError, "MemoryDataLayer needs to be initialized by calling Reset: give it data before the "
                      "net runs")
        end = self._at + self.batch_size
        if end > len(self._data):
            self.fail(ShapeError, f"{len(self._data)} data cannot be read {self.batch_size} at a time; add some anew")
        top[0].reshape((self.batch_size, *self.sizes))
        top[1].reshape((self.batch_size, 1, 1, 1))
        top[0].adopt(self._data[self._at : end])
        top[1].adopt(self._labels[self._at : end])
        self._at = end % len(self._data)
        self._unread = self._unread and self._at > 0

    def position(self) -> Position:
        """Which of the data come next; the data themselves are the program's."""
        return {"at": self._at, "of": 0 if self._data is None else len(self._data), "unread": self._unread,
                "transform": self._transformer.position()}

    def go_to(self, position: Position) -> None:
        count = 0 if self._data is None else len(self._data)
        if count != position["of"]:
            self.fail(SnapshotError, f"it had {position['of']} data, and has {count}: give it its data before the "
                      "solver is restored")
        if count and not (0 <= position["at"] < count and position["at"] % self.batch_size == 0):
            self.fail(SnapshotError, f"{position['at']} is no place in {count} data")
        self._transformer.go_to(position["transform"])
        self._at, self._unread = position["at"], position["unread"]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""

    def _add(self, count: int, load: Any) -> None:
        self._refuse_unread()
        if not count:
            self.fail(DataError, "there is nothing to add; give some data")
        if count % self.batch_size:
            self.fail(ShapeError, f"The added data must be a multiple of the batch size {self.batch_size}, found "
                      f"{count}")
        try:
            items: Items = load()
            data = np.empty((count, *self.sizes), self.context.dtype)
            self._transformer(items, data)
        except CaffeError as error:
            self.fail(type(error), str(error))
        self._take(data, items.labels.astype(self.context.dtype))
        self._unread = True

    def _take(self, data: Array, labels: Array) -> None:
        self._data, self._labels, self._at = data, labels.reshape(-1), 0

    def _refuse_unread(self) -> None:
        if self._unread:
            self.fail(DataError, "Can't add data until current data has been consumed; run the net over all of it")
