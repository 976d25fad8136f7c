"""The nets that are timed.

The tutorials' are read from ``examples/``; the others are described here, from their papers: names and sizes are those
of Caffe's model zoo, so that its weights would fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.bench.nets.alexnet import alexnet
from tools.bench.nets.examples import cifar10_full, lenet, siamese
from tools.bench.nets.googlenet import googlenet
from tools.bench.nets.resnet import resnet


@dataclass(frozen=True)
class TimedNet:
    """A net and the batches it is timed with.

    Attributes:
        make: from the batch size, and whether to train, its ``NetParameter`` with Input layers.
        batches: 1, 10 and the size that it is used with; the large nets' own training batches (AlexNet 256, GoogLeNet
            32) take seconds an iteration, ``--batches`` asks for them.
        quick: the batches of a quick run.
    """

    make: Callable[[int, bool], Any]
    batches: tuple[int, ...]
    quick: tuple[int, ...]


NETS = {
    "siamese": TimedNet(siamese, (1, 10, 64), (1, 64)),
    "lenet": TimedNet(lenet, (1, 10, 64), (1, 64)),
    "cifar10_full": TimedNet(cifar10_full, (1, 10, 100), (1, 100)),
    "alexnet": TimedNet(alexnet, (1, 10), (1,)),
    "googlenet": TimedNet(googlenet, (1, 10), (1,)),
    "resnet50": TimedNet(resnet, (1, 10), (1,)),
}
