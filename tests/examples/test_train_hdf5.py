"""Nets that learn from HDF5 files: Caffe's two classifiers, a linear regression, an LSTM."""

import numpy as np
import pytest
from support.training import example_net, example_solver, train, write_hdf5

from caffe_lite.net import Net

SOLVER = """
net: "net.prototxt" lr_policy: "fixed" random_seed: 3 snapshot_prefix: "snap"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows(count, seed):
    return np.random.default_rng(seed).normal(size=(count, 4))


@pytest.mark.parametrize(
    ("net", "solver", "truth", "least", "most"),
    [
        ("train_val", "solver", lambda x: x @ [1, -2, 0.5, 0] > 0.3, 0.9, 1),
        ("train_val", "solver", lambda x: x[:, 0] * x[:, 1] > 0, 0, 0.7),  # no plane parts these
        ("nonlinear_train_val", "nonlinear_solver", lambda x: x[:, 0] * x[:, 1] > 0, 0.85, 1),
    ],
)
def test_classification(net, solver, truth, least, most, capfd):
    for part, count, seed in (("train", 700, 1), ("test", 300, 2)):
        data = rows(count, seed)
        write_hdf5(part, data=data, label=truth(data))
    net = example_net(f"hdf5_classification/{net}", train="train.txt", test="test.txt")
    solver = example_solver(f"hdf5_classification/{solver}", net, max_iter=700, display=350, test_interval=700,
                            test_iter=[30])  # fmt: skip
    run = train(capfd, solver)
    assert least <= run.test[0]["accuracy"].values[-1] <= most


def test_linear_regression(capfd):
    truth = np.array([[2, -1, 0.5, 3], [0, 1, -2, 0.25], [-1, 0, 0, 1]])
    data = rows(90, 1)
    write_hdf5("train", data=data, target=data @ truth.T + [1, 2, 3])
    with open("net.prototxt", "w") as file:
        file.write("""
            layer { name: "data" type: "HDF5Data" top: "data" top: "target"
                    hdf5_data_param { source: "train.txt" batch_size: 30 } }
            layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
                    inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
            layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "target" top: "loss" }""")
    run = train(capfd, SOLVER + 'base_lr: 0.1 momentum: 0.5 max_iter: 100 display: 10')
    assert run.loss.values[-1] < 1e-3 * run.loss.values[0]
    learned = Net.from_file("net.prototxt", weights="snap_iter_100.caffemodel")
    weights, biases = learned.layers[learned.layer_names.index("ip")].blobs
    np.testing.assert_allclose(weights.data, truth, atol=0.05)
    np.testing.assert_allclose(biases.data, [1, 2, 3], atol=0.05)
    learned.close()


def test_lstm(capfd):
    """What was said two steps before: nothing that a net without memory could know."""
    steps, streams, batches = 7, 10, 6
    bits = np.random.default_rng(1).integers(0, 2, (batches, steps, streams))
    before = np.full_like(bits, -1)
    before[:, 2:] = bits[:, :-2]
    write_hdf5("train", bits=bits.reshape(-1, streams, 1), cont=np.tile(np.arange(steps) > 0, batches)[:, None]
               .repeat(streams, 1), before=before.reshape(-1, streams))  # fmt: skip
    with open("net.prototxt", "w") as file:
        file.write("""
            layer { name: "data" type: "HDF5Data" top: "bits" top: "cont" top: "before"
                    hdf5_data_param { source: "train.txt" batch_size: 7 } }
            layer { name: "lstm" type: "LSTM" bottom: "bits" bottom: "cont" top: "lstm"
                    recurrent_param { num_output: 12 weight_filler { type: "uniform" min: -0.3 max: 0.3 } } }
            layer { name: "ip" type: "InnerProduct" bottom: "lstm" top: "ip"
                    inner_product_param { num_output: 2 axis: 2 weight_filler { type: "xavier" } } }
            layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "before" top: "loss"
                    softmax_param { axis: 2 } loss_param { ignore_label: -1 } }
            layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "before" top: "accuracy"
                    accuracy_param { axis: 2 ignore_label: -1 } }""")
    run = train(capfd, SOLVER + """type: "Adam" base_lr: 0.02 momentum: 0.9 momentum2: 0.999 max_iter: 180 display: 20
                                   average_loss: 6 snapshot_after_train: false""")
    assert run.loss.values[0] == pytest.approx(np.log(2), rel=0.1)
    assert run.loss.values[-1] < 0.2
    assert run.train["accuracy"].values[-1] > 0.95
