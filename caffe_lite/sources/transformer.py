"""Caffe's DataTransformer: crop, mirror, subtract the mean, scale."""

from __future__ import annotations

import logging
import os
from math import prod
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import DataError, ParameterError, ShapeError, SnapshotError
from caffe_lite.files import locate
from caffe_lite.kernels import transform as kernel
from caffe_lite.kernels.datum import CHANNELS, HEIGHT, WIDTH
from caffe_lite.rng import Rng
from caffe_lite.sources.items import Items
from caffe_lite.sources.mean import read_mean

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


class Transformer:
    """``(value - mean) * scale``, of a crop, mirrored or not.

    Crops are random in TRAIN and from the centre in TEST; mirroring is a coin's throw in both, as in Caffe
    (``data_transformer.cpp``).

    Args:
        param: a ``TransformationParameter``.
        phase: ``schema.TRAIN`` or ``schema.TEST``.
        dtype: that the transformation is computed in.
        named_by: the prototxt; the mean file is looked for from there too.

    Attributes:
        mean_image: what the mean file holds, (channels, height, width), or empty.

    Raises:
        ParameterError: a mean file and mean values are both given, or force_color and force_gray.
        DataError, SchemaError: the mean file cannot be read.
    """

    def __init__(
        self, param: Any, phase: int, dtype: Any = np.float32, named_by: str | os.PathLike[str] | None = None
    ) -> None:
        self._crop = int(param.crop_size)
        self._mirror = bool(param.mirror)
        self._random_crop = self._crop > 0 and phase == schema.TRAIN
        self._scale = np.dtype(dtype).type(param.scale)
        self._mean_values: Array = np.array(param.mean_value, dtype)
        self.mean_image: Array = np.empty((0, 0, 0), dtype)
        self._rng: Rng | None = None
        if param.HasField("mean_file"):
            if self._mean_values.size:
                raise ParameterError(
                    "Cannot specify mean_file and mean_value at the same time; remove one of them"
                )
            log.info("Loading mean file from: %s", param.mean_file)
            self.mean_image = read_mean(locate(param.mean_file, named_by)).astype(dtype)
        if param.force_color and param.force_gray:
            raise ParameterError("cannot set both force_color and force_gray; remove one of them")

    def init_rand(self, rng: Rng, rank: int = 0) -> None:
        """Start a stream of its own, seeded from ``rng``, where there is something to draw; another one for each rank
        of processes that train together."""
        if self._mirror or self._random_crop:
            self._rng = Rng(rng.rand() + rank)

    def position(self) -> Array | None:
        """The state of that stream, if there is one."""
        return None if self._rng is None else self._rng.getstate()

    def go_to(self, position: Array | None) -> None:
        """Go on with that stream where ``position`` was asked for.

        Raises:
            SnapshotError: there was none and now is, or the other way round.
        """
        if (self._rng is None) != (position is None):
            raise SnapshotError("crops and mirrors are no longer drawn as they were")
        if self._rng is not None and position is not None:
            self._rng.setstate(position)

    def output_shape(self, items: Items) -> tuple[int, int, int]:
        """Channels, height and width of what comes out, going by the first datum.

        Raises:
            DataError: it has no channels, is smaller than the crop, or has fewer values than it says.
        """
        first = items.fields[0].tolist()
        channels, height, width = first[CHANNELS], first[HEIGHT], first[WIDTH]
        if min(channels, height, width) > 0 and items.sizes[0] < channels * height * width:
            raise DataError(_misfit(items, 0, (channels, height, width), self._crop))
        least = max(1, self._crop)
        if channels < 1 or min(height, width) < least:
            raise DataError(
                f"{items.where(0)}: expected at least 1 channel of {least} x {least}"
                f"{' (crop_size)' if self._crop else ''}, found {_times((channels, height, width))} "
                "(channels x height x width)"
            )
        return channels, self._crop or height, self._crop or width

    def __call__(self, items: Items, out: Array) -> None:
        """Transform a batch into ``out``, an array of shape (items, channels, height, width).

        Raises:
            DataError: a datum does not have this shape, or fewer values than its own shape says.
            ParameterError: the number of mean values is neither 1 nor that of the channels.
            ShapeError: the mean image does not have the size of the data.
        """
        mean_values, mean_image = self.check(items, out.shape[1:], f"the first datum of its batch, {items.name(0)}")
        words = self._draw(len(out))
        for floats, values in ((False, items.buffer), (True, items.floats)):
            if values.size:
                kernel.transform(
                    values, items.begins, floats, items.fields, words, self._mirror, self._random_crop,
                    mean_values, mean_image, self._scale, out,
                )  # fmt: skip

    def check(self, items: Items, shape: tuple[int, ...], like: str) -> tuple[Array, Array]:
        """Whether all items can be transformed to this shape (channels, height, width); returns their means.

        Args:
            like: what has this shape, for messages.

        Raises:
            DataError, ParameterError, ShapeError: one of them cannot, as above.
        """
        channels, height, width = shape
        bad = kernel.first_misfit(items.fields, items.sizes, channels, height, width, self._crop > 0)
        if bad >= 0:
            raise DataError(_misfit(items, bad, shape, self._crop, like))
        return self._means(items, channels)

    def _means(self, items: Items, channels: int) -> tuple[Array, Array]:
        if self.mean_image.size:
            wrong = (items.fields[:, [CHANNELS, HEIGHT, WIDTH]] != self.mean_image.shape).any(axis=1)
            if wrong.any():
                bad = int(wrong.argmax())
                found = items.fields[bad, [CHANNELS, HEIGHT, WIDTH]]
                raise ShapeError(
                    f"{items.where(bad)}: the mean file has the shape {_times(self.mean_image.shape)}, the "
                    f"datum {_times(found)}; make the mean file from this database"
                )
        return self.mean_values(channels), self.mean_image.reshape(-1)

    def mean_values(self, channels: int) -> Array:
        """The mean of each channel, zeros where there is none.

        Raises:
            ParameterError: their number is neither 1 nor that of the channels.
        """
        given = self._mean_values
        if given.size not in (0, 1, channels):
            raise ParameterError(f"Specify either 1 mean_value or as many as channels: {channels}; found {given.size}")
        return given if given.size == channels else np.resize(given, channels)  # none are as good as zeros

    def _draw(self, items: int) -> Array:
        draws = self._mirror + 2 * self._random_crop
        words: Array = np.empty((items, draws), np.int64)
        if draws:
            assert self._rng is not None, "init_rand comes first"
            words.reshape(-1)[:] = [self._rng.rand() for _ in range(words.size)]
        return words


def _misfit(items: Items, index: int, shape: tuple[int, ...], crop: int, like: str = "") -> str:
    found = tuple(items.fields[index, [CHANNELS, HEIGHT, WIDTH]].tolist())
    where = items.where(index)
    if items.sizes[index] < prod(found):
        return (
            f"{where}: a datum of shape {_times(found)} has {prod(found)} values, found "
            f"{items.sizes[index]}; make the database again"
        )
    kind = "at least (crop_size) " if crop else ""
    return (
        f"{where}: expected {kind}{_times(shape)} as {like}, found {_times(found)} "
        "(channels x height x width); resize the images, or use a batch_size of 1"
    )


def _times(shape: Any) -> str:
    return " x ".join(str(n) for n in shape)
