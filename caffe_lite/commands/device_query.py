"""``device_query``: show what a model would be computed on.

Source: ``device_query()`` in ``tools/caffe.cpp``; where that shows GPUs, this shows the CPU.
"""

from __future__ import annotations

import logging

from caffe_lite.commands import Call
from caffe_lite.commands.caffe import FLAGS as FLAGS
from caffe_lite.commands.caffe import no_arguments
from caffe_lite.errors import DeviceError

log = logging.getLogger(__name__)

USAGE = "[--gpu=0,...|all]"


def run(call: Call) -> int:
    """Log the CPU and how many threads compute; asked for a GPU, raise as a Caffe without one does."""
    no_arguments("device_query", call.args)
    gpu = call.flags.gpu
    log.info("Querying GPUs %s", gpu)
    if gpu:
        raise DeviceError(
            f"Cannot use GPU in CPU-only Caffe: check mode. (--gpu={gpu}: caffe_lite computes on the CPU)"
        )

    from llvmlite.binding import get_host_cpu_name

    from caffe_lite.parallel import threads

    log.info("CPU: %s, %d threads", get_host_cpu_name(), threads())
    return 0
