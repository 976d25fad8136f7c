"""Older forms of nets and solvers, brought to the current one.

Every step is a pure function from message to message that leaves its input as it was::

    V0 (2013)  layers { layer { type: "conv" ... } }     padding, v0
    V1 (2014)  layers { type: CONVOLUTION ... }          v1
    transformations written inside data_param            transform
    input, input_dim, input_shape                        inputs
    BatchNorm with three param                           batch_norm
    solver_type                                          solver_type
    snapshot_prefix left out                             snapshot_prefix

Source: Caffe's util/upgrade_proto.cpp, whose log lines these are too.
"""

from __future__ import annotations

from caffe_lite.upgrade.net import needs_upgrade, upgrade_net
from caffe_lite.upgrade.paths import read_net, read_net_binary, read_solver
from caffe_lite.upgrade.solver_type import upgrade_solver

__all__ = ["needs_upgrade", "read_net", "read_net_binary", "read_solver", "upgrade_net", "upgrade_solver"]
