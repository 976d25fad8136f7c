"""A training that is stopped and resumed is, bit for bit, the one that was never stopped."""

import logging
import random
import re
from pathlib import Path

import numpy as np
import pytest
from support.databases import digit_records, digits, make_database
from support.images import pictures, write_images
from support.resuming import TOP, database_net, make, net_of, python_net, stop_at, stopped_at, warnings
from support.runs import write_run

from caffe_lite import schema
from caffe_lite.errors import DataError
from caffe_lite.limits import Limits, within
from caffe_lite.solvers import Action, known_types


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def bits(solver):
    """Weights, BatchNorm's statistics among them, and histories."""
    arrays = [blob.data for layer in solver.net.layers for blob in layer.blobs] + list(solver.rule.history)
    return [array.tobytes() for array in arrays]


def lines(caplog):
    """What the log says of losses and rates, without times."""
    found = [re.sub(r" \(\S+ iter/s.*?\)", "", record.getMessage()) for record in caplog.records]
    caplog.clear()
    return [line for line in found if re.match("Iteration|    T(rain|est) net", line)]


def check(caplog, more="", stop=5, prepare=lambda solver: None, **fields):
    """Compare a training with one that is stopped after ``stop`` iterations and resumed by another solver."""
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    found = []
    for run in ("straight", "stopped", "resumed"):
        changes = {"random_seed": 8} if run == "resumed" else {}
        solver = make(more, **fields, **changes)
        prepare(solver)
        if run == "stopped":
            stop_at(solver, stop)
        caplog.clear()
        solver.solve(f"snap_iter_{stop}.solverstate" if run == "resumed" else None)
        assert warnings(caplog) == []
        found.append((bits(solver), lines(caplog)))
        solver.close()
    (expected, log), (_, before), (result, after) = found
    assert before + after == log
    assert len(log) > 20
    assert result == expected


@pytest.mark.parametrize("kind", known_types())
def test_every_solver(kind, caplog):
    database_net()
    more = "" if kind in ("AdaGrad", "RMSProp") else "momentum: 0.9 "
    check(caplog, f'type: "{kind}" {more} weight_decay: 0.01 lr_policy: "multistep" gamma: 0.3 stepvalue: 2 stepvalue: 3 '
          "stepvalue: 7 iter_size: 3")


@pytest.mark.parametrize("stop", [1, 3, 4, 8])
def test_every_moment(stop, caplog):
    database_net()
    check(caplog, "clip_gradients: 0.1", stop)


@pytest.mark.parametrize("backend", ["leveldb", "lmdb"])
def test_databases(backend, caplog):
    database_net("rand_skip: 5 prefetch: 1", backend=backend)
    check(caplog)


def test_siamese(tmp_path, caplog):
    write_run(tmp_path, "siamese")
    text = Path("solver.prototxt").read_text()
    param = schema.parse_text(text, schema.SolverParameter)
    Path("net.prototxt").write_text(re.sub(r"batch_size: \d+", "batch_size: 12", Path(param.net).read_text()))
    check(caplog, max_iter=7, stop=3)


@pytest.mark.parametrize("shuffle", ["shuffle: true rand_skip: 4", ""])
def test_image_data(shuffle, tmp_path, caplog):
    write_images(tmp_path, pictures(*[(3, 5, 6)] * 7))
    Path("list.txt").write_text("".join(f"{i}.png {i % 3}\n" for i in range(7)))
    net_of('layer { name: "data" type: "ImageData" top: "x" top: "t" transform_param { mirror: true crop_size: 4 scale: 0.01 '
           f'}} image_data_param {{ source: "list.txt" batch_size: 3 {shuffle} }} }}')
    check(caplog)


@pytest.mark.parametrize("names", [("a.h5",), ("a.h5", "b.h5", "c.h5")])
@pytest.mark.parametrize("shuffle", ["shuffle: true", ""])
def test_hdf5_data(names, shuffle, caplog):
    h5py = pytest.importorskip("h5py", reason="h5py, which reads HDF5, is not installed")
    gen = np.random.default_rng(0)
    for i, name in enumerate(names):
        with h5py.File(name, "w") as file:
            file["x"], file["t"] = gen.normal(size=(4 + i, 3)), np.arange(4 + i) % 3
    Path("list.txt").write_text("\n".join(names))
    net_of('layer { name: "data" type: "HDF5Data" top: "x" top: "t" '
           f'hdf5_data_param {{ source: "list.txt" batch_size: 2 {shuffle} }} }}')
    check(caplog)


