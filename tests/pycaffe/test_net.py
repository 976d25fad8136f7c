"""``caffe.Net``: how it is made, what it shows, and its passes."""

import gc
import weakref
from collections import OrderedDict

import caffe
import numpy as np
import pytest
from support.pycaffe import NET, inputs, make_net

from caffe_lite.errors import CaffeError, GraphError, SnapshotError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def weights_of(net):
    return {name: [blob.data.copy() for blob in blobs] for name, blobs in net.params.items()}


def same_weights(net, other):
    mine, theirs = weights_of(net), weights_of(other)
    return list(mine) == list(theirs) and all(
        np.array_equal(a, b) for name in mine for a, b in zip(mine[name], theirs[name], strict=True)
    )


# -- making ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        (("net.prototxt", caffe.TEST), {"weights": "w.caffemodel"}),
        (("net.prototxt", 1, 0, None, "w.caffemodel"), {}),
        ((), {"network_file": "net.prototxt", "phase": caffe.TEST, "weights": "w.caffemodel", "level": 0}),
        (("net.prototxt", np.int64(1)), {"stages": [], "weights": "w.caffemodel"}),
        (("net.prototxt", "w.caffemodel", caffe.TEST), {}),
    ],
)
def test_the_forms_of_the_constructor(folder, arguments, keywords):
    source = make_net()
    source.save("w.caffemodel")
    net = caffe.Net(*arguments, **keywords)
    assert same_weights(net, source)
    assert "prob" in net.blobs  # the phase is TEST


def test_paths_may_be_paths(folder):
    make_net().save(folder / "w.caffemodel")
    caffe.Net(folder / "net.prototxt", caffe.TEST, weights=folder / "w.caffemodel")


def test_the_old_form_warns(caplog):
    make_net().save("w.caffemodel")
    caffe.Net("net.prototxt", "w.caffemodel", caffe.TRAIN)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said[0].startswith("DEPRECATION WARNING")
    assert said[-1] == "Net('net.prototxt', 0, weights='w.caffemodel')"


@pytest.mark.parametrize(
    ("keywords", "found"),
    [
        ({}, ["a"]),
        ({"level": 2}, ["a", "deep"]),
        ({"stages": ["one"]}, ["a", "one"]),
        ({"stages": ("one", "two"), "level": 2}, ["a", "deep", "one", "both"]),
    ],
)
def test_level_and_stages(keywords, found):
    rules = {"a": "", "deep": "min_level: 1", "one": 'stage: "one"', "both": 'stage: "one" stage: "two"'}
    text = "".join(
        f'layer {{ name: "{name}" type: "DummyData" top: "{name}" include {{ {rule} }} dummy_data_param {{ shape {{ }} }} }}'
        for name, rule in rules.items()
    )
    assert list(make_net(caffe.TEST, text, **keywords).blobs) == found


@pytest.mark.parametrize("arguments", [("no.prototxt", 0), ("net.prototxt", 0, 0, None, "no.caffemodel"),
                                       ("net.prototxt", "no.caffemodel", 0)])  # fmt: skip
def test_a_missing_file(arguments, caplog):
    make_net()
    caplog.set_level("INFO", "caffe_lite")
    with pytest.raises(RuntimeError, match=r"Could not open file no\.\w+: No such file") as caught:
        caffe.Net(*arguments)
    assert isinstance(caught.value, CaffeError)
    assert "Initializing net" not in caplog.text  # no minute is lost on a net whose weights are not there


def test_wrong_arguments():
    make_net()
    with pytest.raises(TypeError, match="the phase is missing"):
        caffe.Net("net.prototxt", "w.caffemodel")
    with pytest.raises(TypeError, match="give \\['deploy'\\]"):
        caffe.Net("net.prototxt", caffe.TEST, stages="deploy")
    with pytest.raises(TypeError, match="argument"):
        caffe.Net("net.prototxt")


def test_a_net_that_cannot_be():
    with pytest.raises(GraphError, match="Convolutoin"):
        make_net(text=NET.replace('"Convolution"', '"Convolutoin"'))


# -- what it shows -----------------------------------------------------------------------------------------


