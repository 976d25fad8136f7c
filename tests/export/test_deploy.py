"""From nets as they are trained to nets as they are run."""

import pytest
from support.databases import make_database
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.errors import ExportError
from caffe_lite.export.deploy import check_types, deploy
from caffe_lite.export.load import build
from caffe_lite.export.sources import batch_of, with_batch

DATA = 'layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "gone" batch_size: 4 } }'
BODY = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "out" type: "InnerProduct" bottom: "ip" top: "out" inner_product_param { num_output: 2 } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }'
ACCURACY = 'layer { name: "acc" type: "Accuracy" bottom: "out" bottom: "label" top: "acc" include { phase: TEST } }'


def parse(text):
    return schema.parse_text(text, schema.NetParameter)


def deployed(text, outputs=(), **shapes):
    return deploy(parse(text), shapes, outputs)


def names(net):
    return [layer.name for layer in net.layer]


def test_losses_scores_and_labels_are_left_out():
    net = deployed(DATA + BODY + LOSS + ACCURACY, data=(1, 5, 7))
    assert names(net) == ["d", "ip", "relu", "out"]
    assert net.layer[0].type == "Input"
    assert list(net.layer[0].top) == ["data"]
    assert list(net.layer[0].input_param.shape[0].dim) == [4, 1, 5, 7]


def test_the_net_itself_is_not_changed():
    net = parse(DATA + BODY + LOSS)
    before = net.SerializeToString()
    deploy(net, {"data": (1, 5, 7)})
    assert net.SerializeToString() == before


def test_training_layers_are_left_out():
    only = BODY.replace('name: "relu"', 'name: "relu" include { phase: TRAIN }')
    net = deployed("state { phase: TRAIN } " + input_layers(data=(2, 3)) + only)
    assert names(net) == ["in_data", "ip", "out"]


def test_probabilities_beside_a_loss_become_a_softmax():
    loss = LOSS.replace('top: "loss"', 'top: "loss" top: "prob" loss_weight: 1 loss_weight: 0 propagate_down: true propagate_down: false')
    net = deployed(input_layers(data=(2, 3), label=(2,)) + BODY + loss)
    last = net.layer[-1]
    assert (last.type, list(last.bottom), list(last.top)) == ("Softmax", ["out"], ["prob"])
    assert build(net).outputs == ["prob"]


def test_all_that_is_learned_and_feeds_a_loss_is_an_output():
    text = input_layers(data=(2, 3), other=(2, 3)) + BODY + (
        'layer { name: "sig" type: "Sigmoid" bottom: "other" top: "target" }'
        'layer { name: "tanh" type: "TanH" bottom: "out" top: "tanh" }'
        'layer { name: "l1" type: "EuclideanLoss" bottom: "tanh" bottom: "target" top: "l1" }'
        'layer { name: "l2" type: "EuclideanLoss" bottom: "out" bottom: "target" top: "l2" }')
    assert names(deployed(text)) == ["in_data", "ip", "relu", "out", "tanh"]


def test_outputs_by_name_keep_what_they_need():
    net = deployed(input_layers(data=(2, 3), label=(2,)) + BODY + LOSS, ["ip"])
    assert names(net) == ["in_data", "ip", "relu"]


def test_an_output_that_is_not_there():
    with pytest.raises(ExportError, match=r"no layer makes 'fc7'.*the blobs are data, ip, label, loss, out"):
        deployed(input_layers(data=(2, 3), label=(2,)) + BODY + LOSS, ["fc7", "ip"])


def test_data_tell_their_shape(tmp_path):
    source = make_database(tmp_path / "db", [(b"0", schema.Datum(channels=2, height=5, width=7, data=bytes(70)).SerializeToString())])
    text = DATA.replace("gone", source).replace("batch_size", "backend: LMDB batch_size")
    net = deployed(text + BODY + LOSS)
    assert list(net.layer[0].input_param.shape[0].dim) == [4, 2, 5, 7]


def test_data_that_are_not_there_need_a_shape():
    with pytest.raises(ExportError, match=r"shape of 'data' is not known.*gone.*--shapes=data:3x227x227"):
        deployed(DATA + BODY + LOSS)


def test_an_input_without_a_shape_needs_one():
    text = 'layer { name: "in" type: "Input" top: "data" }' + BODY
    with pytest.raises(ExportError, match="input 'data' of layer 'in' has no shape"):
        deployed(text)
    assert list(deployed(text, data=(7,)).layer[0].input_param.shape[0].dim) == [1, 7]


def test_a_shape_of_something_else():
    with pytest.raises(ExportError, match="names 'image', which is no input; the inputs are data"):
        deployed(input_layers(data=(2, 3)) + BODY, image=(3,))


def test_a_shape_replaces_the_prototxts():
    assert list(deployed(input_layers(data=(2, 3)) + BODY, data=(8,)).layer[0].input_param.shape[0].dim) == [2, 8]


def test_constants_stay_random_numbers_become_inputs():
    text = """layer { name: "c" type: "DummyData" top: "c" dummy_data_param { shape { dim: 2 dim: 3 } } }
    layer { name: "r" type: "DummyData" top: "r" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "uniform" } } }
    layer { name: "s" type: "Eltwise" bottom: "c" bottom: "r" top: "s" }"""
    assert [layer.type for layer in deployed(text).layer] == ["DummyData", "Input", "Eltwise"]


def test_the_batch_is_the_first_inputs():
    net = deployed(input_layers(data=(4, 3), other=(4, 3), rois=(9, 5)) + (
        'layer { name: "e" type: "Eltwise" bottom: "data" bottom: "other" top: "e" }'
        'layer { name: "t" type: "TanH" bottom: "rois" top: "t" }'))
    assert batch_of(net) == 4
    assert [list(layer.input_param.shape[0].dim) for layer in with_batch(net, 6).layer[:3]] == [[6, 3], [6, 3], [9, 5]]
    assert batch_of(net) == 4


def test_types_that_cannot_go_are_all_named():
    net = deployed(input_layers(data=(2, 3)) + BODY + (
        'layer { name: "p" type: "Python" bottom: "out" top: "p" } layer { name: "q" type: "Proposal" bottom: "p" bottom: "ip" top: "q" }'))
    with pytest.raises(ExportError, match=r"p \(Python\), q \(Proposal\).*--outputs=out,ip\. Known types: InnerProduct"):
        check_types(net, ["InnerProduct", "Input", "ReLU"])
    check_types(deployed(input_layers(data=(2, 3)) + BODY), ["InnerProduct", "Input", "ReLU"])
