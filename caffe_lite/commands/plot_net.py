"""``plot`` of nets: filters, activations, confusion, embedding."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe_lite.commands import Call
from caffe_lite.errors import DataError, FlagError

if TYPE_CHECKING:
    from caffe_lite.blob import Array
    from caffe_lite.net import Net

log = logging.getLogger(__name__)

BATCHES = 50
"""As many as ``caffe test`` runs, where it cannot be told how many are all."""
AT_ONCE = 500
ITEM = re.compile(r"(.+):(\d+)")


def _filters(call: Call, model: str, weights: str, out: str) -> None:
    from caffe_lite.report.filters import draw_filters

    with _net(model, weights) as net:
        draw_filters(net, call.flags.layer, out)
    log.info("Plotted the filters to %s", out)


def _activations(call: Call, model: str, weights: str, image: str, out: str) -> None:
    from caffe_lite.report.activations import activations, draw_activations, inputs_of

    with _net(model, weights) as net:
        (entrance,) = inputs_of(net)
        pixels = _image(image, net.blobs[entrance].shape[1:])
        entered = (pixels - _mean(call.flags.mean, pixels.shape)) * call.flags.scale
        blob, values = activations(net, entered, call.flags.layer)
        draw_activations(net, blob, pixels, values, out)
    log.info("Plotted what %s makes of %s to %s", blob, image, out)


def _confusion(call: Call, model: str, weights: str, out: str) -> None:
    from caffe_lite.report.confusion import class_accuracies, count_confusion, draw_confusion
    from caffe_lite.report.labels import classes_of

    with _net(model, weights) as net:
        names = classes_of(net)
        batches = _batches(call, net, model, names.scores)
        with call.progress(batches, "batches", "Testing") as bar:
            counts = count_confusion(net, batches, bar.update)
    classes = _classes(call.flags.classes, len(counts))
    share = counts.trace() / max(counts.sum(), 1)
    for name, found in zip(classes, class_accuracies(counts), strict=True):
        log.info("Class %s: %.2f %% recognised", name, 100 * found)
    log.info("Accuracy: %.4f of %d items", share, counts.sum())
    draw_confusion(counts, classes, out, f"{net.name}: {100 * share:.2f} % of {counts.sum():,} items recognised")
    log.info("Plotted the confusion to %s", out)


def _embedding(call: Call, model: str, weights: str, out: str) -> None:
    from caffe_lite.report.embedding import blob_features, draw_embedding, in_plane
    from caffe_lite.report.labels import classes_of

    blob = call.flags.blob
    with _net(model, weights) as net:
        label = call.flags.label or classes_of(net).label
        batches = _batches(call, net, model, blob)
        with call.progress(batches, "batches", "Computing features") as bar:
            points, labels = blob_features(net, blob, label, batches, bar.update)
    plane, share = in_plane(points)
    title = f"{net.name} {blob}: {len(points):,} items"
    if points.shape[1] != 2:
        title += f", the plane that holds {100 * share:.0f} % of the variance of {points.shape[1]} numbers"
    draw_embedding(plane, labels, out, title)
    log.info("Plotted the embedding to %s", out)


KINDS: dict[str, tuple[str, Callable[..., None]]] = {
    "filters": ("NET WEIGHTS OUT", _filters),
    "activations": ("NET WEIGHTS IMAGE OUT", _activations),
    "confusion": ("NET WEIGHTS OUT", _confusion),
    "embedding": ("NET WEIGHTS OUT", _embedding),
}
"""What there is to plot of a net: the arguments, and who does it."""


@contextmanager
def _net(model: str, weights: str) -> Iterator[Net]:
    from caffe_lite import schema
    from caffe_lite.net import Net

    net = Net.from_file(model, schema.TEST, weights=weights)
    try:
        yield net
    finally:
        net.close()


def _batches(call: Call, net: Net, model: str, blob: str) -> int:
    """``--iterations``, or as many as it takes to see the data of the net once."""
    if call.flags.iterations < 0:
        raise FlagError(f"--iterations={call.flags.iterations}: give 1 or more, or 0 for all test data once")
    if call.flags.iterations:
        return int(call.flags.iterations)
    counts = [_count(layer.param, model) for layer in net.layers if layer.type in ("Data", "ImageData")]
    if not counts or blob not in net.blobs:
        return BATCHES
    return max(1, counts[0] // net.blobs[blob].shape[0])


def _count(layer: Any, model: str) -> int:
    """How many items a data layer's source has."""
    from caffe_lite import schema
    from caffe_lite.files import locate
    from caffe_lite.sources.database import Database
    from caffe_lite.sources.image_list import read_image_list

    if layer.type == "ImageData":
        return len(read_image_list(locate(layer.image_data_param.source, model)))
    param = layer.data_param
    backend = schema.DataParameter.DB.Name(param.backend).lower()
    with closing(Database(locate(param.source, model), backend)) as database, closing(database.cursor()) as cursor:
        return sum(map(len, cursor.batches(AT_ONCE)))


def _image(path: str, shape: tuple[int, ...]) -> Array:
    """An image file, or ``FILE:7`` for that image of an idx file, as float32 in the shape that the net takes."""
    import numpy as np

    from caffe_lite.sources.idx import read_images
    from caffe_lite.sources.images import read_image, resize_image

    channels, height, width = shape
    if channels not in (1, 3):
        raise DataError(f"{path}: an image has 1 or 3 channels, and the net's input has {channels}; give a net that "
                        "takes images")
    item = ITEM.fullmatch(path)
    if item and not Path(path).exists():
        images = read_images(item[1])
        if int(item[2]) >= len(images):
            raise DataError(f"{path}: the images in {item[1]} have the numbers 0 to {len(images) - 1}; give one "
                            "of these")
        image = resize_image(images[int(item[2])][None].repeat(channels, axis=0), height, width)
    else:
        image = read_image(path, channels == 3, height, width)
    return image.astype(np.float32)


def _mean(text: str, shape: tuple[int, ...]) -> Any:
    """What ``--mean`` says, in a shape that can be subtracted."""
    import numpy as np

    from caffe_lite.sources.mean import read_mean

    if not text:
        return np.float32(0)
    if re.fullmatch(r"[-+.\deE]+(,[-+.\deE]+)*", text):
        try:
            values = np.array(text.split(","), np.float32)
        except ValueError:
            raise FlagError(f"--mean={text}: give numbers separated by ',', or a .binaryproto file") from None
        if len(values) not in (1, shape[0]):
            raise FlagError(f"--mean={text}: expected 1 number or {shape[0]}, one a channel; found {len(values)}")
        return values[:, None, None]
    mean = read_mean(text)
    return mean if mean.shape == shape else mean.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)[:, None, None]


def _classes(path: str, count: int) -> list[str]:
    """A name for each class."""
    if not path:
        return [str(i) for i in range(count)]
    try:
        names = Path(path).read_text("utf-8", errors="backslashreplace").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot read the classes' names: {error.strerror}") from None
    if len(names) != count:
        raise DataError(f"{path}: expected {count} lines, a class's name on each; found {len(names)}")
    return names
