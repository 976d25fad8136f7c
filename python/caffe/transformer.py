"""From images to what a net takes, and back. Users find this in ``caffe.io``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError

from .images import resize_image

Array = np.ndarray[Any, Any]


class Transformer:
    """What is done to the images for each input of a net: resize, transpose, swap channels, scale, subtract, scale.

    ``blob = ((image.transpose(transpose)[channel_swap] * raw_scale) - mean) * input_scale``, where what was not set is
    left out. The settings are dictionaries by the inputs' names.

    Args:
        inputs: the shape of each input, (images, channels, height, width).
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: Array) -> Array:
        """An image (height, width, channels), of any size, as the input takes it: float32, (channels, height, width).

        Unlike Caffe's this leaves ``data`` as it is.
        """
        self._check_input(in_)
        blob = data.astype(np.float32, copy=False)
        size = tuple(self.inputs[in_][2:])
        if blob.shape[:2] != size:
            blob = resize_image(blob, size)
        if in_ in self.transpose:
            blob = blob.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            blob = blob[list(self.channel_swap[in_]), :, :]
        blob = blob.copy()
        if in_ in self.raw_scale:
            blob *= self.raw_scale[in_]
        if in_ in self.mean:
            blob -= self.mean[in_]
        if in_ in self.input_scale:
            blob *= self.input_scale[in_]
        return blob

    def deprocess(self, in_: str, data: Array) -> Array:
        """What the input holds for one image as an image again, in the input's size."""
        self._check_input(in_)
        image = data.squeeze().copy()
        if in_ in self.input_scale:
            image /= self.input_scale[in_]
        if in_ in self.mean:
            image += self.mean[in_]
        if in_ in self.raw_scale:
            image /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_]), :, :]
        if in_ in self.transpose:
            image = image.transpose(np.argsort(self.transpose[in_]))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """The order of the axes: (2, 0, 1) makes (height, width, channels) (channels, height, width)."""
        self._check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ParameterError(
                "Transpose order needs to have the same number of dimensions as the input: "
                f"{len(self.inputs[in_]) - 1}; found {order}"
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """The order of the channels, which come first after transposing: (2, 1, 0) makes RGB BGR."""
        self._check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise ParameterError(
                "Channel swap needs to have the same number of dimensions as the input channels: "
                f"{self.inputs[in_][1]}; found {order}"
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """What values are multiplied by before the mean is subtracted: 255 where the net learned from 0 to 255."""
        self._check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: Array) -> None:
        """What is subtracted.

        Args:
            mean: a value for each channel, (channels,), or for each pixel, (channels, height, width) or of one channel
                (height, width); the latter two are resized where they are of another size than the input.

        Raises:
            ValueError: of another shape.
        """
        self._check_input(in_)
        wanted = tuple(self.inputs[in_][1:])
        if mean.ndim == 1:
            if len(mean) != wanted[0]:
                raise ValueError(
                    f"Mean channels incompatible with input: expected {wanted[0]} values, found {len(mean)}"
                )
            mean = mean[:, np.newaxis, np.newaxis]
        elif mean.ndim in (2, 3):
            if (1,) * (3 - mean.ndim) + mean.shape != wanted:
                mean = _resized(mean if mean.ndim == 3 else mean[np.newaxis], wanted[1:])
        else:
            raise ValueError(f"Mean shape invalid: expected one, two or three axes, found {mean.shape}")
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """What values are multiplied by in the end, after the mean was subtracted."""
        self._check_input(in_)
        self.input_scale[in_] = scale

    def _check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ParameterError(f"{in_} is not one of the net inputs: {dict(self.inputs)}")


def _resized(mean: Array, size: Sequence[int]) -> Array:
    """A mean (channels, height, width) in another size, interpolated between 0 and 1, as images are."""
    low, high = mean.min(), mean.max()
    if low == high:
        return np.full((len(mean), *size), low, np.float32)
    unit = (mean - low) / (high - low)
    return np.asarray(resize_image(unit.transpose(1, 2, 0), size).transpose(2, 0, 1) * (high - low) + low)
