"""V1 to V2: types by name instead of by enum, and one `param` for each blob instead of four lists."""

from __future__ import annotations

from caffe_lite.errors import SchemaError
from caffe_lite.schema import LayerParameter, NetParameter, V1LayerParameter
from caffe_lite.upgrade.fields import assign, without

_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}
_SPECS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}


def is_v1(net: NetParameter) -> bool:
    """Whether there are layers in the form of 2014."""
    return len(net.layers) > 0


def v1_to_v2(net: NetParameter) -> NetParameter:
    """The net with all its layers in the current form. Source: ``UpgradeV1Net``.

    Raises:
        SchemaError: the net has layers of both forms, whose order is unknown.
    """
    if net.layer:
        raise SchemaError(
            f"This net has both `layers` (first: {net.layers[0].name}) and `layer` (first: "
            f'{net.layer[0].name}). Write all of them as `layer {{ type: "Name" ... }}`.'
        )
    upgraded = without(net, "layers")
    upgraded.layer.extend([_layer(layer) for layer in net.layers])
    return upgraded


def _layer(old: V1LayerParameter) -> LayerParameter:
    new = LayerParameter()
    for field, value in old.ListFields():
        if field.name == "type":
            new.type = _TYPES[V1LayerParameter.LayerType.Name(value)]
        elif field.name in _SPECS:
            for index, item in enumerate(value):
                if index == len(new.param):
                    new.param.add()
                setattr(new.param[index], _SPECS[field.name], item)
        else:
            assign(new, field.name, value)
    return new
