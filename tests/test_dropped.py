"""What numpy and scikit-image have dropped, given back; in a process of its own, as it changes them."""

from __future__ import annotations

import subprocess
import sys

STAND_IN = '''
import sys, types

def imread(fname, as_gray=False, **more):
    return fname, as_gray, more

def resize(image, shape, order=None, anti_aliasing=None):
    return image, shape, order, anti_aliasing

sys.modules["skimage"] = types.ModuleType("skimage")
for name, function in (("io", imread), ("transform", resize)):
    module = sys.modules["skimage." + name] = types.ModuleType("skimage." + name)
    setattr(module, function.__name__, function)
    setattr(sys.modules["skimage"], name, module)

class Dot:
    def to_string(self):
        return "digraph { a -> b }"

    def create(self, prog=None, format="ps"):
        return f"{prog} {format}".encode()

sys.modules["pydot"] = types.ModuleType("pydot")
sys.modules["pydot"].Dot = Dot
'''


PROGRAM = '''
import numpy as np
import os, pydot, skimage.io, skimage.transform

assert pydot.Dot().create("neato") == b"neato ps"
os.environ["PATH"] = ""
assert pydot.Dot().create(format="png").startswith(b"\\x89PNG")
assert np.fromstring(b"\\x01\\xff", dtype=np.uint8).tolist() == [1, 255]
assert np.fromstring("\\x01\\xff", np.uint8, 1).tolist() == [1]
assert np.fromstring(b"\\x01", np.uint8).flags.writeable
assert np.fromstring("1, 2", sep=",").tolist() == [1, 2]
assert np.arange(4, dtype=np.uint8).reshape(2, 2).tostring("F") == b"\\x00\\x02\\x01\\x03"
assert (np.float(3), np.int("4"), np.object, np.float_) == (3.0, 4, object, np.float64)
assert np.zeros(2, np.bool).dtype == bool
assert (np.Inf, -np.NINF, np.PINF) == (np.inf,) * 3
assert np.NaN != np.NaN
assert np.asscalar(np.array([5])) == 5
assert (np.product([2, 3]), np.alltrue([1, 0]), np.sometrue([1, 0])) == (6, False, True)
assert np.in1d([[1], [2]], [2]).tolist() == [False, True]
assert np.row_stack([[1, 2], [3, 4]]).shape == (2, 2)
assert skimage.io.imread("f", as_grey=True) == ("f", True, {})
assert skimage.io.imread("f", plugin="x") == ("f", False, {"plugin": "x"})
assert skimage.transform.resize(1, (2, 3), order=1) == (1, (2, 3), 1, False)
assert skimage.transform.resize(1, (2, 3), anti_aliasing=True) == (1, (2, 3), None, True)
'''


def test_old_programs_find_what_they_knew() -> None:
    source = STAND_IN + "from caffe_lite import dropped\ndropped.supply()\ndropped.supply()\n" + PROGRAM
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_without_it_they_do_not() -> None:
    done = subprocess.run([sys.executable, "-c", STAND_IN + PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