def test_window_data(tmp_path, caplog):
    write_images(tmp_path, pictures((3, 9, 8), (3, 7, 9)))
    rows = ["1 0.9 0 0 5 6", "2 0.8 1 2 4 5", "0 0.1 2 2 6 6", "1 0.2 0 1 3 4"]
    Path("windows.txt").write_text("".join(f"# {i}\n{i}.png\n3\n9\n8\n4\n" + "\n".join(rows) + "\n" for i in range(2)))
    net_of('layer { name: "data" type: "WindowData" top: "x" top: "t" transform_param { crop_size: 4 mirror: true scale: 0.01 } '
           'window_data_param { source: "windows.txt" batch_size: 3 fg_fraction: 0.4 } }')
    check(caplog)


def test_annotated_data(caplog):
    records = []
    for i, image in enumerate(digits(5, 3, 8, 9)):
        message = schema.AnnotatedDatum()
        message.datum.channels, message.datum.height, message.datum.width = image.shape
        message.datum.data, message.datum.label = image.tobytes(), i % 3
        records.append((b"%d" % i, message.SerializeToString()))
    make_database("db", records)
    net_of('layer { name: "data" type: "AnnotatedData" top: "x" top: "t" data_param { source: "db" batch_size: 2 backend: LMDB } '
           "transform_param { mirror: true scale: 0.01 crop_size: 6 distort_param { brightness_prob: 0.5 brightness_delta: 9 } } }")
    check(caplog)


def test_dummy_data(caplog):
    net_of('layer { name: "data" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 4 dim: 5 } shape { dim: 4 } '
           'data_filler { type: "gaussian" } data_filler { type: "constant" value: 2 } } }')
    check(caplog)


def test_recurrent(caplog):
    make_database("db", digit_records(digits(7, 4, 2, 3), [i % 3 for i in range(7)]))
    net_of('layer { name: "data" type: "Data" top: "x" top: "t" transform_param { scale: 0.01 } '
           'data_param { source: "db" batch_size: 2 backend: LMDB } } '
           'layer { name: "cont" type: "DummyData" top: "cont" dummy_data_param { shape { dim: 2 dim: 4 } '
           'data_filler { type: "constant" value: 1 } } } '
           'layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 5 '
           'weight_filler { type: "uniform" min: -0.3 max: 0.3 } } } ', TOP.replace('bottom: "x"', 'bottom: "h"'))
    check(caplog)


def test_memory_data(caplog):
    net_of('layer { name: "data" type: "MemoryData" top: "x" top: "t" memory_data_param { batch_size: 2 channels: 3 height: 1 '
           'width: 2 } }')
    gen = np.random.default_rng(0)
    data, labels = gen.normal(size=(10, 3, 1, 2)), np.arange(10) % 3

    def give(solver):
        for net in (solver.net, *solver.test_nets):
            net.layers[0].reset(data, labels)

    check(caplog, prepare=give)


def test_batch_norm_and_weights_of_the_test_net(caplog):
    """A layer that only the test net has keeps its own weights, which are in no file of weights."""
    database_net(top='layer { name: "bn" type: "BatchNorm" bottom: "x" top: "x" } ' + TOP + """
        layer { name: "more" type: "InnerProduct" bottom: "y" top: "z" include { phase: TEST }
                inner_product_param { num_output: 2 weight_filler { type: "gaussian" } } }""")
    check(caplog)


def seed(solver):
    random.seed(1)
    np.random.seed(1)


def test_python_layers(monkeypatch, tmp_path, caplog):
    python_net(monkeypatch, tmp_path, "numbers_that_are_kept")
    check(caplog, prepare=seed)


def test_a_python_layer_that_keeps_its_place_to_itself(monkeypatch, tmp_path, caplog):
    python_net(monkeypatch, tmp_path, "numbers_to_itself", keeps="")
    make(max_iter=3).solve()
    make().solve("snap_iter_3.solverstate")
    assert [line for line in warnings(caplog) if "keeps its place to itself" in line]


