"""Nets and solvers from files, in the current form whatever the file's."""

from __future__ import annotations

import os

from caffe_lite.schema import NetParameter, SolverParameter, read_binary, read_text
from caffe_lite.upgrade.net import upgrade_net
from caffe_lite.upgrade.snapshot_prefix import upgrade_snapshot_prefix
from caffe_lite.upgrade.solver_type import upgrade_solver


def read_net(path: str | os.PathLike[str]) -> NetParameter:
    """The net in a prototxt file.

    Raises:
        SchemaError: the file cannot be read, parsed or upgraded.
    """
    return upgrade_net(read_text(path, NetParameter), os.fspath(path))


def read_net_binary(path: str | os.PathLike[str]) -> NetParameter:
    """The net in a binary file, such as a ``.caffemodel``.

    Raises:
        SchemaError: the file cannot be read, parsed or upgraded.
    """
    return upgrade_net(read_binary(path, NetParameter), os.fspath(path))


def read_solver(path: str | os.PathLike[str]) -> SolverParameter:
    """The solver in a prototxt file, with its snapshot_prefix filled in.

    Raises:
        SchemaError: the file cannot be read, parsed or upgraded.
    """
    name = os.fspath(path)
    return upgrade_snapshot_prefix(upgrade_solver(read_text(path, SolverParameter), name), name)
