"""HDF5Data: batches from HDF5 files, named in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, ParameterError, SnapshotError
from caffe_lite.files import locate
from caffe_lite.layers.base import Context, Layer, Position
from caffe_lite.layers.registry import register
from caffe_lite.libc_rng import LibcRng
from caffe_lite.limits import current
from caffe_lite.share import share_of
from caffe_lite.sources.hdf5 import Rows
from caffe_lite.sources.tolerance import Tolerance


@register("HDF5Data")
class HDF5DataLayer(Layer):
    """Each top has ``batch_size`` rows of the dataset of its name, which may have any number of axes.

    The files are read one after the other, round and round; with ``shuffle`` in a random order, and the rows of
    each too. In a training of several processes all have one order, from a generator that nobody else draws from, and
    each reads its share of it. Source: Caffe's ``hdf5_data_layer.cpp``.

    Raises:
        DataError: a file cannot be read, or its datasets do not fit.
        DependencyError: h5py is not installed.
    """

    bottoms = (0, 0)
    tops = (1, None)
    _own_rng: LibcRng | None = None

    def __init__(self, param: Any, context: Context) -> None:
        super().__init__(param, context)
        self._tolerance = Tolerance(current().bad_records, f"layer {self.name!r} ({self.type})")

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, context = self.param.hdf5_data_param, self.context
        if self.param.HasField("transform_param"):
            self.fail(ParameterError, "HDF5Data does not transform data; remove transform_param")
        for name in ("source", "batch_size"):
            if not getattr(param, name):
                self.fail(ParameterError, f"hdf5_data_param {{ {name} }} is missing or 0; give one")
        source = locate(param.source, context.named_by)
        share = share_of(context.phase)
        if param.shuffle and share.count > 1:
            self._own_rng = LibcRng()
        generator = (self._own_rng or context.rng.libc) if param.shuffle else None
        try:
            self._rows = Rows(source, list(self.param.top), context.dtype, generator, self._tolerance)
            self._rows.take_share(share.rank, share.count)
        except CaffeError as error:
            self.fail(type(error), str(error))
        self._tolerance.tell()
        for blob, array in zip(top, self._rows.arrays, strict=True):
            blob.reshape((param.batch_size, *array.shape[1:]))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: the tops keep their shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        try:
            self._rows.read([blob.data for blob in top])
        except CaffeError as error:
            self._tolerance.tell()
            self.fail(type(error), str(error))
        self._tolerance.tell()

    def close(self) -> None:
        self._tolerance.tell_total()

    def position(self) -> Position:
        position, bad = self._rows.position(), self._tolerance.position()
        if self._own_rng is not None:
            position["random"] = self._own_rng.getstate()
        return {**position, "bad": bad} if bad else position

    def go_to(self, position: Position) -> None:
        try:
            self._rows.go_to(position)
        except CaffeError as error:
            self.fail(SnapshotError, str(error))
        self._tolerance.go_to(position.get("bad", {}))
        if self._own_rng is not None:
            self._own_rng.setstate(position["random"])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""
