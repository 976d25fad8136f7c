"""The nets that a folder starts with: for MNIST those of the tutorials, for other images such that they can be built."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.starting import autoencoder, lenet, siamese
from caffe_lite.starting.kit import Kit
from caffe_lite.starting.layout import Layout
from caffe_lite.starting.plan import plan
from caffe_lite.starting.prototxt import stages

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = {
    siamese: ("siamese/mnist_siamese_train_test", "siamese/mnist_siamese", "siamese/mnist_siamese_solver"),
    lenet: ("mnist/lenet_train_test", "mnist/lenet", "mnist/lenet_solver"),
    autoencoder: ("mnist/mnist_autoencoder", None, "mnist/mnist_autoencoder_solver"),
}


def mnist(model):
    items = {siamese: (60000, 10000)}.get(model, (60000, 10000))
    return Kit(Layout("digits"), 1, 28, 10, (), False, model.MNIST, *items)


def own(channels, size, classes, mean=()):
    return Kit(Layout("own"), channels, size, classes, mean, bool(mean), plan(70, 30, 20, 100, 1000), 70, 30)


def bare(net):
    """Without what a folder is free to choose."""
    net.ClearField("name")
    for layer in net.layer:
        if layer.type == "Data":
            layer.name = "data"
            layer.data_param.ClearField("source")
            layer.data_param.ClearField("backend")
        for field in ("convolution_param", "inner_product_param"):
            if layer.HasField(field):
                getattr(layer, field).ClearField("weight_filler")
                getattr(layer, field).ClearField("bias_filler")
    return net


def parse(text):
    return schema.parse_text(text, schema.NetParameter, "net")


def fillers(net):
    return [(str(param.weight_filler), str(param.bias_filler)) for layer in net.layer
            for param in (layer.convolution_param, layer.inner_product_param)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__.rpartition(".")[2])
def test_for_mnist_the_tutorials_nets(model):
    train_test, deploy, solver = MODELS[model]
    ours, theirs = parse(model.train_test(mnist(model))), schema.read_text(EXAMPLES / f"{train_test}.prototxt", schema.NetParameter)
    assert fillers(ours) == fillers(theirs)
    assert bare(ours) == bare(theirs)
    if deploy:
        ours, theirs = (bare(net) for net in (parse(model.deploy(mnist(model))),
                                              schema.read_text(EXAMPLES / f"{deploy}.prototxt", schema.NetParameter)))
        theirs.layer[0].input_param.shape[0].dim[0] = 1
        ours.layer.remove(ours.layer[1]) if ours.layer[1].type == "Power" else None
        ours.layer[1].bottom[0] = "data"
        assert ours == theirs
    found = schema.parse_text(model.solver(mnist(model)), schema.SolverParameter, "solver")
    expected = schema.read_text(EXAMPLES / f"{solver}.prototxt", schema.SolverParameter)
    assert not found.snapshot_prefix, "snapshots lie beside the solver, wherever that is"
    for param in (found, expected):
        for field in ("net", "snapshot_prefix", "solver_mode"):
            param.ClearField(field)
    assert found == expected


@pytest.mark.parametrize(("size", "expected"), [(16, 2), (28, 2), (48, 2), (49, 3), (64, 3), (128, 4), (256, 5)])
def test_more_convolutions_for_larger_images(size, expected):
    assert len(stages(size)) == expected


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__.rpartition(".")[2])
@pytest.mark.parametrize(("channels", "size", "classes"), [(3, 16, 2), (1, 33, 5), (3, 70, 11)])
def test_nets_for_any_images(model, channels, size, classes):
    kit = own(channels, size, classes)
    net = Net(parse(model.deploy(kit)))
    shapes = {name: blob.shape for name, blob in net.blobs.items()}
    assert shapes["data"] == (1, channels, size, size)
    if model is autoencoder:
        assert (shapes["encode4"], shapes["decode1neuron"]) == ((1, 30), (1, channels * size * size))
    elif model is lenet:
        assert shapes["prob"] == (1, classes)
    else:
        assert shapes["feat"] == (1, 2 if classes <= 10 else classes)
    trained, used = ({layer.name: (layer.type, layer.convolution_param.num_output, layer.inner_product_param.num_output)
                      for layer in parse(text).layer} for text in (model.train_test(kit), model.deploy(kit)))
    learned = {name: layer for name, layer in used.items() if layer[0] in ("Convolution", "InnerProduct")}
    assert learned.items() <= trained.items(), "the weights of the one fit the other"


def test_ones_own_images_are_cut_and_mirrored_and_their_mean_is_taken():
    net = parse(siamese.train_test(own(3, 32, 4, (11.116, 22.2, 33.333))))
    train, test = (layer.transform_param for layer in net.layer[:2])
    assert (train.mirror, train.crop_size, test.mirror, test.crop_size) == (True, 32, False, 32)
    for param in (train, test):
        assert list(param.mean_value) == pytest.approx([11.12, 22.2, 33.33] * 2)
        assert param.scale == 1 / 256
    assert net.layer[2].slice_param.slice_point[:] == [3]


def test_the_autoencoder_learns_slower_from_more_pixels():
    rates = [schema.parse_text(autoencoder.solver(own(*shape, 1)), schema.SolverParameter, "").base_lr
             for shape in ((1, 20), (1, 28), (3, 56))]
    assert rates == pytest.approx([0.01, 0.01, 0.01 / 12], rel=0.01)
