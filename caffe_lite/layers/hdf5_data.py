"""HDF5Data: batches from HDF5 files, named in a list."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.files import locate
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.sources.hdf5 import Rows


@register("HDF5Data")
class HDF5DataLayer(Layer):
    """Each top has ``batch_size`` rows of the dataset of its name, which may have any number of axes.

    The files are read one after the other, round and round; with ``shuffle`` in a random order, and the rows of
    each too. Source: Caffe's ``hdf5_data_layer.cpp``.

    Raises:
        DataError: a file cannot be read, or its datasets do not fit.
        DependencyError: h5py is not installed.
    """

    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, context = self.param.hdf5_data_param, self.context
        if self.param.HasField("transform_param"):
            self.fail(ParameterError, "HDF5Data does not transform data; remove transform_param")
        for name in ("source", "batch_size"):
            if not getattr(param, name):
                self.fail(ParameterError, f"hdf5_data_param {{ {name} }} is missing or 0; give one")
        source = locate(param.source, context.named_by)
        generator = context.rng.libc if param.shuffle else None
        try:
            self._rows = Rows(source, list(self.param.top), context.dtype, generator)
        except CaffeError as error:
            self.fail(type(error), str(error))
        for blob, array in zip(top, self._rows.arrays, strict=True):
            blob.reshape((param.batch_size, *array.shape[1:]))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: the tops keep their shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        try:
            self._rows.read([blob.data for blob in top])
        except CaffeError as error:
            self.fail(type(error), str(error))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""
