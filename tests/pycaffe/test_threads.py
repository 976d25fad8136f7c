"""Several nets in several threads compute, to the bit, what each computes alone."""

import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import caffe
import numpy as np
import pytest
from support.pycaffe import inputs, make_net, write_solver

from caffe_lite import parallel


@pytest.fixture(autouse=True)
def two_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "_threads", 2)
    monkeypatch.chdir(tmp_path)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def passes(seed):
    caffe.set_random_seed(seed)
    net, digest = caffe.Net("net.prototxt", caffe.TEST), sha256()
    for i in range(10):
        out = net.forward(**inputs(seed=seed + i))
        net.backward()
        digest.update(out["prob"])
        digest.update(net.params["conv"][0].diff)
    return digest.hexdigest()


def training(seed):
    solver = caffe.SGDSolver("solver.prototxt")
    caffe.set_random_seed(seed)
    for _ in range(10):
        solver.step(1)
    return sha256(np.ascontiguousarray(solver.net.params["ip"][0].data)).hexdigest()


@pytest.mark.parametrize("work", [passes, training])
def test_at_once(work):
    make_net()
    write_solver()
    alone = [work(seed) for seed in (1, 2, 3)]
    assert len(set(alone)) == 3
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, (1, 2, 3))) == alone


def test_one_net_from_another_thread():
    net = make_net(caffe.TEST)
    wanted = net.forward(**inputs())["prob"].copy()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(net.forward, **inputs()).result()["prob"]
    np.testing.assert_array_equal(found, wanted)
