"""``classification``: what a net takes an image for.

As ``examples/cpp_classification/classification.cpp`` does it; the predictions go to standard output.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from caffe_lite.commands import Call, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import DataError, GraphError, ShapeError

if TYPE_CHECKING:
    from caffe_lite.blob import Array
    from caffe_lite.net import Net

log = logging.getLogger(__name__)

USAGE = """DEPLOY.PROTOTXT NETWORK.CAFFEMODEL MEAN.BINARYPROTO LABELS.TXT IMAGE
Show the five classes that a net finds likeliest for an image, and their scores. LABELS.TXT has a class on each
line; each channel's mean over MEAN.BINARYPROTO is subtracted."""
FLAGS = LIMITS
TOP = 5


@limited
def run(call: Call) -> int:
    """Classify one image.

    Raises:
        CaffeError: a file cannot be read, the net has not one input of an image's shape and one output, or there are
            not as many labels as classes.
    """
    if len(call.args) != 5:
        raise usage_error("classification", USAGE, call.args)
    from caffe_lite import schema
    from caffe_lite.net import Net

    model, weights, mean_file, label_file, image_file = call.args
    net = Net.from_file(model, schema.TEST, weights=weights)
    channels = _input_channels(net)
    mean = _channel_means(mean_file, channels)
    labels = _labels(label_file, net)
    print(f"---------- Prediction for {image_file} ----------", flush=True)
    scores = _scores(net, _sample(image_file, channels), mean)[: len(labels)]
    for i in (-scores).argsort(kind="stable")[:TOP]:
        print(f'{scores[i]:.4f} - "{labels[i]}"')
    return 0


def _input_channels(net: Net) -> int:
    if len(net.inputs) != 1 or len(net.outputs) != 1:
        raise GraphError(f"Network should have exactly one input and exactly one output; {net.name} has the inputs "
                         f"{net.inputs} and the outputs {net.outputs}. Give a deploy.prototxt, without data and loss")
    shape = net.blobs[net.inputs[0]].shape
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ShapeError(f"Input layer should have 1 or 3 channels: expected (1, 3, height, width), found {shape}")
    return shape[1]


def _channel_means(path: str, channels: int) -> Array:
    import numpy as np

    from caffe_lite.sources.mean import read_mean

    mean = read_mean(path)
    if len(mean) != channels:
        raise ShapeError(f"{path}: Number of channels of mean file doesn't match input layer: expected {channels}, "
                         f"found {len(mean)}")
    means: Array = mean.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
    return means


def _labels(path: str, net: Net) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            labels = [line.rstrip("\n") for line in file]
    except OSError as error:
        raise DataError(f"Unable to open labels file {path}: {error.strerror}") from None
    shape = net.blobs[net.outputs[0]].shape
    classes = shape[1] if len(shape) > 1 else 1
    if len(labels) != classes:
        raise DataError(f"{path}: Number of labels is different from the output layer dimension: expected {classes} "
                        f"lines, found {len(labels)}")
    return labels


def _sample(path: str, channels: int) -> Array:
    """The image in grey or in blue, green and red, whatever it has; opacity is dropped."""
    import numpy as np

    from caffe_lite.sources.images import decode_image

    try:
        with open(path, "rb") as file:
            image = decode_image(file.read(), None, path)
    except OSError as error:
        raise DataError(f"Unable to decode image {path}: {error.strerror}") from None
    if channels == 1 and len(image) > 1:
        blue, green, red = image[:3].astype(np.int64)
        grey: Array = (3735 * blue + 19235 * green + 9798 * red + (1 << 14) >> 15).astype(np.uint8)  # OpenCV's cvtColor
        return grey[None]
    if channels == 1:
        return image
    return np.repeat(image, 3, axis=0) if len(image) == 1 else np.ascontiguousarray(image[:3])


def _scores(net: Net, sample: Array, mean: Array) -> Any:
    import numpy as np

    from caffe_lite.sources.images import resize_image

    (entrance,), (exit_,) = net.inputs, net.outputs
    blob = net.blobs[entrance]
    _, channels, height, width = blob.shape
    blob.reshape((1, channels, height, width))
    net.reshape()
    blob.data[0] = resize_image(sample, height, width).astype(np.float32) - mean[:, None, None]
    net.forward()
    return net.blobs[exit_].data.reshape(-1)
