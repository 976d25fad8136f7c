"""HDF5Output: two blobs written to an HDF5 file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.optional import need

log = logging.getLogger(__name__)

DATASETS = ("data", "label")


@register("HDF5Output")
class HDF5OutputLayer(Layer):
    """Writes the bottoms to ``file_name``, as the datasets ``data`` and ``label``, each of four axes.

    Each forward pass adds its rows (Caffe fails at the second one); a file that was there is replaced.
    Source: Caffe's ``hdf5_output_layer.cpp``.

    Raises:
        DataError: the file cannot be written.
        DependencyError: h5py is not installed.
    """

    bottoms = (2, 2)
    tops = (0, 0)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._path: str = self.param.hdf5_output_param.file_name
        self._file: Any = None
        if not self._path:
            self.fail(ParameterError, "hdf5_output_param { file_name } is missing; give one")
        try:
            h5py = need("h5py", "hdf5", "writing HDF5 files")
            if not self.context.dry:
                self._file = h5py.File(self._path, "w")
        except CaffeError as error:
            self.fail(type(error), str(error))
        except OSError as error:
            self.fail(DataError, f"Failed to open HDF5 file {self._path}: {error}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, name in zip(bottom, self.param.bottom, strict=True):
            if len(blob.shape) > 4:
                self.fail(ShapeError, f"expected 4 axes or less, found {name!r} of shape {blob.shape}; reshape it")
        self._shapes = [(blob.shape + (1,) * 4)[:4] for blob in bottom]
        if self._shapes[0][0] != self._shapes[1][0]:
            self.fail(ShapeError, "data blob and label blob must have the same batch size, found shapes "
                      f"{bottom[0].shape} and {bottom[1].shape}")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        log.info("Saving HDF5 file %s", self._path)
        try:
            for name, blob, shape in zip(DATASETS, bottom, self._shapes, strict=True):
                self._append(name, blob.data.reshape(shape))
            self._file.flush()
        except OSError as error:
            self.fail(DataError, f"Failed to write HDF5 file {self._path}: {error}")
        log.info("Successfully saved %d rows", self._shapes[0][0])

    def _append(self, name: str, rows: Any) -> None:
        if name not in self._file:
            self._file.create_dataset(name, data=rows, maxshape=(None, *rows.shape[1:]))
            return
        dataset = self._file[name]
        if dataset.shape[1:] != rows.shape[1:]:
            self.fail(ShapeError, f"{self._path}: {name} has rows of shape {dataset.shape[1:]}, found "
                      f"{rows.shape[1:]}; give them another file")
        dataset.resize(len(dataset) + len(rows), axis=0)
        dataset[-len(rows):] = rows

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: no gradient comes out of a file."""

    def close(self) -> None:
        if getattr(self, "_file", None) is not None:
            self._file.close()
            self._file = None
