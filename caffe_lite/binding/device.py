"""Caffe's switches for one process: device, seed, and who else trains.

caffe_lite computes on the CPU; asking for a GPU is answered with a warning, so that programs written for one run.
"""

from __future__ import annotations

import logging

from caffe_lite import rng
from caffe_lite.binding.vectors import StringVec
from caffe_lite.layers.registry import known_types

log = logging.getLogger(__name__)

_count, _rank = 1, 0


def set_mode_cpu() -> None:
    """Compute on the CPU, as always."""


def set_mode_gpu() -> None:
    """Compute on the CPU all the same, and warn."""
    log.warning("set_mode_gpu: there is no GPU for caffe_lite here; computing on the CPU")


def set_device(device: int) -> None:
    """Warn that there is no such GPU."""
    log.warning("set_device(%d): there is no GPU for caffe_lite here; computing on the CPU", device)


def set_random_seed(seed: int) -> None:
    """Start this thread's stream of random numbers anew."""
    rng.set_random_seed(int(seed))


def layer_type_list() -> StringVec:
    """The layer types that a prototxt may have, in alphabetical order."""
    return StringVec(known_types())


def solver_count() -> int:
    """How many processes train together, as ``set_solver_count`` was told."""
    return _count


def set_solver_count(count: int) -> None:
    """Keep the number; every process trains for itself."""
    global _count
    _count = int(count)
    if _count > 1:
        log.warning("set_solver_count(%d): caffe_lite trains in one process; this one trains for itself", _count)


def solver_rank() -> int:
    """Which of the processes this is, as ``set_solver_rank`` was told."""
    return _rank


def set_solver_rank(rank: int) -> None:
    """Keep the number."""
    global _rank
    _rank = int(rank)


def set_multiprocess(on: bool) -> None:
    """Nothing: it is about how Caffe's GPU trainings talk to each other."""


def has_nccl() -> bool:
    """No: NCCL connects GPUs."""
    return False


class NCCL:
    """The name alone, as in a Caffe without NCCL."""

    def __init__(self, solver: object, uid: str) -> None:
        """Takes what a Caffe with NCCL takes."""
