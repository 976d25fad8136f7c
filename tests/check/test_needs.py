"""The lists of ``check.in_place``, measured: which layers go backward over their own output, which over their input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from support.layers import RECORDED, make_net

from caffe_lite import schema
from caffe_lite.check.in_place import IGNORES_BOTTOM, NEEDS_TOP, needs_top
from caffe_lite.net import Net


def gradients(net: Net, i: int) -> list[Any]:
    """What layer ``i`` computes from gradients of 1, 2, 3, ..., of both its bottoms and its parameters."""
    for blob in net.tops[i]:
        blob.diff.reshape(-1)[...] = np.arange(1, blob.count + 1)
    net.clear_param_diffs()
    net.layers[i].backward(net.tops[i], net.propagate_down[i], net.bottoms[i])
    wanted = [blob for blob, down in zip(net.bottoms[i], net.propagate_down[i], strict=True) if down]
    return [blob.diff.copy() for blob in (*wanted, *net.layers[i].blobs)]


def depends_on(net: Net, i: int, blobs: list[Any]) -> bool:
    """Whether layer ``i`` goes back another way when somebody has written over these blobs."""
    net.forward()
    before = gradients(net, i)
    for blob in blobs:
        blob.data[...] = -3 - 2 * blob.data[...]
    return any(not np.array_equal(a, b) for a, b in zip(before, gradients(net, i), strict=True))


def cases() -> Iterator[tuple[Net, int]]:
    """Every layer of the recorded training nets that has a gradient and memory of its own."""
    for path in sorted(RECORDED.glob("*.npz")):
        case = np.load(path)
        if str(case["phase"]) != "TRAIN":
            continue
        net = make_net(str(case["net"]), phase=schema.TRAIN, seed=3)
        net._force_backward()
        for key in case.files:
            if key.startswith("input/"):
                net.blobs[key[6:]].data[...] = case[key]
        for i in range(len(net.layers)):
            bottom, top = net.bottoms[i], net.tops[i]
            shared = {blob.data_memory for blob in bottom} & {blob.data_memory for blob in top}
            if any(net.propagate_down[i]) and not shared:
                yield net, i


def test_who_needs_its_top() -> None:
    seen = set()
    for net, i in cases():
        layer = net.layers[i]
        if depends_on(net, i, net.tops[i][:1]):
            assert needs_top(layer), layer.name
            seen.add(layer.type)
    assert seen == NEEDS_TOP | {"Eltwise"}


def test_who_needs_its_bottom() -> None:
    seen, known = set(), set()
    for net, i in cases():
        values = [blob for blob, down in zip(net.bottoms[i], net.propagate_down[i], strict=True) if down]
        known.add(net.layers[i].type)
        if depends_on(net, i, values):
            seen.add(net.layers[i].type)
    assert not seen & IGNORES_BOTTOM
    assert known - seen <= IGNORES_BOTTOM | {"RNN"}  # which keeps copies for its steps: nobody should rely on that
