"""N ranks of a batch of B are one process with a batch of N times B."""

import numpy as np
import pytest
from support.ranks import needs_mpi, train_on, trained
from support.small_training import write_net, write_solver

from caffe_lite.distributed.reducer import stored_statistics
from caffe_lite.errors import ParameterError
from caffe_lite.share import Share, within
from caffe_lite.solvers import known_types, read_solver
from caffe_lite.solvers.nets import divide_batches
from caffe_lite.upgrade import read_net
from tools.ranks.equality import difference
from tools.ranks.run import losses_of

MORE = {"SGD": {"momentum": 0.9, "weight_decay": 0.001, "iter_size": 2, "clip_gradients": 1.5},
        "Nesterov": {"momentum": 0.9, "base_lr": 0.01}, "AdaDelta": {"momentum": 0.95, "delta": 1e-6, "base_lr": 1},
        "Adam": {"momentum": 0.9, "base_lr": 0.01}, "RMSProp": {"rms_decay": 0.9, "base_lr": 0.01}}


@needs_mpi
@pytest.mark.parametrize(("ranks", "rules"), [(2, known_types()), (3, ["SGD"])])
def test_losses_are_those_of_one_process(ranks, rules):
    for rule in rules:
        write_solver(f"{rule}.prototxt", type=f'"{rule}"', **MORE.get(rule, {}))
    write_net(4)
    together = train_on(ranks, *[f"{rule}.prototxt" for rule in rules])
    write_net(4 * ranks)
    for rule, found in zip(rules, together, strict=True):
        assert len(found["weights"]) == ranks
        assert len(set(found["weights"])) == 1, f"{rule}: the ranks' weights differ"
        assert len(set(found["draws"])) == ranks
        losses = found["losses"]
        assert len(losses) == 50
        assert losses[-1] < 0.8 * losses[0]
        assert difference(losses, losses_of(read_solver(f"{rule}.prototxt"))) < 1e-5, rule


@needs_mpi
def test_statistics_that_are_averaged():
    """A rate of 0 leaves the weights as they are, so that what each rank would store can be found alone."""
    write_net(4, layers='layer { name: "norm" type: "BatchNorm" bottom: "c" top: "c" }')
    write_solver(base_lr=0, max_iter=5, iter_size=2)
    [found] = train_on(3, "solver.prototxt", flags=["--average_batch_norm"])
    first, *others = found["stored"]
    assert others == [first, first]
    own = []
    for rank in range(3):
        with within(Share(rank, 3)):
            solver = read_solver("solver.prototxt")
        losses_of(solver)
        own.append([blob.data for blob in stored_statistics(solver.net)])
    for mean, each in zip(first, zip(*own, strict=True), strict=True):
        np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    assert not np.allclose(own[0][1], own[1][1], rtol=1e-2)


@needs_mpi
def test_batches_that_are_divided(tmp_path):
    """``--keep_batch``; and a shuffled HDF5 file, of two epochs and more, whose order is the same on all ranks."""
    h5py = pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    numbers = np.random.default_rng(3)
    with h5py.File("rows.h5", "w") as file:
        file["x"] = numbers.normal(size=(31, 2, 4, 5)).astype(np.float32)
        file["t"] = numbers.integers(0, 10, 31).astype(np.float32)
    (tmp_path / "rows.txt").write_text("rows.h5\n")
    write_net(6)
    text = (tmp_path / "net.prototxt").read_text()
    begin, end = text.index('layer { name: "data"'), text.index('layer { name: "conv"')
    data = ('layer { name: "data" type: "HDF5Data" top: "x" top: "t" hdf5_data_param { source: "rows.txt" batch_size: 6 '
            "shuffle: true } }\n")
    (tmp_path / "net.prototxt").write_text(text[:begin] + data + text[end:])
    write_solver(display=1, max_iter=20)
    log = trained("--keep_batch", ranks=3)
    assert "Layer 'data': 3 ranks times a batch of 2: an effective batch of 6" in log
    shown = [float(line.partition(", loss = ")[2]) for line in log.splitlines() if " iters), loss = " in line]
    np.testing.assert_allclose(shown, losses_of(read_solver("solver.prototxt")), rtol=2e-5)  # of 6 digits


def test_a_batch_that_cannot_be_divided():
    write_net(9)
    net = read_net("net.prototxt")
    assert divide_batches(net, 3).layer[0].data_param.batch_size == 3
    with pytest.raises(ParameterError, match=r"layer 'data': a batch_size of 9 cannot be divided among 2 ranks"):
        divide_batches(net, 2)