def test_names_and_their_order():
    net = make_net(caffe.TEST)
    splits = ["ip_ip_0_split_0", "ip_ip_0_split_1"]
    assert list(net.blobs) == ["data", "label", "conv", "ip", *splits, "prob", "loss"] == list(net._blob_names)
    assert list(net._layer_names) == list(net.layer_dict) == ["in", "conv", "relu", "ip", "ip_ip_0_split", "prob", "loss"]
    assert net.inputs == ["data", "label"]
    assert net.outputs == ["loss", "prob"]  # in alphabetical order
    assert (list(net._inputs), list(net._outputs)) == ([0, 1], [7, 6])
    assert net.top_names == OrderedDict(
        [("in", ["data", "label"]), ("conv", ["conv"]), ("relu", ["conv"]), ("ip", ["ip"]), ("ip_ip_0_split", splits),
         ("prob", ["prob"]), ("loss", ["loss"])])  # fmt: skip
    assert list(net.bottom_names.values()) == [[], ["data"], ["conv"], ["conv"], ["ip"], splits[:1], [splits[1], "label"]]
    assert (list(net._top_ids(4)), list(net._bottom_ids(6))) == ([4, 5], [5, 1])
    assert net.blob_loss_weights == dict.fromkeys(net.blobs, 0) | {"loss": 2}
    assert isinstance(net.blobs, OrderedDict)


def test_parameters_and_layers():
    net = make_net()
    assert {name: [blob.shape for blob in blobs] for name, blobs in net.params.items()} == {
        "conv": [(6, 2, 3, 3), (6,)], "ip": [(7, 36), (7,)]}  # fmt: skip
    assert [layer.type for layer in net.layers] == ["Input", "Convolution", "ReLU", "InnerProduct", "SoftmaxWithLoss"]
    assert net.layer_dict["conv"].blobs[1].count == 6
    assert len(net.layers[2].blobs) == 0
    net.layers[3].blobs[0].data[...] = 0.25
    assert (net.params["ip"][0].data == 0.25).all()


def test_a_top_without_a_name():
    net = make_net(text=NET.replace('top: "loss" loss_weight: 2', ""))
    assert net.outputs == []
    assert list(net._blob_names)[-1] == "(automatic)"
    assert net.top_names["loss"] == ["(automatic)"]
    assert net.blob_loss_weights["(automatic)"] == 1


@pytest.mark.parametrize("show", ["blobs", "params", "layer_dict", "top_names"])
def test_an_unknown_name(show):
    with pytest.raises(KeyError, match="conf: .* did you mean conv?"):
        getattr(make_net(), show)["conf"]
    assert getattr(make_net(), show).get("conf") is None


def test_a_layer_can_be_reshaped_and_set_up():
    net = make_net()
    net.blobs["data"].reshape(2, 2, 4, 4)
    layer, bottom, top = net.layers[1], [net.blobs["data"]], [net.blobs["conv"]]
    before = weights_of(net)
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    assert net.blobs["conv"].shape == (2, 6, 2, 2)
    assert [a.tolist() for a in weights_of(net)["conv"]] == [a.tolist() for a in before["conv"]]


# -- passes ------------------------------------------------------------------------------------------------


def test_forward():
    net = make_net(caffe.TEST)
    arrays = inputs()
    out = net.forward(blobs=["conv", "ip"], **arrays)
    assert list(out) == ["loss", "prob", "conv", "ip"]
    np.testing.assert_allclose(out["prob"].sum(axis=1), 1, rtol=1e-6)
    wanted = -np.log(out["prob"][np.arange(3), arrays["label"]]).mean()
    np.testing.assert_allclose(out["loss"], wanted, rtol=1e-6)
    weights, bias = net.params["ip"]
    np.testing.assert_allclose(out["ip"], out["conv"].reshape(3, -1) @ weights.data.T + bias.data, rtol=1e-4, atol=1e-6)
    assert np.shares_memory(out["conv"], net.blobs["conv"].data)
    assert net.forward()["loss"] == out["loss"]  # the inputs stay


