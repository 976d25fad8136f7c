"""Weights: a ``.caffemodel`` is the net as a message, with each layer's parameters in it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any

from caffe_lite import schema
from caffe_lite.blob import Blob, shape_string
from caffe_lite.errors import SchemaError, SnapshotError
from caffe_lite.layers.base import Layer
from caffe_lite.upgrade import read_net_binary

log = logging.getLogger(__name__)
LEGACY_SHAPE = ("num", "channels", "height", "width")


def read_weights(path: str | os.PathLike[str]) -> Any:
    """The ``NetParameter`` of a ``.caffemodel`` in any of Caffe's forms, brought to the current one.

    Raises:
        SnapshotError: the file is missing, broken, or no file of weights.
    """
    if not os.path.isfile(path):
        raise SnapshotError(f"{path}: there is no such file of weights")
    try:
        net = read_net_binary(path)
    except SchemaError as error:
        raise SnapshotError(f"{path} is not a whole .caffemodel: {error}") from error
    if not net.layer:
        raise SnapshotError(f"{path} holds no layers: it is not a .caffemodel"
                            + ("; it looks like a solver state, which --snapshot resumes from"
                               if str(path).endswith(".solverstate") else ""))
    return net


def apply_weights(layers: Iterable[Layer], trained: Iterable[Any]) -> None:
    """Copy parameters into the layers of the same names; nothing is copied unless everything fits.

    Args:
        layers: the net's layers.
        trained: ``LayerParameter`` messages with ``blobs``.

    Raises:
        SnapshotError: a layer has another count of parameters, or one of another shape.
    """
    targets: dict[str, Layer] = {}
    for layer in layers:
        targets.setdefault(layer.name, layer)
    copies: list[tuple[Blob, Any]] = []
    for source in trained:
        target = targets.get(source.name)
        if target is None:
            log.info("Ignoring source layer %s", source.name)
            continue
        if len(target.blobs) != len(source.blobs):
            raise SnapshotError(f"Incompatible number of blobs for layer {source.name}: the file has "
                                f"{len(source.blobs)}, the net needs {len(target.blobs)}; rename the layer to learn it "
                                "from scratch")
        for j, (blob, proto) in enumerate(zip(target.blobs, source.blobs, strict=True)):
            try:
                array = schema.blob_to_array(proto)
            except SchemaError as error:
                raise SnapshotError(f"The weights of layer '{source.name}' are broken: param {j}: {error}") from error
            if not _fits(blob.shape, array.shape, any(map(proto.HasField, LEGACY_SHAPE))):
                raise SnapshotError(
                    f"Cannot copy param {j} weights from layer '{source.name}'; shape mismatch.  Source param shape is "
                    f"{shape_string(array.shape)}; target param shape is {shape_string(blob.shape)}. To learn this "
                    "layer's parameters from scratch rather than copying from a saved net, rename the layer.")
            copies.append((blob, array))
    for blob, array in copies:
        blob.data[...] = array.reshape(blob.shape)


def net_to_proto(name: str, layers: Iterable[Layer], write_diff: bool = False) -> Any:
    """The message of a ``.caffemodel``: each layer's ``LayerParameter`` and its parameters.

    Source: ``Net::ToProto`` in Caffe's net.cpp.
    """
    net = schema.NetParameter(name=name)
    for layer in layers:
        message = net.layer.add()
        message.CopyFrom(layer.param)
        del message.blobs[:]
        for blob in layer.blobs:
            message.blobs.append(schema.array_to_blob(blob.data, blob.diff if write_diff else None))
    return net


def _fits(shape: tuple[int, ...], found: tuple[int, ...], legacy: bool) -> bool:
    """Whether a stored shape is a parameter's; files of before 2015 have four sizes, the first ones 1.

    Source: ``Blob::ShapeEquals`` in Caffe's blob.cpp.
    """
    return (1,) * (4 - len(shape)) + shape == found if legacy else shape == found

