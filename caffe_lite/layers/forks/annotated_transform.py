"""From a record to a place in a batch: what happens to an image and its objects on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.rng import Rng
from caffe_lite.schema import TRAIN, ResizeParameter
from caffe_lite.sources.annotated import BOX, Annotated
from caffe_lite.sources.colors import distort
from caffe_lite.sources.noise import add_noise, check_noise
from caffe_lite.sources.object_boxes import in_frame, mirrored
from caffe_lite.sources.resizing import apply_resize, check_resize, new_size
from caffe_lite.sources.samples import check_sampler, expand, sample
from caffe_lite.sources.transformer import Transformer


class AnnotatedTransform:
    """Distorts, expands, samples, resizes, spoils, crops and mirrors an image, and subtracts the mean and scales it.

    Args:
        param: the layer's ``LayerParameter``.
        phase: crops are random when training, else from the centre.
        transformer: for the mean.
        rng: what is drawn from.

    Raises:
        ParameterError: a size or ratio cannot be, or an expanded image's mean is not a colour.

    Source: SSD's annotated_data_layer.cpp and data_transformer.cpp.
    """

    def __init__(self, param: Any, phase: int, transformer: Transformer, rng: Rng) -> None:
        transform = self._param = param.transform_param
        self._samplers = list(param.annotated_data_param.batch_sampler)
        self._transformer, self.rng, self._random = transformer, rng, phase == TRAIN
        self._constraint = transform.emit_constraint if transform.HasField("emit_constraint") else None
        self._crop = (transform.crop_size,) * 2 if transform.crop_size else (transform.crop_h, transform.crop_w)
        if bool(self._crop[0]) != bool(self._crop[1]):
            raise ParameterError(f"give both crop_h and crop_w, found {self._crop[0]} and {self._crop[1]}")
        for sampler in self._samplers:
            check_sampler(sampler.sampler)
        if transform.HasField("resize_param"):
            check_resize(transform.resize_param)
        if transform.HasField("noise_param"):
            check_noise(transform.noise_param)
        if transform.HasField("expand_param"):
            if not transform.expand_param.max_expand_ratio > 1:
                raise ParameterError(f"max_expand_ratio must be larger than 1, found "
                                     f"{transform.expand_param.max_expand_ratio:g}")
            if transformer.mean_image.size:
                raise ParameterError("expand_param fills a canvas with a colour: give mean_value instead of mean_file")

    def output_shape(self, item: Annotated) -> tuple[int, int, int]:
        """Channels, height and width of what an image becomes, as far as its own size says."""
        channels, height, width = item.image.shape
        if self._param.HasField("resize_param"):
            height, width = new_size(self._param.resize_param, height, width)
        return channels, self._crop[0] or height, self._crop[1] or width

    def __call__(self, item: Annotated, out: Array) -> Array:
        """Write the image into ``out`` and return the objects.

        Raises:
            DataError: it does not have the size of ``out``, or is smaller than the crop.
            ShapeError: the mean image does not have that size.
        """
        param, rng = self._param, self.rng
        if param.HasField("distort_param"):
            item = replace(item, image=distort(item.image, param.distort_param, rng))
        if param.HasField("expand_param"):
            fill = self._transformer.mean_values(len(item.image))
            item = expand(item, param.expand_param, fill, self._constraint, rng)
        if self._samplers:
            item = sample(item, self._samplers, self._constraint, rng)
        mirrors = param.mirror and rng.rand() % 2 == 1
        size = item.image.shape[1:]
        if param.HasField("resize_param"):
            item = apply_resize(item, param.resize_param, rng)
        if param.HasField("noise_param"):
            item = replace(item, image=add_noise(item.image, param.noise_param, rng))
        image, frame = self._cropped(item)
        objects = in_frame(item.objects, frame, self._constraint)
        if mirrors:
            image, objects = image[:, :, ::-1], mirrored(objects)
        if image.shape != out.shape:
            raise DataError(f"{item.where}: expected {out.shape} (channels, height, width) as the first image of its "
                            f"batch, found {image.shape}; give transform_param {{ resize_param }}")
        np.subtract(image, self._mean(out.shape), out=out)
        out *= out.dtype.type(param.scale)
        return self._extrapolated(objects, size, frame)

    def _cropped(self, item: Annotated) -> tuple[Array, Array]:
        """The crop, and where it was in the image."""
        (rows, columns), (height, width) = self._crop, item.image.shape[1:]
        if not rows:
            return item.image, np.array([0, 0, 1, 1], np.float32)
        if height < rows or width < columns:
            raise DataError(f"{item.where}: expected at least {rows} x {columns} (crop_size), found {height} x {width} "
                            "(height x width)")
        top, left = (height - rows) // 2, (width - columns) // 2
        if self._random:
            top, left = self.rng.rand() % (height - rows + 1), self.rng.rand() % (width - columns + 1)
        frame = np.array([left / width, top / height, (left + columns) / width, (top + rows) / height], np.float32)
        return item.image[:, top : top + rows, left : left + columns], frame

    def _mean(self, shape: tuple[int, ...]) -> Array:
        image = self._transformer.mean_image
        if image.size and image.shape != shape:
            raise ShapeError(f"the mean file has the shape {image.shape}, what the net gets {shape}; make it from "
                             "images of that size, or give mean_value")
        return image if image.size else self._transformer.mean_values(shape[0])[:, None, None]

    def _extrapolated(self, objects: Array, size: tuple[int, int], frame: Array) -> Array:
        """In units of height_scale and width_scale where an image may have any size."""
        param = self._param.resize_param
        if not (param.height_scale and param.width_scale and param.resize_mode == ResizeParameter.FIT_SMALL_SIZE):
            return objects
        height, width, aspect = param.height, param.width, size[1] / size[0]
        height, width = max(height, width / aspect), max(width, height * aspect)
        seen = np.array([width * (frame[2] - frame[0]) / param.width_scale,
                         height * (frame[3] - frame[1]) / param.height_scale], np.float32)
        objects[:, BOX] *= np.tile(seen, 2)
        return objects