def test_backward():
    net = make_net(caffe.TEST)
    arrays = inputs()
    out = net.forward(**arrays)
    grads = net.backward(diffs=["ip"])
    assert list(grads) == ["data", "label", "ip"]
    softmax = out["prob"] - np.eye(7)[arrays["label"]]
    np.testing.assert_allclose(grads["ip"], 2 * softmax / 3, atol=1e-6)  # 2 is the loss weight
    net.clear_param_diffs()
    assert not net.params["ip"][0].diff.any()
    net.backward(prob=np.zeros((3, 7)), loss=np.float32(0))
    assert not net.blobs["data"].diff.any()
    net.backward(prob=np.ones((3, 7)) * [[1], [0], [0]] * np.arange(7), loss=np.float32(0))
    assert net.blobs["data"].diff[0].any()
    assert not net.blobs["data"].diff[1:].any()


def test_a_part_of_the_net():
    net = make_net()
    net.forward(**inputs())
    net.blobs["conv"].data[...] = 2
    out = net.forward(start="ip", end="ip")
    assert list(out) == ["ip"]
    wanted = 2 * net.params["ip"][0].data.sum(axis=1) + net.params["ip"][1].data
    np.testing.assert_allclose(out["ip"], np.tile(wanted, (3, 1)), rtol=1e-5)
    net.blobs["ip"].diff[...] = 1
    grads = net.backward(start="ip", end="ip", diffs=["ip"])
    assert list(grads) == ["conv", "ip"]
    np.testing.assert_allclose(grads["conv"].reshape(3, -1)[1], net.params["ip"][0].data.sum(axis=0), rtol=1e-5)
    assert net._forward(4, 4) == net.blobs["loss"].data * 2


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (Exception, "Input blob arguments do not match net inputs.", lambda net: net.forward(data=np.ones((3, 2, 5, 4)))),
        (Exception, "Input is not batch sized", lambda net: net.forward(data=np.ones((2, 2, 5, 4)), label=np.ones(3))),
        (Exception, "Top diff arguments do not match net outputs.", lambda net: net.backward(ip=np.ones((3, 7)))),
        (Exception, "Diff is not batch sized",
         lambda net: net.backward(prob=np.ones((4, 7)), loss=np.float32(1))),
        (ValueError, "could not broadcast", lambda net: net.forward(data=np.ones((3, 2, 5, 5)), label=np.ones(3))),
        (ValueError, "the net has no layer of this name; it has in, conv, relu", lambda net: net.forward(start="cov")),
        (ValueError, "no layer", lambda net: net.backward(end="cov")),
        (KeyError, "did you mean conv", lambda net: net.forward(blobs=["convv"])),
        (RuntimeError, "the net has layers 0 to 6", lambda net: net._forward(0, 7)),
        (RuntimeError, "the net has layers 0 to 6", lambda net: net._backward(6, -1)),
        (Exception, "do not match net inputs", lambda net: net.forward_all()),
        (RuntimeError, "first layer is a MemoryDataLayer", lambda net: net.set_input_arrays(np.ones(3), np.ones(3))),
    ],
)  # fmt: skip
def test_mistakes(error, message, call):
    with pytest.raises(error, match=message):
        call(make_net(caffe.TEST))


def test_reshape():
    net = make_net(caffe.TEST)
    before = net.forward(**inputs())["prob"].copy()
    net.blobs["data"].reshape(2, 2, 5, 4)
    net.blobs["label"].reshape(2)
    net.reshape()
    assert net.blobs["prob"].shape == (2, 7)
    arrays = {name: array[:2] for name, array in inputs().items()}
    np.testing.assert_array_equal(net.forward(**arrays)["prob"], before[:2])
    net.blobs["conv"].reshape(1)  # whatever a program does to a blob, the next pass gives it its shape
    np.testing.assert_array_equal(net.forward()["prob"], before[:2])


def test_forward_all():
    net = make_net(caffe.TEST)
    arrays = inputs(8)
    found = net.forward_all(blobs=["ip"], **arrays)
    assert {name: array.shape for name, array in found.items()} == {"prob": (8, 7), "ip": (8, 7), "loss": (3,)}
    one = [net.forward(blobs=["ip"], **{k: np.repeat(v[i : i + 1], 3, 0) for k, v in arrays.items()})["ip"][0].copy()
           for i in range(8)]  # fmt: skip
    np.testing.assert_allclose(found["ip"], one, rtol=1e-5, atol=1e-6)
    assert found["ip"].dtype == np.float32
    assert net.forward_all(**inputs(6))["prob"].shape == (6, 7)


