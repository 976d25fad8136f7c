"""Plot the features that a net gives the MNIST test digits."""

from __future__ import annotations

import logging
from typing import Any

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

BATCH = 500  # images at once: ten thousand, as the tutorial's net has it, would need a gigabyte
USAGE = """--weights=FILE OUT
Plots the two numbers that the siamese tutorial's net gives each MNIST test digit, in the digit's
colour, to OUT, a .png, .svg or .pdf file, and logs how often a digit's ten nearest neighbours name
its class."""
FLAGS = (
    Flag("model", "examples/siamese/mnist_siamese.prototxt", "The net, from an image to its features."),
    Flag("weights", "", "The trained weights, a .caffemodel file."),
    Flag("images", "data/mnist/t10k-images-idx3-ubyte", "The images, an idx file."),
    Flag("labels", "data/mnist/t10k-labels-idx1-ubyte", "Their labels, an idx file."),
    Flag("blob", "feat", "The blob of two features."),
    Flag("scale", 0.00390625, "What pixels are multiplied by, as in training."),
    *LIMITS,
)


@limited
def run(call: Call) -> int:
    """Compute the features, count neighbours, plot.

    Raises:
        FlagError: not one picture is named, or no weights.
        CaffeError: the net, its weights or the digits cannot be read, or do not fit.
    """
    flags = call.flags
    if len(call.args) != 1:
        raise usage_error("embed", USAGE, call.args)
    if not flags.weights:
        example = "examples/siamese/mnist_siamese_iter_50000.caffemodel"
        raise FlagError(f"embed needs the trained weights, such as --weights={example}")
    from caffe_lite.report.embedding import draw_embedding, features
    from caffe_lite.report.figure import check_format
    from caffe_lite.report.neighbours import neighbour_accuracy
    from caffe_lite.sources.idx import read_pair

    (picture,) = call.args
    check_format(picture)
    images, labels = read_pair(flags.images, flags.labels)
    net = _net(flags.model, flags.weights)
    with call.progress(len(images), "images", "Computing features") as bar:
        points = features(net, images, flags.blob, flags.scale, BATCH, bar.update)
    share = neighbour_accuracy(points, labels)
    log.info("Ten nearest neighbours name the class of %.1f %% of %d digits", 100 * share, len(points))
    draw_embedding(
        points,
        labels,
        picture,
        f"{net.name}: {len(points):,} digits, {100 * share:.1f} % named by their ten nearest neighbours",
    )
    log.info("Plotted the features to %s", picture)
    return 0


def _net(model: str, weights: str) -> Any:
    """The net for ``BATCH`` images, with its weights."""
    from caffe_lite import schema
    from caffe_lite.net import Net
    from caffe_lite.upgrade import read_net

    param = read_net(model)
    param.state.phase = schema.TEST
    for layer in param.layer:
        for shape in layer.input_param.shape:
            shape.dim[:1] = [BATCH]
    net = Net(param, named_by=model)
    net.copy_trained_from(weights)
    return net
