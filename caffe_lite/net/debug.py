"""``debug_info``: the mean absolute value of everything that is computed, as log lines.

Source: ``ForwardDebugInfo`` and ``BackwardDebugInfo`` in Caffe's net.cpp.
"""

from __future__ import annotations

import logging
from math import sqrt
from typing import TYPE_CHECKING

from caffe_lite.blob import Array
from caffe_lite.kernels.arrays import sum_absolute, sum_squares

if TYPE_CHECKING:
    from caffe_lite.net.net import Net

log = logging.getLogger(__name__)


def log_forward(net: Net, i: int) -> None:
    """One line for each top and each parameter of layer ``i``."""
    layer = net.layers[i]
    for blob, name in zip(net.tops[i], net.top_names[i], strict=True):
        log.info("    [Forward] Layer %s, top blob %s data: %g", layer.name, name, _mean(blob.data))
    for user, j, name, _ in net.params.uses:
        if user is layer:
            log.info("    [Forward] Layer %s, param blob %s data: %g", layer.name, name, _mean(layer.blobs[j].data))


def log_backward(net: Net, i: int) -> None:
    """One line for each gradient that layer ``i`` has computed."""
    layer = net.layers[i]
    for blob, name, wanted in zip(net.bottoms[i], layer.param.bottom, net.propagate_down[i], strict=True):
        if wanted:
            log.info("    [Backward] Layer %s, bottom blob %s diff: %g", layer.name, name, _mean(blob.diff))
    for j, blob in enumerate(layer.blobs):
        if layer.param_propagate_down[j]:
            log.info("    [Backward] Layer %s, param blob %d diff: %g", layer.name, j, _mean(blob.diff))


def log_norms(net: Net) -> None:
    """One line with the L1 and L2 norms of all parameters and of all their gradients."""
    blobs = [param.blob for param in net.params.learnable]
    both = [[blob.data.reshape(-1) for blob in blobs], [blob.diff.reshape(-1) for blob in blobs]]
    l1 = [sum(map(sum_absolute, arrays)) for arrays in both]
    l2 = [sqrt(sum(map(sum_squares, arrays))) for arrays in both]
    log.error("    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)", *l1, *l2)


def _mean(array: Array) -> float:
    return float(sum_absolute(array.reshape(-1))) / max(1, array.size)