def test_an_output_of_more_rows_than_the_batch():
    rows = 'layer { name: "rows" type: "Reshape" bottom: "data" top: "rows" reshape_param { shape { dim: 12 dim: 10 } } }'
    found = make_net(text=NET + rows).forward_all(**inputs(7))["rows"]
    np.testing.assert_array_equal(found[:28], inputs(7)["data"].reshape(28, 10))
    assert len(found) == 36


def test_batches():
    batches = list(make_net()._batch({"data": np.arange(7) + 1.0, "label": [[1, 2]] * 7}))
    assert [batch["data"].tolist() for batch in batches] == [[1, 2, 3], [4, 5, 6], [7, 0, 0]]
    assert batches[-1]["label"].tolist() == [[1, 2], [0, 0], [0, 0]]
    assert list(make_net()._batch({})) == []


def test_forward_backward_all():
    net = make_net(caffe.TEST)
    outs, grads = net.forward_backward_all(diffs=["ip"], blobs=["conv"], **inputs(7))
    assert {name: a.shape for name, a in outs.items()} == {"prob": (7, 7), "loss": (3,), "conv": (7, 6, 3, 2)}
    assert {name: a.shape for name, a in grads.items()} == {"data": (7, 2, 5, 4), "label": (7,), "ip": (7, 7)}


def test_forward_backward_all_from_given_gradients():
    net = make_net(caffe.TEST, NET[: NET.index('layer { name: "loss"')].replace('top: "label"', "").replace("shape { dim: 3 }", ""))
    data, top = inputs(7)["data"], np.random.default_rng(3).normal(size=(7, 7))
    outs, grads = net.forward_backward_all(data=data, prob=top)
    prob = outs["prob"]
    wanted = prob * (top - (prob * top).sum(axis=1, keepdims=True))  # of the softmax
    _, again = net.forward_backward_all(data=data, prob=top, diffs=["ip"])
    np.testing.assert_allclose(again["ip"], wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(again["data"], grads["data"])


MEMORY = """
layer { name: "m" type: "MemoryData" top: "data" top: "label"
        memory_data_param { batch_size: 2 channels: 3 height: 1 width: 4 } }
layer { name: "p" type: "Power" bottom: "data" top: "p" power_param { scale: 3 } }
"""


def test_set_input_arrays():
    net = make_net(text=MEMORY)
    data = np.arange(48, dtype=np.float32).reshape(4, 3, 1, 4)
    for labels in (np.arange(4, dtype=np.float32), np.repeat(np.arange(4, dtype=np.float32), 2)[::2]):
        net.set_input_arrays(data, labels)
        for begin in (0, 2, 0):
            out = net.forward()
            np.testing.assert_array_equal(out["p"], 3 * data[begin : begin + 2])
            assert out["label"].reshape(-1).tolist() == [begin, begin + 1]


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((4, 3, 4, 1), "f").transpose(0, 1, 3, 2)[:, ::-1], np.zeros(4, "f"), "data array must be C contiguous"),
        (np.zeros((4, 3, 4), "f"), np.zeros(4, "f"), "data array must be 4-d"),
        (np.zeros((4, 3, 1, 4)), np.zeros(4, "f"), "must be 4-d and float32: .* found float64"),
        (np.zeros((4, 2, 1, 4), "f"), np.zeros(4, "f"), r"expected shape \(n, 3, 1, 4\), found float32\[4, 2, 1, 4\]"),
        (np.zeros((4, 3, 1, 4), "f"), np.zeros(4), "labels array"),
        (np.zeros((4, 3, 1, 4), "f"), np.zeros(2, "f"), "same first dimension"),
        (np.zeros((3, 3, 1, 4), "f"), np.zeros(3, "f"), "a multiple of the batch size 2; found 3"),
    ],
)
def test_input_arrays_that_do_not_fit(data, labels, message):
    with pytest.raises(RuntimeError, match=message):
        make_net(text=MEMORY).set_input_arrays(data, labels)


