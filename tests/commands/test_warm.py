"""Kernels compiled ahead, as a user would: with the installed command and a cache of its own."""

import logging
import os
import subprocess
import sys

import pytest

from caffe_lite.commands import call_for, warm
from caffe_lite.errors import CaffeError, FlagError
from caffe_lite.kernels.vector import COMPILED

NET = """
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 3 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "loss" }
"""


def run(folder, *words):
    command = [sys.executable, "-m", "caffe_lite", *words]
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(not COMPILED, reason="numba is told not to compile")
def test_the_second_time_nothing_is_left_to_compile(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 9 snapshot: 1 snapshot_prefix: "no/where"')
    first = run(tmp_path, "warm", "--solver=solver.prototxt")
    assert first.returncode == 0, first.stderr
    assert "] Compiling " in first.stderr
    second = run(tmp_path, "warm", "--model=net.prototxt")
    assert second.returncode == 0, second.stderr
    assert "Compiling" not in second.stderr
    assert f"Compiled 0 kernels; all that net.prototxt needs lies in {tmp_path / 'cache'}" in second.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "net.prototxt", "solver.prototxt"]


def test_the_data_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "d" type: "Data" top: "d" top: "l" data_param { source: "gone" batch_size: 2 } }')
    with pytest.raises(CaffeError, match="gone"):
        warm.run(call_for(warm.FLAGS, model="net.prototxt"))


@pytest.mark.parametrize("flags", [{}, {"solver": "s", "model": "m"}])
def test_one_file_is_needed(flags):
    with pytest.raises(FlagError, match="only one of them"):
        warm.run(call_for(warm.FLAGS, **flags))


def test_a_net_with_nothing_in_it(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text('name: "empty"')
    with pytest.raises(CaffeError, match="nothing to run in phase TRAIN"):
        warm.run(call_for(warm.FLAGS, model=str(path)))


def test_it_is_logged_once_for_what_is_called(caplog):
    from caffe_lite import kernels

    caplog.set_level(logging.INFO, "caffe_lite.kernels")
    listener = kernels._Compilations()

    class Event:
        def __init__(self, function):
            self.data = {"dispatcher": type("D", (), {"py_func": staticmethod(function)})}

    def inner():
        pass

    inner.__module__ = "caffe_lite.kernels.relu"
    listener.on_start(Event(inner))
    listener.on_start(Event(inner))
    listener.on_end(None)
    listener.on_end(None)
    assert listener.count == 1
    assert [r.getMessage() for r in caplog.records] == ["Compiling relu.inner; later runs find it compiled"]
