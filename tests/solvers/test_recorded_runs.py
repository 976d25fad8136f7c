"""Whole trainings of 40 iterations against what Caffe computed: every loss, every test, the weights at the end."""

import json
import logging
import re

import numpy as np
import pytest
from support.runs import NAMES, RUNS, write_run

from caffe_lite.solvers import Watcher, read_solver


def test_there_are_runs():
    assert len(NAMES) == 19


@pytest.mark.parametrize("name", NAMES)
def test_run(name, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path, name)
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    solver = read_solver("solver.prototxt", snapshot=0, snapshot_after_train=False)
    losses = []
    watcher = Watcher()
    watcher.on_iteration = lambda solver: losses.append(float(solver.net.blobs["loss"].data))
    solver.watchers.append(watcher)
    for _ in range(40):  # so it was recorded: the mean of average_loss starts anew with each step()
        solver.step(1)
    solver.close()
    np.testing.assert_allclose(losses, run["losses"], rtol=1e-4)
    log = "\n".join(record.getMessage() for record in caplog.records)
    shown = re.findall(r"Iteration \d+ \(.*loss = (\S+)", log)
    np.testing.assert_allclose(np.array(shown, float), run["display"].astype(float), rtol=1e-4)
    tests = re.findall(r"Test net output #\d+: \S+ = (\S+)", log)
    np.testing.assert_allclose(np.array(tests, float), run["tests"].astype(float), rtol=1e-4)
    for mine, caffes in zip(shown[:20], run["display"], strict=False):
        assert abs(float(mine) - float(caffes)) <= 1.01 * _last_digit(str(caffes)), "other digits in the log"
    layers = dict(zip(solver.net.layer_names, solver.net.layers, strict=True))
    largest = max(float(run[key]) for key in run.files if key.startswith("largest/"))
    for key in run.files:
        kind, _, rest = key.partition("/")
        if kind == "weights":
            layer, index = rest.rsplit("/", 1)
            _close(layers[layer].blobs[int(index)].data, run[key], largest, key)
        elif kind == "history":
            found = solver.rule.history[int(rest)]
            _close(found, run[key], max(float(np.abs(run[key]).max()), 1e-3 * largest), key)


def _last_digit(text):
    """What one more in the last of the six digits of a printed number is worth."""
    return 10.0 ** (int(f"{float(text):e}".split("e")[1]) - 5)


def _close(found, expected, scale, key):
    """Within 1e-4 of the scale; what was recorded is every n-th number."""
    flat = found.reshape(-1)
    flat = flat[:: 1 if expected.size == flat.size else 997]
    np.testing.assert_allclose(flat, expected, rtol=0, atol=1e-4 * scale, err_msg=key)


def test_resuming_follows_caffes_log(tmp_path, monkeypatch, caplog):
    """The recorded log of `caffe train --snapshot`: the data begin anew, as in Caffe."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, "siamese")
    first = read_solver("solver.prototxt", test_interval=100, snapshot_after_train=False)
    first.step(20)
    first.close()
    (tmp_path / "snap_iter_20.resume").unlink()
    recorded = json.loads((RUNS.parent / "siamese_resume.json").read_text())
    caplog.set_level(logging.INFO, "caffe_lite.solvers")
    second = read_solver("solver.prototxt", snapshot=0, snapshot_after_train=False)
    second.solve("snap_iter_20.solverstate")
    second.close()
    log = "\n".join(record.getMessage() for record in caplog.records)
    shown = re.findall(r"Iteration \d+ \(.*loss = (\S+)", log) + re.findall(r"Iteration 40, loss = (\S+)", log)
    tests = re.findall(r"Test net output #\d+: \S+ = (\S+)", log)
    expected = [*recorded["losses"], recorded["last"]]
    shown, expected = np.array(shown, float), np.array(expected, float)
    np.testing.assert_allclose(shown[:10], expected[:10], rtol=1e-5)
    # Here two maxima of a pooling are so nearly equal that the order of sums decides: Caffe's own, with patches and
    # a matrix product, is from here on up to 7e-4 away from what Caffe wrote.
    np.testing.assert_allclose(shown, expected, rtol=1e-3)
    np.testing.assert_allclose(np.array(tests, float), np.array(recorded["tests"], float), rtol=1e-3)