def test_hdf5_snapshots(caplog):
    pytest.importorskip("h5py", reason="h5py, which writes HDF5, is not installed")
    database_net()
    make("snapshot_format: HDF5").solve()
    straight = Path("snap_iter_9.solverstate.h5").exists()
    assert straight
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    expected = make("snapshot_format: HDF5")
    expected.solve()
    stopped = make("snapshot_format: HDF5")
    stop_at(stopped, 4)
    stopped.solve()
    resumed = make("snapshot_format: HDF5 random_seed: 8")
    resumed.solve("snap_iter_4.solverstate.h5")
    assert bits(resumed) == bits(expected)


def test_a_snapshot_in_the_middle_of_a_test(caplog):
    """It is of before the test, which is then made whole."""
    database_net()
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    straight = make()
    straight.solve()
    log = lines(caplog)
    solver = make()
    asked = []

    def action():
        if solver.iter == 4 and solver._standing:
            asked.append(solver.iter)
            return {2: Action.SNAPSHOT, 4: Action.STOP}.get(len(asked), Action.NONE)
        return Action.NONE

    solver.action = action
    solver.solve()
    assert "Test interrupted." in [record.getMessage() for record in caplog.records]
    caplog.clear()
    resumed = make(random_seed=8)
    resumed.solve("snap_iter_4.solverstate")
    assert bits(resumed) == bits(straight)
    assert lines(caplog) == log[log.index("Iteration 4, Testing net (#0)"):]


def test_after_the_end_it_goes_on(caplog):
    """The closing test and loss are no part of the training: with a larger max_iter they have not been."""
    database_net()
    straight = make(max_iter=9)
    straight.solve()
    make(max_iter=4).solve()
    resumed = make(random_seed=8)
    resumed.solve("snap_iter_4.solverstate")
    assert bits(resumed) == bits(straight)


def test_the_mean_loss_of_a_program_that_steps(caplog):
    """Between two calls of step there is no mean loss to go on with."""
    database_net()
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    solver = make()
    solver.step(3)
    state = solver.snapshot()
    caplog.clear()
    solver.step(3)
    log = lines(caplog)
    other = make()
    other.restore(state)
    caplog.clear()
    other.step(3)
    assert lines(caplog) == log


def test_restored_in_the_middle(caplog):
    """What was read ahead is forgotten."""
    database_net()
    solver = make()
    solver.step(2)
    state = solver.snapshot()
    solver.step(3)
    expected = bits(solver)
    solver.restore(state)
    solver.step(3)
    assert bits(solver) == expected


def resumed_as_caffe_does(state, caplog):
    """Resume, and check that it is as if there were no ``.resume`` file; returns the log."""
    found = []
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    for _ in range(2):
        solver = make()
        caplog.clear()
        solver.restore(state)
        log = [record.getMessage() for record in caplog.records]
        solver.step(3)
        found.append((bits(solver), log))
        solver.close()
        Path(state.replace("solverstate", "resume")).unlink(missing_ok=True)
    assert found[0][0] == found[1][0]
    assert [line for line in found[1][1] if "as in Caffe, data begin anew" in line]
    return found[0][1]


def test_a_stale_file_is_refused(caplog):
    database_net()
    state = stopped_at(4)
    other = make("weight_decay: 0.5")
    other.step(4)
    other.snapshot()
    Path("snap_iter_4.resume").write_bytes(Path("snap_iter_4.resume").read_bytes())
    kept = Path("snap_iter_4.resume").read_bytes()
    stopped_at(4)
    Path("snap_iter_4.resume").write_bytes(kept)
    [line] = [line for line in resumed_as_caffe_does(state, caplog) if "is not used" in line]
    assert line.startswith("snap_iter_4.resume is not used: snap_iter_4.caffemodel is not the file that it was written with")


@pytest.mark.parametrize("change", [lambda data: data[:-20], lambda data: data.replace(b'"iter":4', b'"iter":5'), lambda data: b"[" * 99999,
                                    lambda data: data.replace(b"resume", b"resumE"), lambda data: b"", lambda data: b"[1]"])
