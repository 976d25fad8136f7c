"""``time``: benchmark a model's execution time, layer by layer.

Source: ``time()`` in ``tools/caffe.cpp``; its timer counts whole microseconds and milliseconds.
"""

from __future__ import annotations

import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING

from caffe_lite.commands import Call
from caffe_lite.commands.caffe import FLAGS as FLAGS
from caffe_lite.commands.caffe import check_iterations, choose_device, no_arguments, stages
from caffe_lite.commands.limits import limited
from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.net import Net

log = logging.getLogger(__name__)

USAGE = "--model=FILE [--phase=TRAIN|TEST] [--iterations=50]"


@limited
def run(call: Call) -> int:
    """Run the net forward and backward and log how long each layer takes on average."""
    flags = call.flags
    no_arguments("time", call.args)
    if not flags.model:
        raise FlagError("Need a model definition to time. Give --model=FILE")
    if flags.phase not in ("", "TRAIN", "TEST"):
        raise FlagError(f'phase must be "TRAIN" or "TEST"; found --phase={flags.phase}')
    check_iterations(flags.iterations)
    choose_device(flags.gpu, flags.strict_gpu)

    from caffe_lite import schema
    from caffe_lite.net import Net

    phase = schema.TEST if flags.phase == "TEST" else schema.TRAIN
    net = Net.from_file(flags.model, phase, level=flags.level, stages=stages(flags.stage))
    try:
        log.info("Performing Forward")  # once untimed: memory is taken and kernels are compiled here
        log.info("Initial loss: %g", net.forward())
        log.info("Performing Backward")
        net.backward()
        _benchmark(net, flags.iterations, call)
    finally:
        net.close()
    return 0


def _benchmark(net: Net, iterations: int, call: Call) -> None:
    count = len(net.layers)
    forward, backward = [0] * count, [0] * count  # microseconds
    log.info("*** Benchmark begins ***")
    log.info("Testing for %d iterations.", iterations)
    begin = perf_counter_ns()
    forward_total = backward_total = 0
    with call.progress(iterations, "iter", "Timing") as bar:
        for j in range(iterations):
            start = perf_counter_ns()
            for i in range(count):
                layer_start = perf_counter_ns()
                net.forward_layer(i)
                forward[i] += _micros(layer_start)
            forward_total += _micros(start)
            middle = perf_counter_ns()
            for i in reversed(range(count)):
                layer_start = perf_counter_ns()
                net.backward_layer(i)
                backward[i] += _micros(layer_start)
            backward_total += _micros(middle)
            log.info("Iteration: %d forward-backward time: %g ms.", j + 1, _micros(start) // 1000)
            bar.update()
    log.info("Average time per layer: ")
    for i, name in enumerate(net.layer_names):
        log.info("%10s\tforward: %g ms.", name, forward[i] / 1000 / iterations)
        log.info("%10s\tbackward: %g ms.", name, backward[i] / 1000 / iterations)
    total = _micros(begin) // 1000
    log.info("Average Forward pass: %g ms.", forward_total / 1000 / iterations)
    log.info("Average Backward pass: %g ms.", backward_total / 1000 / iterations)
    log.info("Average Forward-Backward: %g ms.", total / iterations)
    log.info("Total Time: %g ms.", total)
    log.info("*** Benchmark ends ***")


def _micros(since: int) -> int:
    return (perf_counter_ns() - since) // 1000
