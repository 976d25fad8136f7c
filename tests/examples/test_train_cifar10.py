"""The CIFAR-10 nets learn to tell made-up photographs apart, from the files of the data set to a resumed training."""

import numpy as np
import pytest
from support.runs import BACKEND
from support.training import example_net, example_solver, mean_of, train

from caffe_lite.commands import call_for, compute_image_mean, convert_cifar_data
from caffe_lite.sources import cifar

SIZE = cifar.SIZE


def photographs(count):
    """Rows of a CIFAR file: ten kinds of colour and of waves, with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.uint8) % 10
    colors = rng.uniform(80, 176, (10, 3))[labels]
    waves = np.sin(2 * np.pi * ((labels[:, None] % 5 + 1) * np.arange(SIZE) / SIZE + rng.random((count, 1))))
    waves = np.where(labels[:, None, None] < 5, waves[:, None, :], waves[:, :, None])
    images = colors[:, :, None, None] + 40 * waves[:, None] + rng.normal(0, 10, (count, 3, SIZE, SIZE))
    return np.hstack([labels[:, None], images.clip(0, 255).astype(np.uint8).reshape(count, -1)])


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    """A folder with what create_cifar10.sh makes, from files of 40 images each."""
    folder = tmp_path_factory.mktemp("cifar10")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar, "IMAGES", 40)
        for name, rows in zip((*cifar.TRAIN, cifar.TEST), np.split(photographs(240), 6), strict=True):
            rows.tofile(folder / name)
        convert_cifar_data.run(call_for((), [str(folder), str(folder), BACKEND]))
    compute_image_mean.run(call_for((), [str(folder / f"cifar10_train_{BACKEND}"), str(folder / "mean.binaryproto")],
                                    backend=BACKEND))
    return folder


def cifar_net(name, folder):
    net = example_net(f"cifar10/cifar10_{name}", 20,
                      **{part: str(folder / f"cifar10_{part}_{BACKEND}") for part in ("train", "test")})
    for layer in net.layer:
        if layer.HasField("transform_param"):
            layer.transform_param.mean_file = str(folder / "mean.binaryproto")
    return net


@pytest.mark.parametrize(
    ("net", "solver", "iterations", "state"),
    [
        ("quick_train_test", "quick_solver", 40, ".solverstate"),
        ("full_train_test", "full_solver", 70, ".solverstate.h5"),
        ("full_sigmoid_train_test_bn", "full_sigmoid_solver_bn", 60, None),
    ],
)
def test_learning_and_going_on(net, solver, iterations, state, databases, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    net = cifar_net(net, databases)
    fields = {"display": 5, "test_iter": [2], "test_interval": iterations, "snapshot_after_train": True}
    run = train(capfd, example_solver(f"cifar10/cifar10_{solver}", net, max_iter=iterations, **fields))
    assert mean_of(run.loss.values) < 0.75 * run.loss.values[0]
    before, after = run.test[0]["accuracy"].values
    assert before < 0.25
    assert after > 0.5
    if state:
        second = example_solver(f"cifar10/cifar10_{solver}_lr1", net, max_iter=iterations + 6, **fields)
        more = train(capfd, second, f"--snapshot=snap_iter_{iterations}{state}")
        assert more.loss.iterations[:2] == [iterations, iterations + 5]
        assert more.rate.values == pytest.approx([run.rate.values[0] / 10] * 2)
        assert mean_of(more.loss.values) < 0.75 * run.loss.values[0]
