"""Scale, mean, crop and mirror, moved from the data layers' own messages to ``transform_param``."""

from __future__ import annotations

from collections.abc import Iterator

from caffe_lite.schema import LayerParameter, NetParameter, V1LayerParameter
from caffe_lite.upgrade.fields import copied

_FIELDS = ("scale", "mean_file", "crop_size", "mirror")
_PARAMETERS = {
    V1LayerParameter.DATA: "data_param",
    V1LayerParameter.IMAGE_DATA: "image_data_param",
    V1LayerParameter.WINDOW_DATA: "window_data_param",
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}


def has_old_transform(net: NetParameter) -> bool:
    """Whether a data layer, V1 or V2, has a transformation in its own message."""
    return any(any(_old_fields(layer)) for layer in (*net.layers, *net.layer))


def upgrade_transform(net: NetParameter) -> NetParameter:
    """The net with all transformations in ``transform_param``. Source: ``UpgradeNetDataTransformation``.

    Caffe moves those of ``layers`` only, and lets the ones in a ``layer`` lie without a word. Nobody can want
    that, so they are moved too, except where transform_param has its own, which Caffe uses.
    """
    upgraded = copied(net)
    for layer in upgraded.layers:
        _move(layer, overwrite=True)
    for layer in upgraded.layer:
        _move(layer, overwrite=False)
    return upgraded


def _old_fields(layer: V1LayerParameter | LayerParameter) -> Iterator[str]:
    if layer.type in _PARAMETERS:
        own = getattr(layer, _PARAMETERS[layer.type])
        yield from (name for name in _FIELDS if own.HasField(name))


def _move(layer: V1LayerParameter | LayerParameter, overwrite: bool) -> None:
    if layer.type not in _PARAMETERS:
        return
    own = getattr(layer, _PARAMETERS[layer.type])
    if overwrite:  # Caffe leaves both messages behind, be they empty
        own.SetInParent()
        layer.transform_param.SetInParent()
    for name in list(_old_fields(layer)):
        if overwrite or not layer.transform_param.HasField(name):
            setattr(layer.transform_param, name, getattr(own, name))
        own.ClearField(name)
