"""Training: the loop, the learning rate policies, and the update rules, one a file."""

from caffe_lite.solvers.rules import known_types
from caffe_lite.solvers.solver import Action, Solver, read_solver
from caffe_lite.solvers.watching import Watcher

__all__ = ["Action", "Solver", "Watcher", "known_types", "read_solver"]
