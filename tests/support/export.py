"""A net beside the ONNX model that is made of it."""

from __future__ import annotations

import numpy as np

from caffe_lite import schema
from caffe_lite.export.deploy import deploy
from caffe_lite.export.load import build
from caffe_lite.export.model import to_onnx
from caffe_lite.export.sources import with_batch
from caffe_lite.export.verify import compare
from caffe_lite.upgrade import upgrade_net


def message_of(text, outputs=(), **shapes):
    """The deployed message of a prototxt's text."""
    return deploy(upgrade_net(schema.parse_text(text, schema.NetParameter)), shapes, outputs)


def nets_of(message, batches=(2, 3), seed=5):
    """The net at each of the batches, with one set of random weights."""
    nets = [build(message if batch is None else with_batch(message, batch)) for batch in batches]
    rng = np.random.default_rng(seed)
    for layer in nets[0].layers:
        for i, blob in enumerate(layer.blobs):
            blob.data[...] = 0.2 * rng.standard_normal(blob.shape)
            if (layer.type, i) in (("BatchNorm", 1), ("BatchNorm", 2), ("BN", 3)):  # a variance, a weight
                blob.data[...] = 0.3 + rng.random(blob.shape)
    for net in nets[1:]:
        net.share_trained_layers_with(nets[0])
    return nets


def check(text, batches=(2, 3), outputs=(), tolerance=1e-5, **shapes):
    """Export a prototxt's net and compare it with the model; the ``ModelProto``."""
    nets = nets_of(message_of(text, outputs, **shapes), batches)
    model = to_onnx(nets, outputs)
    worst = compare(model.SerializeToString(), nets, outputs or nets[0].outputs)
    assert max(worst.values()) < tolerance, worst
    return model


def operations(model):
    return [node.op_type for node in model.graph.node]
