"""AnnotatedData: batches of images with boxes, as detectors are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import DataError, ParameterError
from caffe_lite.layers.data import DataLayer
from caffe_lite.layers.forks.annotated_transform import AnnotatedTransform
from caffe_lite.layers.prefetching import Batch, Loader
from caffe_lite.layers.registry import register
from caffe_lite.rng import Rng
from caffe_lite.schema import ResizeParameter
from caffe_lite.sources.annotated import Annotated, read_annotated
from caffe_lite.sources.cursor import Cursor
from caffe_lite.sources.database import Database
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
        param, transform = self.param.data_param, self.param.transform_param
        resize = transform.resize_param
        if transform.HasField("resize_param") and resize.resize_mode == ResizeParameter.FIT_SMALL_SIZE and (
                param.batch_size != 1):
            raise ParameterError(f"Only support batch size of 1 for FIT_SMALL_SIZE, found {param.batch_size}")
        color = True if transform.force_color or param.force_encoded_color else False if transform.force_gray else None
        change = AnnotatedTransform(self.param, self.context.phase, transformer, Rng(self.context.rng.rand()))
        cursor = self._database.cursor()
        first = read_annotated((cursor.key, cursor.value), self._database.source, color)
        self._boxed = first.boxed or self.param.annotated_data_param.HasField("anno_type")
        self._objects = len(first.objects)
        loader = _AnnotatedLoader(self._database, cursor, color, change, self._boxed,
                                  self.param.annotated_data_param.HasField("anno_type"), param.batch_size)
        return loader, (param.batch_size, *change.output_shape(first))

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        if len(top) > 1 and self._boxed:
            top[1].reshape((1, 1, max(1, self._objects), 8))


class _AnnotatedLoader:
    """Reads records, changes them, and lists their objects."""

    def __init__(self, database: Database, cursor: Cursor, color: bool | None, change: AnnotatedTransform, boxed: bool,
                 forced: bool, size: int) -> None:
        self._database, self._cursor, self._color, self._change = database, cursor, color, change
        self._boxed, self._forced, self._size = boxed, forced, size

    def load(self, batch: Batch) -> None:
        rows, labels = [], np.empty(self._size, batch.label.dtype)
        for i in range(self._size):
            item = read_annotated((self._cursor.key, self._cursor.value), self._database.source, self._color)
            self._cursor.next()
            if i == 0:
                shape = (self._size, *self._change.output_shape(item))
                if batch.data.shape != shape:
                    batch.data = np.zeros(shape, batch.data.dtype)
            self._check(item)
            labels[i] = item.label
            objects = self._change(item, batch.data[i])
            rows.append(np.insert(objects, 0, i, axis=1))
        batch.label = _listed(np.concatenate(rows), labels.dtype) if self._boxed else labels

    def _check(self, item: Annotated) -> None:
        if self._boxed and not item.boxed and not self._forced:
            raise DataError(f"{item.where}: Some datum misses AnnotationType; set annotated_data_param {{ anno_type: "
                            "BBOX }")

    def close(self) -> None:
        self._cursor.close()
        self._database.close()


def _listed(rows: Array, dtype: Any) -> Array:
    rows = rows if len(rows) else np.full((1, 8), -1)
    return np.ascontiguousarray(rows, dtype)[None, None]
