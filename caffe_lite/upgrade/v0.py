"""V0 to V1: one flat message with everything, to one message for each type of layer."""

from __future__ import annotations

from caffe_lite.errors import SchemaError
from caffe_lite.schema import Message, NetParameter, V0LayerParameter, V1LayerParameter
from caffe_lite.upgrade.fields import assign, without
from caffe_lite.upgrade.padding import fold_padding

_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}
# The fields that each type has, and the message they go to.
_DATABASE = "source batchsize rand_skip"
_WINDOW = "det_fg_threshold det_bg_threshold det_fg_fraction det_context_pad det_crop_mode"
_PARAMETERS = {
    "concat": ("concat_param", "concat_dim"),
    "conv": (
        "convolution_param",
        "num_output biasterm weight_filler bias_filler pad kernelsize group stride",
    ),
    "data": ("data_param", _DATABASE),
    "dropout": ("dropout_param", "dropout_ratio"),
    "hdf5_data": ("hdf5_data_param", "source batchsize"),
    "images": ("image_data_param", f"{_DATABASE} shuffle_images new_height new_width"),
    "infogain_loss": ("infogain_loss_param", "source"),
    "innerproduct": ("inner_product_param", "num_output biasterm weight_filler bias_filler"),
    "lrn": ("lrn_param", "local_size alpha beta k"),
    "pool": ("pooling_param", "pool pad kernelsize stride"),
    "window_data": ("window_data_param", f"source batchsize {_WINDOW}"),
}
# The fields that all types have: they stay in the layer, go to transform_param, or were never used.
_LAYER = {"name", "blobs", "blobs_lr", "weight_decay"}
_TRANSFORM = {"scale", "meanfile", "cropsize", "mirror"}
_UNUSED = {"type", "new_num", "new_channels"}
_RENAMED = {
    "batchsize": "batch_size",
    "biasterm": "bias_term",
    "cropsize": "crop_size",
    "det_bg_threshold": "bg_threshold",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
    "det_fg_fraction": "fg_fraction",
    "det_fg_threshold": "fg_threshold",
    "kernelsize": "kernel_size",
    "meanfile": "mean_file",
    "shuffle_images": "shuffle",
}


def is_v0(net: NetParameter) -> bool:
    """Whether any layer is written in the form of 2013."""
    return any(layer.HasField("layer") for layer in net.layers)


def v0_to_v1(net: NetParameter) -> NetParameter:
    """The net with all its layers in the form of 2014. Source: ``UpgradeV0Net``.

    Raises:
        SchemaError: an unknown type, a field its type does not have, or a mixture of forms.
    """
    for index, layer in enumerate(net.layers):
        if not layer.HasField("layer"):
            raise SchemaError(
                f"Layer {index} ({layer.name}) is not written `layers {{ layer {{ ... }} }}` as others of "
                "this net are. Write all layers in one form."
            )
    folded = fold_padding(net)
    upgraded = without(folded, "layers")
    upgraded.layers.extend([_layer(layer) for layer in folded.layers])
    return upgraded


def _layer(connection: V1LayerParameter) -> V1LayerParameter:
    old = connection.layer
    new = V1LayerParameter(bottom=connection.bottom, top=connection.top)
    if old.HasField("type"):
        if old.type not in _TYPES:
            known = ", ".join(_TYPES)
            raise SchemaError(f"Layer {old.name}: there is no type {old.type} in V0 nets, but {known}.")
        new.type = V1LayerParameter.LayerType.Value(_TYPES[old.type])
    for field, value in old.ListFields():
        if field.name not in _UNUSED:
            assign(_target(old, field.name, new), _RENAMED.get(field.name, field.name), value)
    return new


def _target(old: V0LayerParameter, name: str, new: V1LayerParameter) -> Message:
    """The message that a field of a V0 layer goes to: the new layer, or one within it."""
    own, fields = _PARAMETERS.get(old.type, ("", ""))
    if name in _LAYER or (name, old.type) == ("hdf5_output_param", "hdf5_output"):
        return new
    if name in _TRANSFORM:
        return new.transform_param
    if name in fields.split():
        return getattr(new, own)
    raise SchemaError(f"Layer {old.name}: the type {old.type} has no parameter {name}. Remove it.")
