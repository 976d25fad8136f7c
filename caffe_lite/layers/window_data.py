"""WindowData: batches of windows on images, resized, as R-CNN trains on."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import DataError, ParameterError, ShapeError, SnapshotError
from caffe_lite.files import locate, read_whole
from caffe_lite.layers.base import Position
from caffe_lite.layers.prefetching import Batch, Loader, PrefetchingLayer
from caffe_lite.layers.registry import register
from caffe_lite.rng import Rng
from caffe_lite.share import share_of
from caffe_lite.sources.images import decode_image, read_image, resize_image
from caffe_lite.sources.tolerance import Tolerance
from caffe_lite.sources.transformer import Transformer
from caffe_lite.sources.window_place import Place, place
from caffe_lite.sources.windows import Window, WindowFile, read_window_file

log = logging.getLogger(__name__)


@register("WindowData")
class WindowDataLayer(PrefetchingLayer):
    """``top[0]``: (batch_size, 3, crop_size, crop_size) pixels; ``top[1]``: (batch_size,) classes, 0 for background.

    A batch has ``fg_fraction`` windows on objects, after those on background, each drawn at random. A window is
    resized to ``crop_size``; with ``context_pad`` so that this many pixels around it come in too, with
    ``crop_mode: "square"`` from the square around it; what lies outside of the image is 0 after the mean was
    subtracted. The mean image's middle belongs to the crop. Source: Caffe's ``window_data_layer.cpp``; it scales
    by ``window_data_param { scale }`` only, here ``transform_param { scale }`` counts too.

    Raises:
        DataError: the window file or an image cannot be read.
        DependencyError: Pillow is not installed.
    """

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        param, crop = self.param.window_data_param, self.param.transform_param.crop_size
        log.info(
            "Window data layer:\n  foreground (object) overlap threshold: %g\n  background (non-object) overlap "
            "threshold: %g\n  foreground sampling fraction: %g\n  cache_images: %d\n  root_folder: %s",
            param.fg_threshold, param.bg_threshold, param.fg_fraction, param.cache_images, param.root_folder,
        )  # fmt: skip
        if not param.source or not param.batch_size or not crop:
            raise ParameterError(
                "expected a window_data_param { source batch_size } and a transform_param { crop_size } above 0, found "
                f"{param.source!r}, {param.batch_size} and {crop}"
            )
        if 2 * param.context_pad >= crop:
            raise ParameterError(f"context_pad is {param.context_pad}: expected less than half of crop_size, {crop}")
        rng = Rng(self.context.rng.rand() + share_of(self.context.phase).rank)
        source = locate(param.source, self.context.named_by)
        windows = read_window_file(source, param.fg_threshold, param.bg_threshold)
        log.info("Amount of context padding: %d", param.context_pad)
        log.info("Crop mode: %s", param.crop_mode)
        if windows.channels != 3:
            raise DataError(f"{source}: expected images of 3 channels, as they are read, found {windows.channels}")
        files = [locate(param.root_folder + name, source) for name in windows.images]
        loader = _WindowLoader(param, self.param.transform_param, transformer, windows, files, rng, self.context.dtype,
                               self.tolerance)
        return loader, (param.batch_size, 3, crop, crop)


class _WindowLoader:
    """Draws windows, cuts them out and resizes them."""

    def __init__(
        self, param: Any, transform: Any, transformer: Transformer, windows: WindowFile, files: list[str], rng: Rng,
        dtype: Any, tolerance: Tolerance,
    ) -> None:  # fmt: skip
        self._tolerance = tolerance
        self._param, self._windows, self._files, self._rng, self._dtype = param, windows, files, rng, dtype
        self._crop, self._mirror = transform.crop_size, transform.mirror
        self._scale = np.dtype(dtype).type(np.float32(param.scale) * np.float32(transform.scale))
        self._mean = _crop_mean(transformer, self._crop)
        self._cache = [_read(file) for file in files] if param.cache_images else None

    def load(self, batch: Batch) -> None:
        batch.data.fill(0)
        size = len(batch.label)
        foreground = int(np.float32(size) * np.float32(self._param.fg_fraction))
        for i in range(size):
            windows = self._windows.background if i < size - foreground else self._windows.foreground
            batch.label[i] = self._draw(windows, batch.data[i])

    def _draw(self, windows: Array, out: Array) -> int:
        """Cut out a window, another one if its image is bad and may be left out; returns its class."""
        while True:
            window = Window(*windows[self._rng.rand() % len(windows)].tolist())
            mirrored = self._mirror and self._rng.rand() % 2 == 1
            try:
                self._cut(window, mirrored, out)
            except DataError as error:
                self._tolerance.skip(error)
                continue
            self._tolerance.good()
            return window.label

    def position(self) -> Position:
        return {"windows": self._counts(), "random": self._rng.getstate()}

    def go_to(self, position: Position) -> None:
        if position["windows"] != self._counts():
            raise SnapshotError(f"the window file has changed: it had {position['windows']} windows on objects and on "
                                f"background, and has {self._counts()}")
        self._rng.setstate(position["random"])

    def _counts(self) -> list[int]:
        return [len(self._windows.foreground), len(self._windows.background)]

    def close(self) -> None:
        """Nothing is held open."""

    def _cut(self, window: Window, mirrored: bool, out: Array) -> None:
        file = self._files[window.image]
        image = read_image(file) if self._cache is None else decode_image(self._cache[window.image], True, file)
        square = self._param.crop_mode == "square"
        at = place(window, image.shape[1:], self._crop, self._param.context_pad, square, mirrored, self._dtype)
        _check(at, image, window, file)
        if at.height < 1 or at.width < 1:  # next to nothing of it is in the image
            return
        part = resize_image(np.ascontiguousarray(image[:, at.y1 : at.y2 + 1, at.x1 : at.x2 + 1]), at.height, at.width)
        if mirrored:
            part = part[:, :, ::-1]
        inside = np.s_[:, at.top : at.top + at.height, at.left : at.left + at.width]
        mean = self._mean if self._mean.shape[1] == 1 else self._mean[inside]
        np.subtract(part, mean, out=out[inside])
        out[inside] *= self._scale


def _crop_mean(transformer: Transformer, crop: int) -> Array:
    """The mean of each channel, (3, 1, 1), or of each pixel of the crop, (3, crop, crop)."""
    image = transformer.mean_image
    if not image.size:
        return transformer.mean_values(3)[:, None, None]
    start = (image.shape[2] - crop) // 2  # from the width, for the rows too
    part = image[:, start : start + crop, start : start + crop]
    if start < 0 or part.shape != (3, crop, crop):
        raise ShapeError(f"the mean file has the shape {image.shape}: expected 3 channels of at least {crop} x {crop}")
    return part


def _check(at: Place, image: Array, window: Window, file: str) -> None:
    _, height, width = image.shape
    if not (0 <= at.x1 <= at.x2 < width and 0 <= at.y1 <= at.y2 < height):
        raise DataError(
            f"{file}: the window from ({window.x1}, {window.y1}) to ({window.x2}, {window.y2}) is not inside the image "
            f"of {width} x {height} pixels"
        )


def _read(path: str) -> bytes:
    try:
        return read_whole(path)
    except OSError as error:
        raise DataError(f"Could not open or find file {path}: {error.strerror}") from None
