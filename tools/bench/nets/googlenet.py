"""GoogLeNet: nine inception modules, and in training two classifiers on the way."""

from __future__ import annotations

from typing import Any

from tools.bench.nets.spec import Spec, image_inputs

SIZE = 224
# 1x1, before the 3x3, 3x3, before the 5x5, 5x5, after the pooling
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
CLASSIFIERS = {"4a": "loss1", "4d": "loss2"}
LAST_OF_STAGE = {"3b": "pool3", "4e": "pool4"}


def googlenet(batch: int, train: bool) -> Any:
    """The net of Szegedy et al., Going Deeper with Convolutions, 2014."""
    net = Spec("GoogLeNet", image_inputs(batch, SIZE, train))
    x = _conv(net, "conv1/7x7_s2", "data", 64, 7, 2, 3)
    x = net.pool("pool1/3x3_s2", x, "MAX", 3, 2)
    x = net.lrn("pool1/norm1", x)
    x = _conv(net, "conv2/3x3_reduce", x, 64, 1)
    x = _conv(net, "conv2/3x3", x, 192, 3, pad=1)
    x = net.lrn("conv2/norm2", x)
    x = net.pool("pool2/3x3_s2", x, "MAX", 3, 2)
    for name, widths in MODULES.items():
        x = _inception(net, f"inception_{name}", x, widths)
        if train and name in CLASSIFIERS:
            _classifier(net, CLASSIFIERS[name], x)
        if name in LAST_OF_STAGE:
            x = net.pool(f"{LAST_OF_STAGE[name]}/3x3_s2", x, "MAX", 3, 2)
    x = net.pool("pool5/7x7_s1", x, "AVE", 7)
    x = net.dropout("pool5/drop_7x7_s1", x, 0.4)
    x = net.full("loss3/classifier", x, 1000)
    if train:
        net.loss("loss3/loss3", x)
    else:
        net.add("Softmax", "prob", x)
    return net.message()


def _conv(net: Spec, name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
    return net.relu(f"{name}/relu", net.conv(name, bottom, outputs, kernel, stride, pad))


def _inception(net: Spec, name: str, x: str, widths: tuple[int, ...]) -> str:
    one, before3, three, before5, five, after = widths
    pooled = net.pool(f"{name}/pool", x, "MAX", 3, 1, 1)
    branches = [
        _conv(net, f"{name}/1x1", x, one, 1),
        _conv(net, f"{name}/3x3", _conv(net, f"{name}/3x3_reduce", x, before3, 1), three, 3, pad=1),
        _conv(net, f"{name}/5x5", _conv(net, f"{name}/5x5_reduce", x, before5, 1), five, 5, pad=2),
        _conv(net, f"{name}/pool_proj", pooled, after, 1),
    ]
    return net.add("Concat", f"{name}/output", branches)


def _classifier(net: Spec, name: str, x: str) -> None:
    x = net.pool(f"{name}/ave_pool", x, "AVE", 5, 3)
    x = _conv(net, f"{name}/conv", x, 128, 1)
    x = net.relu(f"{name}/relu_fc", net.full(f"{name}/fc", x, 1024))
    x = net.dropout(f"{name}/drop_fc", x, 0.7)
    net.loss(f"{name}/loss", net.full(f"{name}/classifier", x, 1000), 0.3)
