"""AlexNet with one tower's worth of groups, as Caffe's model zoo has it."""

from __future__ import annotations

from typing import Any

from tools.bench.nets.spec import Spec, image_inputs

SIZE = 227


def alexnet(batch: int, train: bool) -> Any:
    """Five convolutions, each normalised before it is pooled, and three full layers.

    Source: Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012.
    """
    net = Spec("AlexNet", image_inputs(batch, SIZE, train))
    x = "data"
    for i, (outputs, kernel, stride, pad, group) in enumerate([(96, 11, 4, 0, 1), (256, 5, 1, 2, 2)], 1):
        x = net.conv(f"conv{i}", x, outputs, kernel, stride, pad, group)
        x = net.relu(f"relu{i}", x)
        x = net.lrn(f"norm{i}", x)
        x = net.pool(f"pool{i}", x, "MAX", 3, 2)
    for i, outputs, group in ((3, 384, 1), (4, 384, 2), (5, 256, 2)):
        x = net.conv(f"conv{i}", x, outputs, 3, pad=1, group=group)
        x = net.relu(f"relu{i}", x)
    x = net.pool("pool5", x, "MAX", 3, 2)
    for i in (6, 7):
        x = net.full(f"fc{i}", x, 4096)
        x = net.relu(f"relu{i}", x)
        x = net.dropout(f"drop{i}", x, 0.5)
    x = net.full("fc8", x, 1000)
    if train:
        net.loss("loss", x)
    else:
        net.add("Softmax", "prob", x)
    return net.message()
