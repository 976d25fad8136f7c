"""``test``: score a model.

Source: ``test()`` in ``tools/caffe.cpp``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from caffe_lite.commands import Call
from caffe_lite.commands.caffe import FLAGS as FLAGS
from caffe_lite.commands.caffe import check_iterations, choose_device, no_arguments, stages
from caffe_lite.commands.limits import limited
from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.blob import Array
    from caffe_lite.net import Net

log = logging.getLogger(__name__)

USAGE = "--model=FILE --weights=FILE,... [--iterations=50]"


@limited
def run(call: Call) -> int:
    """Run the net in its TEST phase and log every output's value, for each batch and on average."""
    flags = call.flags
    no_arguments("test", call.args)
    if not flags.model:
        raise FlagError("Need a model definition to score. Give --model=FILE")
    if not flags.weights:
        raise FlagError("Need model weights to score. Give --weights=FILE")
    check_iterations(flags.iterations)
    choose_device(flags.gpu, flags.strict_gpu)

    from caffe_lite import schema
    from caffe_lite.net import Net

    net = Net.from_file(flags.model, schema.TEST, level=flags.level, stages=stages(flags.stage))
    try:
        for path in flags.weights.split(","):
            net.copy_trained_from(path.strip())
        log.info("Running for %d iterations.", flags.iterations)
        _score(net, flags.iterations, call)
    finally:
        net.close()
    return 0


def _score(net: Net, iterations: int, call: Call) -> None:
    import numpy as np

    loss = np.float32(0)
    sums: dict[str, Array] = {}
    with call.progress(iterations, "iter", "Testing") as bar:
        for i in range(iterations):
            loss += np.float32(net.forward())
            for name in net.outputs:
                scores = net.blobs[name].data.ravel()
                sums[name] = sums[name] + scores if name in sums else scores.copy()
                for score in scores:
                    log.info("Batch %d, %s = %g", i, name, score)
            bar.update()
    log.info("Loss: %g", loss / np.float32(iterations))
    for name, total in sums.items():
        weight = np.float32(net.loss_weights.get(name, 0))
        for mean in total / np.float32(iterations):
            part = f" (* {weight:g} = {weight * mean:g} loss)" if weight else ""
            log.info("%s = %g%s", name, mean, part)