def test_a_broken_file_is_refused(change, caplog):
    database_net()
    state = stopped_at(4)
    path = Path("snap_iter_4.resume")
    path.write_bytes(change(path.read_bytes()))
    assert [line for line in resumed_as_caffe_does(state, caplog) if line.startswith("snap_iter_4.resume is not used")]


def test_another_database(caplog):
    """Its data begin anew; random numbers go on."""
    database_net()
    state = stopped_at(4)
    make_database("db2", digit_records(digits(7, 2, 4, 5, seed=9), [0] * 7))
    Path("net.prototxt").write_text(Path("net.prototxt").read_text().replace('"db"', '"db2"'))
    solver = make()
    solver.restore(state)
    found = warnings(caplog)
    assert [line.partition(":")[0] for line in found] == [
        f"Layer 'data' (Data) of {net}" for net in ("the train net", "test net #0")]
    assert "db2 has changed: there is no record of key b'00000001' any more, or another one" in found[0]
    solver.step(1)
    np.testing.assert_array_equal(solver.net.blobs["t"].data, [0, 0])


def test_another_net(caplog):
    database_net()
    state = stopped_at(4)
    text = Path("net.prototxt").read_text()
    Path("net.prototxt").write_text(text.replace('name: "data"', 'name: "digits"').replace("crop_size: 3", "crop_size: 3"))
    make(test_interval=5).restore(state)
    found = "\n".join(warnings(caplog))
    assert "Layer 'digits' (Data) of the train net: layer" in found or "Layer 'digits' (Data) of the train net: nothing was kept" in found
    assert "There is no layer 'data' in the train net any more" in found


def test_another_mean(caplog):
    database_net()
    state = stopped_at(4)
    solver = make("average_loss: 2")
    solver.restore(state)
    assert "average_loss is 2 now" in warnings(caplog)[0]


def bad_records(*bad):
    """A net over seven records, of which these cannot be read."""
    database_net(transform="scale: 0.01")
    records = digit_records(digits(7, 2, 4, 5), [i % 3 for i in range(7)])
    make_database("broken", [(key, b"no datum" if i in bad else value) for i, (key, value) in enumerate(records)])
    Path("net.prototxt").write_text(Path("net.prototxt").read_text().replace('"db"', '"broken"'))


def skipped(caplog):
    """What is told of bad records, one at a time and in all."""
    found = [line for line in warnings(caplog) if "skipped" in line]
    caplog.clear()
    return [line for line in found if "time(s)" not in line], [line for line in found if "time(s)" in line]


def hdf5_files(*bad):
    h5py = pytest.importorskip("h5py", reason="h5py, which reads HDF5, is not installed")
    for i in range(4):
        with h5py.File(f"{i}.h5", "w") as file:
            file["x"], file["t"] = np.arange(9).reshape(3, 3) / (i + 8), np.arange(3)
        if i in bad:
            Path(f"{i}.h5").write_bytes(b"no HDF5")
    Path("list.txt").write_text("".join(f"{i}.h5\n" for i in range(4)))
    net_of('layer { name: "data" type: "HDF5Data" top: "x" top: "t" hdf5_data_param { source: "list.txt" batch_size: 2 } }')


@pytest.mark.parametrize("write", [bad_records, hdf5_files])
def test_bad_records_are_counted_on(write, caplog):
    write(1, 3)
    with within(Limits(None, bad_records=2)):
        straight = make()
        straight.solve()
        straight.close()
        told, (*_, total) = skipped(caplog)
        for stop in (1, 2, 5):
            stopped_at(stop)
            before, _ = skipped(caplog)
            resumed = make(random_seed=8)
            resumed.solve(f"snap_iter_{stop}.solverstate")
            assert bits(resumed) == bits(straight)
            resumed.close()
            after, (*_, total_after) = skipped(caplog)
            assert sorted(before + after) == sorted(told)
            assert total_after == total


def test_no_more_bad_records_because_of_a_stop():
    bad_records(1, 3, 5)
    with within(Limits(None, bad_records=2)):
        state = stopped_at(1, "test_interval: 99 test_initialization: false")
        resumed = make("test_interval: 99 test_initialization: false")
        with pytest.raises(DataError, match=r"key '00000005': .* Before it 2 bad record\(s\) were skipped, as many as --skip_bad"):
            resumed.solve(state)
        resumed.close()
