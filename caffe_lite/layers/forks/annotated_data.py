"""AnnotatedData: batches of images with boxes, as detectors are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.layers.base import Position
from caffe_lite.layers.data import DataLayer
from caffe_lite.layers.forks.annotated_transform import AnnotatedTransform
from caffe_lite.layers.prefetching import Batch, Loader
from caffe_lite.layers.registry import register
from caffe_lite.rng import Rng
from caffe_lite.schema import ResizeParameter
from caffe_lite.share import share_of
from caffe_lite.sources.annotated import Annotated, read_annotated
from caffe_lite.sources.cursor import Cursor
from caffe_lite.sources.database import Database
from caffe_lite.sources.tolerance import Tolerance
from caffe_lite.sources.transformer import Transformer


@register("AnnotatedData")
class AnnotatedDataLayer(DataLayer):
    """``top[0]``: (batch_size, channels, height, width) values; ``top[1]``: (1, 1, objects, 8): image in the batch,
    label, instance, xmin, ymin, xmax, ymax, difficult, of all objects of the batch; a row of -1 where there is none.

    Like Data, from a database of ``AnnotatedDatum`` records, which may be changed at random before the older fields of
    ``transform_param`` count: other colours (``distort_param``), a larger canvas (``expand_param``), a piece of it
    (``annotated_data_param { batch_sampler }``), resized (``resize_param``), spoilt (``noise_param``). Boxes follow.
    Where records have no ``type``, ``top[1]`` is (batch_size,) labels as Data has them.

    Between those steps the fork stores images as JPEG, which here they are not.

    Source: SSD's annotated_data_layer.cpp; Liu et al., "SSD: single shot multibox detector", 2016.

    Raises:
        DataError: the database cannot be opened, or a record not be read, or images of a batch differ in size.
    """

    annotated = True

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        param, transform, share = self.param.data_param, self.param.transform_param, share_of(self.context.phase)
        resize = transform.resize_param
        if transform.HasField("resize_param") and resize.resize_mode == ResizeParameter.FIT_SMALL_SIZE and (
                param.batch_size != 1):
            raise ParameterError(f"Only support batch size of 1 for FIT_SMALL_SIZE, found {param.batch_size}")
        color = True if transform.force_color or param.force_encoded_color else False if transform.force_gray else None
        stream = Rng(self.context.rng.rand() + share.rank)
        change = AnnotatedTransform(self.param, self.context.phase, transformer, stream)
        cursor = self._cursor = self._database.cursor(self.tolerance.skip)
        cursor.take_share(share.rank, share.count)
        first = self._first(cursor, color)
        shape = change.output_shape(first)
        self._boxed = first.boxed or self.param.annotated_data_param.HasField("anno_type")
        self._objects = len(first.objects)
        loader = _AnnotatedLoader(self._database, cursor, color, change, self._boxed,
                                  self.param.annotated_data_param.HasField("anno_type"), param.batch_size, shape,
                                  self.tolerance)
        return loader, (param.batch_size, *shape)

    def _first(self, cursor: Cursor, color: bool | None) -> Annotated:
        while True:
            try:
                return read_annotated((cursor.key, cursor.value), self._database.source, color)
            except DataError as error:
                self.tolerance.skip(error, cursor.key)
                cursor.next()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        if len(top) > 1 and self._boxed:
            top[1].reshape((1, 1, max(1, self._objects), 8))


class _AnnotatedLoader:
    """Reads records, changes them, and lists their objects."""

    def __init__(self, database: Database, cursor: Cursor, color: bool | None, change: AnnotatedTransform, boxed: bool,
                 forced: bool, size: int, shape: tuple[int, ...], tolerance: Tolerance) -> None:
        self._database, self._cursor, self._color, self._change = database, cursor, color, change
        self._boxed, self._forced, self._size, self._shape, self._tolerance = boxed, forced, size, shape, tolerance

    def load(self, batch: Batch) -> None:
        rows, labels = [], np.empty(self._size, batch.label.dtype)
        for i in range(self._size):
            labels[i], objects = self._next(batch, i)
            rows.append(np.insert(objects, 0, i, axis=1))
        batch.label = _listed(np.concatenate(rows), labels.dtype) if self._boxed else labels

    def _next(self, batch: Batch, i: int) -> tuple[int, Array]:
        """Put the next image into its place in a batch, bad ones left out that may be; its label and objects."""
        while True:
            try:
                item = read_annotated((self._cursor.key, self._cursor.value), self._database.source, self._color)
                if i == 0 and not self._tolerance.most:
                    self._shape = self._change.output_shape(item)
                if batch.data.shape[1:] != self._shape:
                    batch.data = np.zeros((self._size, *self._shape), batch.data.dtype)
                self._check(item)
                objects = self._change(item, batch.data[i])
            except (DataError, ShapeError) as error:
                self._tolerance.skip(error, self._cursor.key)
                self._cursor.next()
                continue
            self._cursor.next()
            self._tolerance.good()
            return item.label, objects

    def _check(self, item: Annotated) -> None:
        if self._boxed and not item.boxed and not self._forced:
            raise DataError(f"{item.where}: Some datum misses AnnotationType; set annotated_data_param {{ anno_type: "
                            "BBOX }")

    def position(self) -> Position:
        return {"source": self._cursor.position(), "random": self._change.rng.getstate()}

    def go_to(self, position: Position) -> None:
        self._change.rng.setstate(position["random"])
        self._cursor.go_to(position["source"])

    def close(self) -> None:
        self._cursor.close()
        self._database.close()


def _listed(rows: Array, dtype: Any) -> Array:
    rows = rows if len(rows) else np.full((1, 8), -1)
    return np.ascontiguousarray(rows, dtype)[None, None]
