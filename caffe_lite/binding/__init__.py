"""The compiled half of pycaffe: what Caffe's ``_caffe`` module exports, on this engine.

Caffe's own ``python/caffe`` runs on it, and so does ours: its ``_caffe.py`` is ``from caffe_lite.binding import *``,
its ``proto/caffe_pb2.py`` is ``from caffe_lite.binding.caffe_pb2 import *``. Importing it begins to log as Caffe does.

::

    net.py solver.py   thin over the engine's, numbered as Caffe numbers
    layer.py           the base of Python layers; what a net shows of its layers
    device.py          set_mode_gpu and the other switches
    logs.py            init_log and log, glog's lines on standard error
    caffe_pb2.py       the messages
    errors.py          what programs catch
"""

from caffe_lite.binding.device import (
    NCCL,
    has_nccl,
    layer_type_list,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from caffe_lite.binding.layer import Layer
from caffe_lite.binding.logs import init_log, log, start
from caffe_lite.binding.net import Net
from caffe_lite.binding.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    SolverParameter,
    get_solver,
)
from caffe_lite.binding.timer import Timer
from caffe_lite.binding.vectors import BoolVec, DtypeVec, IntVec, LayerVec, NetVec, RawBlobVec, StringVec
from caffe_lite.layers.blob_views import BlobView as Blob
from caffe_lite.layers.blob_views import BlobViews as BlobVec
from caffe_lite.schema import LayerParameter

__version__ = "1.0.0"
"""Of the Caffe whose interface this is."""

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "BlobVec",
    "BoolVec",
    "DtypeVec",
    "IntVec",
    "Layer",
    "LayerParameter",
    "LayerVec",
    "NesterovSolver",
    "Net",
    "NetVec",
    "RMSPropSolver",
    "RawBlobVec",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "StringVec",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]

start()
