"""LeNet and the autoencoder learn from a thousand digits, with every solver of the example."""

import pytest
from support.runs import write_databases
from support.training import EXAMPLES, example_net, example_solver, mean_of, point_to, train

from caffe_lite import schema
from caffe_lite.graph import filter_net

SOLVERS = sorted(path.stem for path in (EXAMPLES / "mnist").glob("lenet*solver*.prototxt"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    write_databases(folder, "mnist")
    return {part: str(folder / "data" / f"mnist_{part}") for part in ("train", "test")}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lenet_solver(name, sources, **fields):
    fields = {"max_iter": 80, "display": 5, "test_interval": 80, "test_iter": [8]} | fields
    if "consolidated" in name:  # the net is in the solver
        solver = example_solver(f"mnist/{name}", **fields | {"test_iter": [8, 9]})
        point_to(solver.net_param.layers, 32, **sources)
        return solver
    net = example_net("mnist/lenet_train_test", 32, **sources)
    if "auto" not in name:
        return example_solver(f"mnist/{name}", net, **fields)
    for phase in ("train", "test"):  # a net for each phase, as a notebook writes them
        net.state.phase = schema.Phase.Value(phase.upper())
        schema.write_text(f"{phase}.prototxt", filter_net(net))
    return example_solver(f"mnist/{name}", train_net="train.prototxt", test_net=["test.prototxt"], **fields)


@pytest.mark.parametrize("name", SOLVERS)
def test_lenet(name, sources, capfd):
    steps = {"stepvalue": [20, 40]} if "multistep" in name else {}
    run = train(capfd, lenet_solver(name, sources, **steps))
    assert run.net == "LeNet"
    assert mean_of(run.loss.values, 5) < 0.5 * run.loss.values[0]
    assert len(run.test) == (2 if "consolidated" in name else 1)
    for outputs in run.test.values():
        before, after = outputs["accuracy"].values
        assert before < 0.25
        assert after > 0.65
    if steps:
        assert sorted(set(run.rate.values)) == [0.0081, 0.009, 0.01]


def test_there_are_seven_solvers():
    assert len(SOLVERS) == 7


@pytest.mark.parametrize("kind", ["", "_adadelta", "_adagrad", "_nesterov"])
def test_autoencoder(kind, sources, capfd):
    net = example_net("mnist/mnist_autoencoder", 40, **sources)
    run = train(capfd, example_solver(
        f"mnist/mnist_autoencoder_solver{kind}", net, max_iter=20, display=2, test_interval=20, test_iter=[2, 3]))
    assert mean_of(run.loss.values) < 0.4 * run.loss.values[0]
    assert len(run.test) == 2  # on the training set and on the test set
    for outputs in run.test.values():
        before, after = outputs["l2_error"].values
        assert after < 0.4 * before
