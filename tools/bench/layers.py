"""Where the time of a training iteration goes: ``python -m tools.bench.layers [NET] [--batch N] [--threads N]``.

Prints, for this project alone, each layer's time forward and backward, the least of several runs, and the rate of its
arithmetic, so that one sees what to make faster next.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.parallel import set_threads
from tools.bench.contestants.runner import times_of
from tools.bench.nets import NETS
from tools.bench.operations import layer_operations
from tools.bench.weights import BATCH, SEED, draw_weights, fill_inputs

REPEAT = 20
LINE = "{:34s} {:>12s} {:>8s} {:>12s} {:>8s}\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.layers", description="times the layers of a net")
    parser.add_argument("net", nargs="?", default="siamese", choices=sorted(NETS))
    parser.add_argument("--batch", type=int, help="images, or pairs; by default the most that the benchmark has")
    parser.add_argument("--threads", type=int, help="by default one a core")
    options = parser.parse_args(argv)
    if options.threads:
        set_threads(options.threads)
    timed = NETS[options.net]
    param = timed.make(options.batch or timed.batches[-1], True)
    param.state.phase = schema.TRAIN
    net = Net(param)
    net.copy_trained_from(draw_weights(timed.make(BATCH, True)))
    fill_inputs(net, np.random.default_rng(SEED))
    net.forward()
    net.backward()
    sys.stdout.write(LINE.format("layer", "forward", "GFLOP/s", "backward", "GFLOP/s"))
    total = np.zeros(2)
    for i, name in enumerate(net.layer_names):
        forward = _least(lambda i=i: net.forward_layer(i))  # type: ignore[misc]
        backward = _least(lambda i=i: net.backward_layer(i)) if net.need_backward[i] else 0.0  # type: ignore[misc]
        work = layer_operations(net, i, backward=False)
        back = layer_operations(net, i, backward=True) - work
        sys.stdout.write(LINE.format(name[:34], _ms(forward), _rate(work, forward), _ms(backward),
                                     _rate(back, backward)))
        total += forward, backward
    sys.stdout.write(LINE.format("all", _ms(total[0]), "", _ms(total[1]), ""))
    return 0


def _least(run: Callable[[], Any]) -> float:
    return min(times_of(run, REPEAT))


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3f} ms"


def _rate(work: int, seconds: float) -> str:
    return f"{work / seconds / 1e9:.0f}" if work and seconds else ""


if __name__ == "__main__":
    sys.exit(main())
