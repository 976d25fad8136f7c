"""Small trainings that are stopped and resumed, in the working folder."""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path

from support.databases import digit_records, digits, make_database

from caffe_lite import schema
from caffe_lite.solvers import Action, Solver

SOLVER = ('base_lr: 0.1 lr_policy: "fixed" max_iter: 9 random_seed: 3 snapshot_prefix: "snap" net: "net.prototxt" display: 1 '
          "average_loss: 4 test_iter: 3 test_interval: 4 ")
TOP = """
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" loss_param { normalization: NONE } }
"""
PYTHON_LAYER = """
import random
import numpy as np
import caffe

class Numbers(caffe.Layer):
    def setup(self, bottom, top):
        self.at = 0
    def reshape(self, bottom, top):
        top[0].reshape(2, 4)
        top[1].reshape(2)
    def forward(self, bottom, top):
        self.at += 1
        top[0].data[...] = np.random.randn(2, 4) + self.at / 8
        top[1].data[...] = random.randrange(3)
    def backward(self, top, propagate_down, bottom):
        pass
"""
KEEPS = """
    def resume_state(self):
        return {"at": self.at}
    def resume_from(self, state):
        self.at = state["at"]
"""


def make(more="", **fields):
    """The solver of ``net.prototxt``, with these fields."""
    param = schema.parse_text(SOLVER, schema.SolverParameter)
    param.MergeFrom(schema.parse_text(more, schema.SolverParameter))
    for name, value in fields.items():
        setattr(param, name, value)
    return Solver(param, named_by="solver.prototxt")


def net_of(data, top=TOP):
    """Write ``net.prototxt``: layers that make ``x`` and ``t``, and what learns from these."""
    Path("net.prototxt").write_text(f'name: "tiny" {data} {top}')


def database_net(more="", transform="mirror: true crop_size: 3 scale: 0.01", top=TOP, backend="lmdb"):
    """Write the net with a database of seven images, and that."""
    make_database("db", digit_records(digits(7, 2, 4, 5), [i % 3 for i in range(7)]), backend)
    net_of(f'layer {{ name: "data" type: "Data" top: "x" top: "t" transform_param {{ {transform} }} '
           f'data_param {{ source: "db" batch_size: 2 backend: {backend.upper()} {more} }} }}', top)


def python_net(monkeypatch, tmp_path, name, keeps=KEEPS):
    """Write the net with data of a Python layer, in a module of this name, which no other test has."""
    importlib.import_module("caffe")  # its layers import it, which sends the log to standard error only
    logging.getLogger("caffe_lite").propagate = True
    Path(f"{name}.py").write_text(PYTHON_LAYER + keeps)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    net_of(f'layer {{ name: "data" type: "Python" top: "x" top: "t" python_param {{ module: "{name}" layer: "Numbers" }} }}')


def stop_at(solver, iteration):
    """Have a training stop after so many iterations, with a snapshot."""
    solver.action = lambda: Action.STOP if solver.iter == iteration and not solver.stopped else Action.NONE


def stopped_at(iteration, more="", prepare=lambda solver: None):
    """Train so far; returns the state's file."""
    solver = make(more)
    prepare(solver)
    stop_at(solver, iteration)
    solver.solve()
    solver.close()
    return f"snap_iter_{iteration}.solverstate"


def warnings(caplog):
    """What the log warns of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
