"""Residual nets of bottleneck blocks, with BatchNorm and Scale after every convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.bench.nets.spec import LEARN, LEARN_BIAS, Spec, image_inputs

SIZE = 224
BLOCKS_50 = (3, 4, 6, 3)


def resnet(batch: int, train: bool, blocks: Sequence[int] = BLOCKS_50, size: int = SIZE) -> Any:
    """A net of ``2 + 3 sum(blocks)`` layers with weights; ``blocks`` says how many each of the stages has.

    Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015; a stage's first 1x1 convolution has
    the stride, as there.
    """
    net = Spec(f"ResNet-{2 + 3 * sum(blocks)}", image_inputs(batch, size, train))
    x = net.relu("conv1_relu", _conv(net, "conv1", "data", 64, 7, 2, 3))
    x = net.pool("pool1", x, "MAX", 3, 2)
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _bottleneck(net, f"res{stage + 2}{_letter(block)}", x, 64 << stage, 2 if stage and not block else 1,
                            project=not block)
    x = net.add("Pooling", "pool5", x, "pooling_param { pool: AVE global_pooling: true }")
    x = net.full("fc1000", x, 1000)
    if train:
        net.loss("loss", x)
    else:
        net.add("Softmax", "prob", x)
    return net.message()


def _letter(block: int) -> str:
    return chr(ord("a") + block) if block < 26 else f"_{block}"


def _conv(net: Spec, name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
    x = net.conv(name, bottom, outputs, kernel, stride, pad, bias=False)
    net.add("BatchNorm", f"bn_{name}", x, top=x)
    return net.add("Scale", f"scale_{name}", x, f"{LEARN} {LEARN_BIAS} scale_param {{ bias_term: true }}", top=x)


def _bottleneck(net: Spec, name: str, x: str, width: int, stride: int, project: bool) -> str:
    shortcut = _conv(net, f"{name}_branch1", x, 4 * width, 1, stride) if project else x
    y = net.relu(f"{name}_branch2a_relu", _conv(net, f"{name}_branch2a", x, width, 1, stride))
    y = net.relu(f"{name}_branch2b_relu", _conv(net, f"{name}_branch2b", y, width, 3, pad=1))
    y = _conv(net, f"{name}_branch2c", y, 4 * width, 1)
    return net.relu(f"{name}_relu", net.add("Eltwise", name, [shortcut, y]))
