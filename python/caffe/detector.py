"""Windows of images in, what each shows out. Girshick et al., *Rich feature hierarchies*, 2014."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import DependencyError, ParameterError

from . import io
from .classifier import transformer_of
from .proto.caffe_pb2 import TEST
from .pycaffe import Net

Array = np.ndarray[Any, Any]


class Detector(Net):
    """A net with one input, images, that is shown windows of larger ones.

    Args:
        model_file, pretrained_file: the net and its weights.
        mean, input_scale, raw_scale, channel_swap: as ``caffe.io.Transformer`` takes them.
        context_pad: at each side so many pixels of the net's input show what is around the window; what is outside
            the image shows the mean.

    Attributes:
        transformer: the ``caffe.io.Transformer``.
        context_pad: as given.
        crop_dims: height, width and channels of the net's input.
        crop_mean: with a context, the mean as the images have it, (height, width, channels) or broadcastable to it.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str],
        pretrained_file: str | os.PathLike[str],
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer_of(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str, Iterable[Any]]]) -> list[dict[str, Any]]:
        """What the net makes of each window.

        Args:
            images_windows: an image's file and its windows, each ymin, xmin, ymax, xmax.

        Returns:
            For each window its ``filename``, the ``window``, and the ``prediction``, the net's first output for it.
        """
        found: list[dict[str, Any]] = []
        blobs = []
        in_ = self.inputs[0]
        for filename, windows in images_windows:
            image = io.load_image(filename)
            for window in windows:
                blobs.append(self.transformer.preprocess(in_, self.crop(image, window)))
                found.append({"window": window, "prediction": None, "filename": filename})
        if found:
            predictions = self.forward_all(**{in_: np.stack(blobs)})[self.outputs[0]]
            for one, prediction in zip(found, predictions, strict=True):
                one["prediction"] = prediction
        return found

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """What the net makes of the windows that selective search proposes; as ``detect_windows``.

        Raises:
            DependencyError: the program that proposes them is not here.
        """
        try:
            import selective_search_ijcv_with_python as selective_search
        except ImportError:
            raise DependencyError(
                "selective search needs selective_search_ijcv_with_python, which no package index has, and MATLAB: see "
                "https://github.com/sergeyk/selective_search_ijcv_with_python. Without it give windows of your own to "
                "detect_windows (detect.py: --crop_mode=list and a .csv file)"
            ) from None
        names = [os.path.abspath(name) for name in image_fnames]
        windows = selective_search.get_windows(names, cmd="selective_search_rcnn")
        return self.detect_windows(zip(names, windows, strict=True))

    def crop(self, im: Array, window: Sequence[int]) -> Array:
        """A window of an image: with a context in the size of the net's input, else as large as it is.

        Args:
            im: (height, width, channels).
            window: ymin, xmin, ymax, xmax, of pixels; without a context the latter two are not in it.

        Raises:
            ParameterError: the window is empty, or outside the image.
        """
        top, left, bottom, right = (int(edge) for edge in window)
        if self.context_pad:
            return self._with_context(im, np.array([top, left, bottom, right]), self.context_pad)
        crop = im[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if not crop.size:
            raise _no_window(window, im)
        return crop

    def _with_context(self, im: Array, window: Array, context: int) -> Array:
        size = self.blobs[self.inputs[0]].width  # a square one
        half = (window[2:] - window[:2] + 1) / 2.0
        wide = size / (size - context * 2.0) * half
        centre = window[:2] + half
        box = np.round(np.concatenate([centre - wide, centre + wide]))
        scale = size / (box[2:] - box[:2] + 1)
        pad = [round(max(0, -edge) * ratio) for edge, ratio in zip(box[:2], scale, strict=True)]
        box = np.clip(box, 0, [*im.shape[:2], *im.shape[:2]]).astype(int)
        inside = im[box[0] : box[2], box[1] : box[3]]
        if not inside.size:
            raise _no_window(window.tolist(), im)
        fits = [min(round(length * ratio), size - before)
                for length, ratio, before in zip(box[2:] - box[:2] + 1, scale, pad, strict=True)]
        crop = np.ones(self.crop_dims, np.float32) * self.crop_mean
        crop[pad[0] : pad[0] + fits[0], pad[1] : pad[1] + fits[1]] = io.resize_image(inside, fits)
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Set ``context_pad``, and from it and the transformer ``crop_dims`` and ``crop_mean``.

        Raises:
            ParameterError: the context leaves nothing of the window.
        """
        in_ = self.inputs[0]
        back = np.argsort(self.transformer.transpose[in_])
        shape = self.blobs[in_].data.shape
        self.crop_dims = np.array(shape[1:])[back]
        if context_pad and not 0 < 2 * context_pad < shape[3]:
            raise ParameterError(f"context_pad {context_pad}: expected less than half the input's width, {shape[3]}")
        self.context_pad = context_pad
        if context_pad:
            self.crop_mean = self._mean_of_images(back)

    def _mean_of_images(self, back: Array) -> Array:
        """The transformer's mean before its other steps, in float32; zeros where it has none."""
        transformer, in_ = self.transformer, self.inputs[0]
        if in_ not in transformer.mean:
            return np.zeros(self.crop_dims, np.float32)
        mean = transformer.mean[in_].transpose(back)
        if in_ in transformer.channel_swap:
            mean = mean[:, :, np.argsort(transformer.channel_swap[in_])]
        return mean / transformer.raw_scale.get(in_, 1)


def _no_window(window: Any, im: Array) -> ParameterError:
    return ParameterError(
        f"window {list(window)} (ymin, xmin, ymax, xmax) shows nothing of an image {im.shape[0]} high and "
        f"{im.shape[1]} wide"
    )
