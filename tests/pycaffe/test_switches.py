"""Device, seed, other processes, stopwatch: what is left of them on a CPU."""

import time

import caffe
import numpy as np
import pytest
from support.pycaffe import make_net

from caffe_lite.binding import device


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(device, "_count", 1)
    monkeypatch.setattr(device, "_rank", 0)


def test_a_gpu_is_answered_with_a_warning(caplog):
    caffe.set_mode_cpu()
    assert not caplog.records
    caffe.set_mode_gpu()
    caffe.set_device(3)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "set_device(3): there is no GPU" in caplog.text


def test_the_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = [make_net(seed=seed).params["ip"][0].data.copy() for seed in (4, 5, 4, np.int64(5))]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    np.testing.assert_array_equal(drawn[1], drawn[3])
    assert not np.array_equal(drawn[0], drawn[1])


def test_other_processes(caplog):
    assert (caffe.solver_count(), caffe.solver_rank(), caffe.has_nccl()) == (1, 0, False)
    caffe.set_solver_count(1)
    assert not caplog.records
    caffe.set_solver_count(2)
    caffe.set_solver_rank(1)
    caffe.set_multiprocess(True)
    assert (caffe.solver_count(), caffe.solver_rank()) == (2, 1)
    assert "trains for itself" in caplog.text
    assert caffe.NCCL(None, "uid")


def test_the_timer(caplog):
    timer = caffe.Timer()
    assert timer.ms == 0
    assert "never been run" in caplog.text
    timer.stop()
    timer.start()
    time.sleep(0.02)
    timer.start()  # goes on
    assert 20 <= timer.ms < 2000
    assert timer.ms == timer.ms  # stopped by the first look
    timer.start()
    timer.stop()
    assert timer.ms < 20
