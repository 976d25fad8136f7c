"""The tutorials' own nets, with an Input layer where they read a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caffe_lite import schema
from caffe_lite.graph import filter_net
from caffe_lite.upgrade import read_net
from tools.bench.nets.spec import Shapes, image_inputs, with_inputs

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def siamese(batch: int, train: bool) -> Any:
    """Training sees pairs; the net that is used afterwards one digit at a time."""
    if train:
        return _example("siamese/mnist_siamese_train_test", train,
                        {"pair_data": (batch, 2, 28, 28), "sim": (batch,)})
    return _example("siamese/mnist_siamese", train, image_inputs(batch, 28, train, channels=1))


def lenet(batch: int, train: bool) -> Any:
    name = "mnist/lenet_train_test" if train else "mnist/lenet"
    return _example(name, train, image_inputs(batch, 28, train, channels=1))


def cifar10_full(batch: int, train: bool) -> Any:
    name = "cifar10/cifar10_full_train_test" if train else "cifar10/cifar10_full"
    return _example(name, train, image_inputs(batch, 32, train))


def _example(name: str, train: bool, inputs: Shapes) -> Any:
    net = read_net(EXAMPLES / f"{name}.prototxt")
    net.state.phase = schema.TRAIN if train else schema.TEST
    return with_inputs(filter_net(net), inputs)