# -- weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("save", "load"), [("save", "copy_from"), ("save_hdf5", "load_hdf5"), ("save_hdf5", "copy_from")])
def test_saving_and_loading(save, load):
    if "hdf5" in save:
        pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    net, other = make_net(seed=1), make_net(seed=2)
    assert not same_weights(net, other)
    getattr(net, save)("weights")
    with open("weights", "rb") as file:
        assert (file.read(4) == b"\x89HDF") is ("hdf5" in save)
    getattr(other, load)("weights")
    assert same_weights(net, other)


def test_weights_that_cannot_be_read():
    net = make_net()
    with pytest.raises(RuntimeError, match="Could not open file no"):
        net.copy_from("no.caffemodel")
    make_net(text=NET.replace("num_output: 7", "num_output: 8")).save("eight.caffemodel")
    with pytest.raises(SnapshotError, match="'ip'; shape mismatch"):
        net.copy_from("eight.caffemodel")


def test_sharing():
    net, other = make_net(seed=1), make_net(seed=2)
    other.share_with(net)
    net.params["conv"][0].data[0, 1] = 17
    assert (other.params["conv"][0].data[0, 1] == 17).all()


def test_net_surgery():
    """A fully connected layer as a convolution, as Caffe's notebook does it."""
    net = make_net()
    text = NET.replace('"InnerProduct"', '"Convolution"').replace("inner_product_param {", "convolution_param { kernel_h: 3 kernel_w: 2 ")
    full = make_net(text=text.replace('name: "ip"', 'name: "ip-conv"'))
    for new, old in (("ip-conv", "ip"), ("conv", "conv")):
        full.params[new][0].data.flat = net.params[old][0].data.flat
        full.params[new][1].data[...] = net.params[old][1].data
    out, wanted = full.forward(blobs=["ip"], **inputs()), net.forward(blobs=["ip"], **inputs())
    np.testing.assert_allclose(out["ip"].reshape(3, 7), wanted["ip"], rtol=1e-4, atol=1e-6)


# -- callbacks and lifetime --------------------------------------------------------------------------------


def test_callbacks():
    net, calls = make_net(), []
    for name in ("before_forward", "after_forward", "before_backward", "after_backward"):
        getattr(net, name)(lambda layer, name=name: calls.append((name, layer)))
    net.before_forward(again := lambda layer: calls.append(("again", layer)))
    net.before_forward(again)
    net.after_backward(caffe.NCCL(None, "uid"))
    net.forward(start="relu", end="ip", **inputs())
    net.backward(start="ip", end="relu")
    assert calls == [
        ("before_forward", 2), ("again", 2), ("again", 2), ("after_forward", 2),
        ("before_forward", 3), ("again", 3), ("again", 3), ("after_forward", 3),
        ("before_backward", 3), ("after_backward", 3), ("before_backward", 2), ("after_backward", 2),
    ]  # fmt: skip


def test_callbacks_come_before_and_after():
    net, seen = make_net(), {}
    watched = {"forward": net.blobs["ip"].data, "backward": net.blobs["conv"].diff}
    for way, array in watched.items():
        for when in ("before", "after"):
            getattr(net, f"{when}_{way}")(
                lambda layer, key=(when, way), array=array: seen.update({key: array.any()}) if layer == 3 else None
            )
    net.forward(**inputs())
    net.backward()
    assert seen == {(when, way): when == "after" for way in watched for when in ("before", "after")}


def test_an_exception_of_a_callback():
    net = make_net()
    net.after_forward(lambda layer: {}[layer])
    with pytest.raises(KeyError, match="0"):
        net.forward()


def test_blobs_outlive_the_net_and_the_net_is_freed():
    net = make_net()
    net.before_forward(lambda layer, net=net: None)  # a cycle
    net.forward(**inputs())
    data, gone = net.blobs["conv"], weakref.ref(net)
    kept = data.data.copy()
    del net
    gc.collect()
    assert gone() is None
    np.testing.assert_array_equal(data.data, kept)


def test_a_subclass():
    class Mine(caffe.Net):
        def __init__(self):
            caffe.Net.__init__(self, "net.prototxt", caffe.TEST)
            self.transformer = 5

    make_net()
    assert Mine().blobs["prob"].shape == (3, 7)
