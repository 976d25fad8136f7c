"""A siamese net and its pairs, as its prototxt tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import DivergenceError, GraphError
from caffe_lite.export.deploy import deploy
from caffe_lite.export.load import load
from caffe_lite.export.sources import with_batch
from caffe_lite.files import locate
from caffe_lite.graph import filter_net
from caffe_lite.kernels.datum import CHANNELS, WIDTH
from caffe_lite.rng import Rng
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.items import Images, Items
from caffe_lite.sources.transformer import Transformer
from caffe_lite.upgrade import read_net

Array = np.ndarray[Any, Any]
Done = Callable[[int], None]
BATCH = 100


class SiameseNet:
    """The net that a ContrastiveLoss trains, with a Data layer of pairs, each two images one behind the other.

    Args:
        path: the prototxt that it is trained with.
        weights: a ``.caffemodel``.

    Attributes:
        stored: channels, height and width of one image in the net's database.

    Raises:
        GraphError: it has no ContrastiveLoss, or no Data layer for each phase.
        CaffeError: the net, its weights or its databases cannot be read.
    """

    def __init__(self, path: str, weights: str) -> None:
        self._path = path
        param = read_net(path)
        self._sources = {phase: _data_layer(param, phase, path) for phase in (schema.TRAIN, schema.TEST)}
        losses = [layer for layer in _filtered(param, schema.TEST).layer if layer.type == "ContrastiveLoss"]
        if len(losses) != 1:
            raise GraphError(f"{path}: found {len(losses)} ContrastiveLoss layers; give the net that is trained with "
                             "one, as examples/siamese/mnist_siamese_train_test.prototxt")
        self._twins = list(losses[0].bottom[:2])
        source = self._sources[schema.TEST]
        self._transformers = {phase: self._transformer(phase) for phase in self._sources}
        with self._database(schema.TEST) as database, closing(database.cursor()) as cursor:
            first = Datums([(cursor.key, cursor.value)], database.source)
        channels, height, width = (int(n) for n in first.fields[0, CHANNELS : WIDTH + 1])
        if channels % 2:
            raise GraphError(f"{path}: the data of layer {source.name!r} have {channels} channels; expected twice "
                             "those of an image, one image behind the other")
        self.stored = channels // 2, height, width
        self._seen = self._transformers[schema.TEST].output_shape(first)
        top = source.top[0]
        pruned = deploy(param, {top: self._seen}, self._twins, path)
        self._net = load(with_batch(pruned, BATCH), weights, path)
        self._input = self._net.blobs[top].data

    def distances(self, phase: int, most: int, done: Done) -> tuple[Array, Array]:
        """The distances of the first ``most`` pairs of a phase, in its database's order, and whether each is of one
        class: float32 and bool, shape (pairs,).

        Raises:
            DivergenceError: a distance is not finite.
            DataError: the database cannot be read.
        """
        distances, same = [], []
        for items in self._pairs(phase, most):
            first, second = self._twin_features(items, phase)
            distances.append(np.sqrt(((first - second) ** 2).sum(axis=1)))
            same.append(items.labels != 0)
            done(len(items.labels))
        found = np.concatenate(distances)
        if not np.isfinite(found).all():
            raise DivergenceError(f"{np.count_nonzero(~np.isfinite(found))} of {len(found)} distances are not finite: "
                                  "the weights are of a training that diverged; take an earlier snapshot, or train "
                                  "anew with a smaller base_lr")
        return found, np.concatenate(same)

    def features(self, pixels: Array, done: Done) -> Array:
        """What the net makes of single images: shape (images, numbers).

        Args:
            pixels: uint8, shape (images, *stored).
        """
        found = []
        for begin in range(0, len(pixels), BATCH):
            part = [np.concatenate([image, image]) for image in pixels[begin : begin + BATCH]]
            items = Images(part, [0] * len(part), [f"image {begin + i}" for i in range(len(part))], "images")
            found.append(self._twin_features(items, schema.TEST)[0])
            done(len(part))
        return np.concatenate(found)

    def _twin_features(self, items: Items, phase: int) -> tuple[Array, Array]:
        count = len(items.labels)
        self._transformers[phase](items, self._input[:count])
        self._net.forward()
        first, second = (self._net.blobs[name].data[:count].reshape(count, -1).copy() for name in self._twins)
        return first, second

    def _transformer(self, phase: int) -> Transformer:
        """As in TEST: cut from the middle, not mirrored, so that an image is always the same one."""
        param = schema.TransformationParameter()
        param.CopyFrom(self._sources[phase].transform_param)
        param.mirror = False
        transformer = Transformer(param, schema.TEST, named_by=self._path)
        transformer.init_rand(Rng(1))
        return transformer

    def _pairs(self, phase: int, most: int) -> Iterator[Datums]:
        with self._database(phase) as database, closing(database.cursor()) as cursor:
            for records in cursor.batches(BATCH):
                yield Datums(records[:most], database.source)
                most -= len(records)
                if most <= 0:
                    return

    def _database(self, phase: int) -> Any:
        data = self._sources[phase].data_param
        backend = schema.DataParameter.DB.Name(data.backend).lower()
        return closing(Database(locate(data.source, self._path), backend))


def _data_layer(param: Any, phase: int, path: str) -> Any:
    layers = [layer for layer in _filtered(param, phase).layer if not layer.bottom]
    if len(layers) != 1 or layers[0].type != "Data":
        found = ", ".join(f"{layer.name} ({layer.type})" for layer in layers) or "none"
        raise GraphError(f"{path}: expected one Data layer in the {schema.Phase.Name(phase)} phase, which reads pairs, "
                         f"and no other input; found {found}")
    return layers[0]


def _filtered(param: Any, phase: int) -> Any:
    state = schema.NetState()
    state.CopyFrom(param.state)
    state.phase = phase
    return filter_net(param, state)
