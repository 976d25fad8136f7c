"""Images in, probabilities of classes out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import io
from .proto.caffe_pb2 import TEST
from .pycaffe import Net

Array = np.ndarray[Any, Any]


class Classifier(Net):
    """A net with one input, images, and the way they take into it.

    Args:
        model_file, pretrained_file: the net and its weights.
        image_dims: height and width that images are brought to before they are cropped to the net's input; by default
            those of the input.
        mean, input_scale, raw_scale, channel_swap: as ``caffe.io.Transformer`` takes them.

    Attributes:
        transformer: the ``caffe.io.Transformer``.
        crop_dims: height and width of the net's input.
        image_dims: as given.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str],
        pretrained_file: str | os.PathLike[str],
        image_dims: Sequence[int] | None = None,
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].data.shape[2:])
        self.image_dims = self.crop_dims if image_dims is None else image_dims

    def predict(self, inputs: Sequence[Array], oversample: bool = True) -> Array:
        """What the net makes of images.

        Args:
            inputs: n images, each (height, width, channels), of any size.
            oversample: True for the mean over ten crops (``caffe.io.oversample``), False for the one in the middle.

        Returns:
            The net's first output: (n, classes) where oversampled, else as the net shapes it for n images.

        Raises:
            ValueError: ``image_dims`` are smaller than the net's input, or the images of another number of channels.
        """
        in_ = self.inputs[0]
        height, width = (int(size) for size in self.image_dims)
        channels = inputs[0].shape[2]
        images = np.empty((len(inputs), height, width, channels), np.float32)
        for image, given in zip(images, inputs, strict=True):
            image[...] = io.resize_image(given, (height, width))
        crops = io.oversample(images, self.crop_dims) if oversample else _centre(images, self.crop_dims)
        blobs = np.stack([self.transformer.preprocess(in_, crop) for crop in crops])
        predictions: Array = self.forward_all(**{in_: blobs})[self.outputs[0]]
        return predictions.reshape(len(inputs), 10, -1).mean(1) if oversample else predictions


def transformer_of(
    net: Net,
    mean: Array | None,
    input_scale: float | None,
    raw_scale: float | None,
    channel_swap: Sequence[int] | None,
) -> io.Transformer:
    """The transformer for a net's first input, from (height, width, channels) to (channels, height, width)."""
    in_ = net.inputs[0]
    transformer = io.Transformer({in_: net.blobs[in_].data.shape})
    transformer.set_transpose(in_, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(in_, mean)
    if input_scale is not None:
        transformer.set_input_scale(in_, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(in_, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(in_, channel_swap)
    return transformer


def _centre(images: Array, size: Array) -> Array:
    _, height, width, _ = images.shape
    if height < size[0] or width < size[1]:
        raise ValueError(f"no crop of {size[0]} x {size[1]} fits into images of {height} x {width}")
    top, left = int(height / 2.0 - size[0] / 2.0), int(width / 2.0 - size[1] / 2.0)
    return images[:, top : top + size[0], left : left + size[1]]
